"""Certified gradients, bit for bit, from back-propagation that is written by hand and shares nothing with ours."""

from typing import Any

import numpy as np
import pytest
from independent import scalar_backward
from independent.scalar_backward import gradients
from independent.scalar_rnn import each
from made_cotangents import SHAPES, asked

from rnn_goldens.generator.gradients.exact import correctly_rounded_gradients
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.shapes import CELLS


def by_hand(scenario: Scenario) -> dict[str, Any]:
    case, given = scenario.case(), scenario.cotangents
    batch = case.as_batch()
    nothing = {"d_out": np.zeros((*batch.x.shape[:2], case.config.hidden_size * case.config.num_directions))}
    nothing |= {f"d_{state}_n": np.zeros_like(case.state[0]) for state in case.cell.states}
    d_out, *d_last = (given.get(name, zeros) for name, zeros in nothing.items())
    if not case.batched:
        d_out, d_last = d_out.reshape(nothing["d_out"].shape), [part[:, None] for part in d_last]
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
    scenario = asked(cell, shape)
    assert bits(by_hand(scenario)) == bits(certified(scenario))


@pytest.mark.parametrize("of", [("d_out",), ("d_h_n",)])
@pytest.mark.parametrize("cell", CELLS)
def test_cotangents_of_one_output_alone_are_too(cell: str, of: tuple[str, ...]) -> None:
    scenario = asked(cell, "ragged", seed=1, of=of)
    assert bits(by_hand(scenario)) == bits(certified(scenario))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_and_of_other_numbers(cell: str, shape: str, seed: int) -> None:
    scenario = asked(cell, shape, seed=seed)
    assert bits(by_hand(scenario)) == bits(certified(scenario))


@pytest.mark.parametrize("cell", CELLS)
def test_a_wrong_sign_on_the_way_back_is_seen(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    scenario, right = asked(cell), scalar_backward.BACK[cell]
    monkeypatch.setitem(scalar_backward.BACK, cell, lambda x, h, state, d: right(x, h, state, [-d[0], *d[1:]]))
    assert bits(by_hand(scenario)) != bits(certified(scenario))
