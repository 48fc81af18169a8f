"""Cells of someone's own, from a scenario to a verdict."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rnn_goldens import Golden, Refused, Scenario, Unsupported, certify, read, save
from rnn_goldens.cells import Array, Case, Network, case_of, name_cells, no_equations
from rnn_goldens.deviations import deviation
from rnn_goldens.diagnosis.asked import Asked
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator import exact
from rnn_goldens.golden.shapes import Config, Layout, weight_shapes
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.judging.given import outputs_given

name_cells(["odd_cells:other_way_round", "odd_cells:peephole_lstm"])  # as a user does

LAYOUTS = {"minimal_gated_unit": Layout("fn"), "peephole_lstm": Layout("ifgo", ("h", "c"), ("p_i", "p_f", "p_o"))}
DEEP = Config(2, 3, num_layers=2, bidirectional=True)


def asked(function: str, config: Config = DEEP, **fields: object) -> Scenario:
    numbers = np.random.default_rng(1)

    def floats(*shape: int) -> NDArray[np.float32]:
        return numbers.standard_normal(shape).astype(np.float32)

    weights = {name: floats(*shape) for name, shape in weight_shapes(LAYOUTS[function], config).items()}
    given = {"weights": weights, "x": floats(3, 4, 2), "lengths": [4, 1, 2], "precisions": ["float64", "float32"]}
    made = {"id": "own/cell", "purpose": "A cell that we do not ship.", "cell": f"odd_cells:{function}"}
    return Scenario(**{**made, "config": config, **given, **fields})  # type: ignore[arg-type]


def plain(config: Config) -> dict[str, NDArray[np.float32]]:
    """Weights of a cell with one gate."""
    return {name: np.ones(shape, np.float32) for name, shape in weight_shapes(Layout("a"), config).items()}


@pytest.mark.parametrize("function", LAYOUTS)
@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_its_golden_is_certified_kept_and_read(function: str, suffix: str, tmp_path: Path) -> None:
    golden = certify(asked(function))
    save(golden, tmp_path / f"golden{suffix}")
    back = read(tmp_path / f"golden{suffix}")
    assert (back.cell, back.layout) == (f"odd_cells:{function}", LAYOUTS[function])
    assert back.weights.keys() == golden.weights.keys()
    assert np.array_equal(back.out, golden.out)
    for dtype in golden.precisions:
        back.in_precision(dtype).check(*numpy_cells.run(back.in_precision(dtype)))


def written_by_hand(golden: Golden) -> tuple[Array, Array]:
    """The cell ``smooth`` as someone writes it, every result stored in the precision of its arrays."""
    h, out, w = golden.h0[0], [], golden.weights
    for x in golden.x.swapaxes(0, 1):
        a, b = x @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        softplus = np.log(1 + np.exp(a))
        h = np.tanh(softplus * np.log(abs(b) + h.dtype.type(1.5)) - np.power(np.minimum(a, b), 3) / 8)
        out.append(h)
    return np.stack(out, axis=1), h[None]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_logarithms_and_powers_in_the_words_of_numpy_are_right_in_every_precision(dtype: str) -> None:
    numbers = np.random.default_rng(2)
    shapes = {"weight_ih_l0": (3, 2), "weight_hh_l0": (3, 3), "bias_ih_l0": (3,), "bias_hh_l0": (3,), "x": (2, 4, 2)}
    short = {name: numbers.integers(-96, 97, shape) / 64 for name, shape in shapes.items()}
    d_out = numbers.integers(-16, 17, (2, 4, 3)) / 8
    golden = certify(
        Scenario(
            id="own/cell",
            purpose="A cell that we do not ship.",
            cell="odd_cells:smooth",
            x=short.pop("x"),
            weights=short,
            d_out=d_out,
            gradient_purpose="Its way back.",
        )
    )
    assert golden.gradients is not None
    assert {"float64", "float32"} <= set(golden.gradients.precisions)
    here = golden.in_precision(dtype)
    here.check(*written_by_hand(here))


def test_a_network_without_biases_has_none() -> None:
    golden = certify(asked("minimal_gated_unit", Config(2, 3, bias=False)))
    golden.check(*numpy_cells.run(golden))


def test_a_wrong_network_of_it_gets_the_name_of_what_all_cells_can_have() -> None:
    golden = certify(asked("minimal_gated_unit"))
    wrong = deviation("lengths_ignored").run(case_of(golden, np.float64))
    assert "lengths_ignored" in golden.compare(*wrong).explained_by


def test_a_cell_whose_equations_are_not_at_hand_is_checked_all_the_same() -> None:
    golden = certify(asked("peephole_lstm"))
    right = Network().run(case_of(golden, np.float64))
    elsewhere = replace(golden, cell="not_here:peephole_lstm")
    elsewhere.check(*right)
    message = elsewhere.compare(right[0], right[1], right[2] + 1).message
    assert "c_n alone is wrong" in message
    reason = "the equations of not_here:peephole_lstm are not here: a file does not decide what is imported"
    assert f"compared with no deviation: {reason}" in " ".join(message.split())
    with pytest.raises(WrongUse, match=f"^own/cell: {reason}"):
        elsewhere.steps()
    with pytest.raises(Unsupported, match="a file does not decide what is imported"):
        numpy_cells.run(elsewhere)


def test_equations_that_are_others_now_explain_nothing() -> None:
    golden = certify(asked("minimal_gated_unit"))
    changed = replace(golden, cell="odd_cells:other_way_round")  # as if the function had been edited
    changed.check(*numpy_cells.run(golden))
    verdict = changed.compare(*deviation("lengths_ignored").run(case_of(changed, np.float64)))
    assert verdict.explained_by == ()
    reason = "the equations of odd_cells:other_way_round are not those that own/cell was certified with"
    assert reason in " ".join(verdict.message.split())
    with pytest.raises(WrongUse, match=f"^own/cell: {reason}; if they are right now, generate it anew"):
        changed.steps()


def test_what_explained_another_golden_of_the_cell_is_not_asked_where_equations_are_others() -> None:
    golden = certify(asked("minimal_gated_unit"))
    changed = replace(golden, cell="odd_cells:other_way_round")
    wrong = deviation("lengths_ignored").run(case_of(changed, np.float64))
    assert not Asked(changed, outputs_given(changed, *wrong).numbers).explained_by(("lengths_ignored",))


def test_equations_with_other_gates_are_told_in_words() -> None:
    golden = replace(certify(asked("minimal_gated_unit")), cell="odd_cells:peephole_lstm")
    now = "the gates i, f, g and o, the states h and c, the vectors p_i, p_f and p_o"
    said = f"speak of {now}, and {{}}of the gates f and n, the state h"
    with pytest.raises(WrongUse, match=said.format("then ")):
        golden.steps()
    with pytest.raises(Unsupported, match=said.format("spoke ")):
        numpy_cells.run(golden)


def test_the_equations_are_held_against_a_golden_once_and_not_where_it_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    golden = certify(asked("minimal_gated_unit"))
    right = numpy_cells.run(golden)
    runs: list[Case] = []
    run = Network.run

    def noted(network: Network, case: Case) -> tuple[Array, ...]:
        runs.append(case)
        return run(network, case)

    monkeypatch.setattr(Network, "run", noted)
    golden.check(*right)
    assert runs == []
    for dtype in ("float64", "float32"):
        no_equations(golden.in_precision(dtype))
    assert len(runs) == 1


def test_it_has_torchs_names_for_its_weights_and_no_other_conventions() -> None:
    golden = certify(asked("minimal_gated_unit"))
    assert golden.weights_from("torch", golden.weights).keys() == golden.weights.keys()
    with pytest.raises(Unsupported, match="the keras convention has no cell odd_cells:minimal_gated_unit"):
        golden.weights_as("keras")


def test_a_weight_of_another_shape_or_name_is_refused() -> None:
    scenario = asked("peephole_lstm", Config(2, 3))
    weights = dict(scenario.weights)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="no p_o_l0"):
        certify(asked("peephole_lstm", Config(2, 3), weights={n: w for n, w in weights.items() if n != "p_o_l0"}))
    with pytest.raises(Refused, match=r"p_i_l0 is \(4,\), not \(3,\)"):
        certify(asked("peephole_lstm", Config(2, 3), weights={**weights, "p_i_l0": np.ones(4)}))


def test_terms_of_a_cell_that_do_not_fit_together_are_refused_with_the_line() -> None:
    with pytest.raises(
        Refused, match=r"^own/cell: cell 'odd_cells:residual': .*odd_cells.py, line \d+: TypeError: sum: "
    ):
        certify(asked("minimal_gated_unit", cell="odd_cells:residual"))


@pytest.mark.parametrize("function", ["quotient", "root"])
def test_equations_that_give_no_number_are_refused_before_more_bits_are_tried(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "LAST_BITS", 192 * 2**13)
    small, begin = Config(2, 2), time.process_time()
    with pytest.raises(Refused, match="its equations give no number at time step 0: a division by zero, or a root of"):
        certify(asked("minimal_gated_unit", small, weights=plain(small), cell=f"odd_cells:{function}"))
    assert time.process_time() - begin < 1


def test_a_cell_that_can_not_be_found_is_refused() -> None:
    with pytest.raises(Refused, match=r"^own/cell: cell 'odd_cells:nothing': odd_cells has no 'nothing'"):
        certify(asked("minimal_gated_unit", cell="odd_cells:nothing"))
    with pytest.raises(Refused, match=r"no cell 'mgu'. Cells: .*; or your own, package.module:function"):
        certify(asked("minimal_gated_unit", cell="mgu"))
