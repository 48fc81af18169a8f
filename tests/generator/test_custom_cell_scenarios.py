"""Custom cells, from a scenario to a verdict."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories.custom_cells import layout
from numpy.typing import NDArray

from rnn_goldens import Golden, Refused, Scenario, Unsupported, certify, read, save
from rnn_goldens.cells import Array, Case, Network, case_of, name_cells, no_equations
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.deviations import deviation
from rnn_goldens.diagnosis.candidates import Candidates
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator import exact
from rnn_goldens.golden.shapes import Config, Layout, weight_shapes
from rnn_goldens.implementations import numpy_cells

name_cells(["factories.custom_cells:other_way_round", "factories.custom_cells:peephole_lstm"])  # as a user does

LAYOUTS = {"minimal_gated_unit": Layout("fn"), "peephole_lstm": layout("ifgo", ("h", "c"), "p_f", "p_i", "p_o")}
DEEP = Config(2, 3, num_layers=2, bidirectional=True)


def scenario_of(function: str, config: Config = DEEP, **fields: object) -> Scenario:
    numbers = np.random.default_rng(1)

    def floats(*shape: int) -> NDArray[np.float32]:
        return numbers.standard_normal(shape).astype(np.float32)

    weights = {name: floats(*shape) for name, shape in weight_shapes(LAYOUTS[function], config).items()}
    inputs = {"weights": weights, "x": floats(3, 4, 2), "lengths": [4, 1, 2], "precisions": ["float64", "float32"]}
    texts = {"id": "own/cell", "purpose": "A cell that we do not ship.", "cell": f"factories.custom_cells:{function}"}
    return Scenario(**{**texts, "config": config, **inputs, **fields})  # type: ignore[arg-type]


def plain(config: Config) -> dict[str, NDArray[np.float32]]:
    """Return weights of a cell with one gate."""
    return {name: np.ones(shape, np.float32) for name, shape in weight_shapes(Layout("a"), config).items()}


@pytest.mark.parametrize("function", LAYOUTS)
@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_a_golden_of_a_custom_cell_is_certified_saved_and_read(function: str, suffix: str, tmp_path: Path) -> None:
    golden = certify(scenario_of(function))
    save(golden, tmp_path / f"golden{suffix}")
    back = read(tmp_path / f"golden{suffix}")
    assert (back.cell, back.layout) == (f"factories.custom_cells:{function}", LAYOUTS[function])
    assert back.weights.keys() == golden.weights.keys()
    assert np.array_equal(back.out, golden.out)
    for dtype in golden.precisions:
        back.in_precision(dtype).check(*numpy_cells.run(back.in_precision(dtype)))


def written_by_hand(golden: Golden) -> tuple[Array, Array]:
    """Return the outputs of the cell ``smooth``, computed by NumPy in the precision of the golden's arrays."""
    h, out, w = golden.h0[0], [], golden.weights
    for x in golden.x.swapaxes(0, 1):
        a, b = x @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        softplus = np.log(1 + np.exp(a))
        h = np.tanh(softplus * np.log(abs(b) + h.dtype.type(1.5)) - np.power(np.minimum(a, b), 3) / 8)
        out.append(h)
    return np.stack(out, axis=1), h[None]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_cell_with_logarithms_and_powers_in_numpy_passes(dtype: str) -> None:
    numbers = np.random.default_rng(2)
    shapes = {"weight_ih_l0": (3, 2), "weight_hh_l0": (3, 3), "bias_ih_l0": (3,), "bias_hh_l0": (3,), "x": (2, 4, 2)}
    short = {name: numbers.integers(-96, 97, shape) / 64 for name, shape in shapes.items()}
    d_out = numbers.integers(-16, 17, (2, 4, 3)) / 8
    golden = certify(
        Scenario(
            id="own/cell",
            purpose="A cell that we do not ship.",
            cell="factories.custom_cells:smooth",
            x=short.pop("x"),
            weights=short,
            d_out=d_out,
            gradient_purpose="Its gradients.",
        )
    )
    assert golden.gradients is not None
    assert {"float64", "float32"} <= set(golden.gradients.precisions)
    in_dtype = golden.in_precision(dtype)
    in_dtype.check(*written_by_hand(in_dtype))


def test_a_custom_cell_may_have_no_biases() -> None:
    golden = certify(scenario_of("minimal_gated_unit", Config(2, 3, bias=False)))
    golden.check(*numpy_cells.run(golden))


def test_deviations_of_all_cells_explain_failures_of_a_custom_cell() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    wrong = deviation("lengths_ignored").run(case_of(golden, np.float64))
    assert "lengths_ignored" in golden.compare(*wrong).explained_by


