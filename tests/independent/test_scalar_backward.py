"""An independent hand-written backward pass reproduces certified gradients bit for bit."""

from typing import Any

import numpy as np
import pytest
from factories.cotangents import SHAPES, gradient_scenario
from independent import scalar_backward
from independent.scalar_backward import gradients
from independent.scalar_rnn import each

from rnn_goldens.generator.gradients.exact import correctly_rounded_gradients
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.built_in_cells import CELLS


def by_hand(scenario: Scenario) -> dict[str, Any]:
    case, cotangents = scenario.case(), scenario.cotangents
    batch = case.as_batch()
    defaults = {"d_out": np.zeros((*batch.x.shape[:2], case.config.hidden_size * case.config.num_directions))}
    defaults |= {f"d_{state}_n": np.zeros_like(case.state[0]) for state in case.cell.states}
    d_out, *d_last = (cotangents.get(name, zeros) for name, zeros in defaults.items())
    if not case.batched:
        d_out, d_last = d_out.reshape(defaults["d_out"].shape), [part[:, None] for part in d_last]
    lengths = [batch.x.shape[1]] * len(batch.x) if case.lengths is None else case.lengths.tolist()
    weights = {name: array.tolist() for name, array in case.weights.items()}
    initial = [part.tolist() for part in batch.state]
    found = gradients(
        case.cell.name, weights, batch.x.tolist(), initial, lengths, d_out.tolist(), [p.tolist() for p in d_last]
    )
    if not case.batched:
        found["x"] = found["x"][0]
        found |= {name: [part[0] for part in found[name]] for name in ("h0", "c0") if name in found}
    return found if case.state_given else {name: array for name, array in found.items() if name not in ("h0", "c0")}


def certified(scenario: Scenario) -> dict[str, Any]:
    found, _ = correctly_rounded_gradients(scenario.case(), scenario.cotangents)
    return {name: array.tolist() for name, array in found.items()}


def bits(numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: each(float.hex, array) for name, array in numbers.items()}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_gradient_is_reproduced(cell: str, shape: str) -> None:
    scenario = gradient_scenario(cell, shape)
    assert bits(by_hand(scenario)) == bits(certified(scenario))


@pytest.mark.parametrize("of", [("d_out",), ("d_h_n",)])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_from_cotangents_of_one_output_are_reproduced(cell: str, of: tuple[str, ...]) -> None:
    scenario = gradient_scenario(cell, "ragged", seed=1, of=of)
    assert bits(by_hand(scenario)) == bits(certified(scenario))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_other_seeds_are_reproduced(cell: str, shape: str, seed: int) -> None:
    scenario = gradient_scenario(cell, shape, seed=seed)
    assert bits(by_hand(scenario)) == bits(certified(scenario))


@pytest.mark.parametrize("cell", CELLS)
def test_a_wrong_sign_in_the_backward_pass_is_detected(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    scenario, right = gradient_scenario(cell), scalar_backward.BACK[cell]
    monkeypatch.setitem(scalar_backward.BACK, cell, lambda x, h, state, d: right(x, h, state, [-d[0], *d[1:]]))
    assert bits(by_hand(scenario)) != bits(certified(scenario))