def test_a_cell_without_available_equations_can_be_checked() -> None:
    golden = certify(scenario_of("peephole_lstm"))
    right = Network().run(case_of(golden, np.float64))
    elsewhere = replace(golden, cell="not_here:peephole_lstm")
    elsewhere.check(*right)
    message = elsewhere.compare(right[0], right[1], right[2] + 1).message
    assert "only c_n is wrong" in message
    reason = "the equations of not_here:peephole_lstm are not available: a golden file cannot cause an import"
    assert f"not compared with any deviation: {reason}" in " ".join(message.split())
    with pytest.raises(WrongUse, match=f"^own/cell: {reason}"):
        elsewhere.steps()
    with pytest.raises(Unsupported, match="a golden file cannot cause an import"):
        numpy_cells.run(elsewhere)


def test_changed_equations_are_not_used_for_a_diagnosis() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    changed = replace(golden, cell="factories.custom_cells:other_way_round")  # as if the function had been edited
    changed.check(*numpy_cells.run(golden))
    verdict = changed.compare(*deviation("lengths_ignored").run(case_of(changed, np.float64)))
    assert verdict.explained_by == ()
    reason = "the equations of factories.custom_cells:other_way_round are not those that own/cell was certified with"
    assert reason in " ".join(verdict.message.split())
    with pytest.raises(WrongUse, match=f"^own/cell: {reason}; if the change is right, generate the golden again"):
        changed.steps()


def test_candidates_are_not_tried_with_changed_equations() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    changed = replace(golden, cell="factories.custom_cells:other_way_round")
    wrong = deviation("lengths_ignored").run(case_of(changed, np.float64))
    assert not Candidates(changed, actual_outputs(changed, *wrong).numbers).explained_by(("lengths_ignored",))


def test_equations_with_other_gates_are_an_error_that_lists_them() -> None:
    golden = replace(certify(scenario_of("minimal_gated_unit")), cell="factories.custom_cells:peephole_lstm")
    now = "the gates i, f, g and o, the states h and c, the weights p_f, p_i and p_o"
    message = f"use {now}, but used the gates f and n, the state h"
    with pytest.raises(WrongUse, match=message):
        golden.steps()
    with pytest.raises(Unsupported, match=message):
        numpy_cells.run(golden)


def test_equations_are_compared_with_a_golden_once_and_only_if_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    right = numpy_cells.run(golden)
    runs: list[Case] = []
    run = Network.run

    def recorded(network: Network, case: Case) -> tuple[Array, ...]:
        runs.append(case)
        return run(network, case)

    monkeypatch.setattr(Network, "run", recorded)
    golden.check(*right)
    assert runs == []
    for dtype in ("float64", "float32"):
        no_equations(golden.in_precision(dtype))
    assert len(runs) == 1


def test_weights_of_a_custom_cell_have_the_names_of_torch_only() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    assert golden.weights_from("torch", golden.weights).keys() == golden.weights.keys()
    with pytest.raises(Unsupported, match="the keras convention does not support the custom cell factories"):
        golden.weights_as("keras")


def test_a_weight_with_another_shape_or_name_is_refused() -> None:
    scenario = scenario_of("peephole_lstm", Config(2, 3))
    weights = dict(scenario.weights)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="no p_o_l0"):
        certify(scenario_of("peephole_lstm", Config(2, 3), weights={n: w for n, w in weights.items() if n != "p_o_l0"}))
    with pytest.raises(Refused, match=r"p_i_l0 is \(4,\), not \(3,\)"):
        certify(scenario_of("peephole_lstm", Config(2, 3), weights={**weights, "p_i_l0": np.ones(4)}))


def test_terms_with_mismatched_shapes_are_refused_with_their_line() -> None:
    with pytest.raises(
        Refused,
        match=r"^own/cell: cell 'factories.custom_cells:residual': .*custom_cells.py, line \d+: TypeError: sum: ",
    ):
        certify(scenario_of("minimal_gated_unit", cell="factories.custom_cells:residual"))


@pytest.mark.parametrize("function", ["quotient", "root"])
def test_equations_without_a_value_are_refused_without_trying_more_bits(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "LAST_BITS", 192 * 2**13)
    small, begin = Config(2, 2), time.process_time()
    with pytest.raises(Refused, match="its equations have no value at time step 0: a division by zero, or a root or"):
        certify(
            scenario_of("minimal_gated_unit", small, weights=plain(small), cell=f"factories.custom_cells:{function}")
        )
    assert time.process_time() - begin < 1


def test_a_cell_that_cannot_be_imported_is_refused() -> None:
    with pytest.raises(
        Refused, match=r"^own/cell: cell 'factories.custom_cells:nothing': factories.custom_cells has no 'nothing'"
    ):
        certify(scenario_of("minimal_gated_unit", cell="factories.custom_cells:nothing"))
    with pytest.raises(Refused, match=r"no cell 'mgu'. Cells: .*; or package.module:function for your own"):
        certify(scenario_of("minimal_gated_unit", cell="mgu"))
