"""The activations and pieces of functions that goldens cover."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import Network, case_of
from rnn_goldens.generator.coverage import activation_arguments
from rnn_goldens.generator.coverage.activation_arguments import (
    EPSILON,
    Recorder,
    coverage,
    functions,
    missing,
    observe,
)

BAND = (0.25, 0.5)
EVERYWHERE: dict[activation_arguments.Place, activation_arguments.SmallestErrors] = {
    (cell, label, band): dict.fromkeys(activation_arguments.LARGEST_COVERING, (16.0, "some/golden"))
    for cell in activation_arguments.CELLS
    for label in functions(cell)
    for band in activation_arguments.bands()
}


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("rnn_tanh", {"tanh of h"}),
        ("lstm", {"sigmoid of i", "sigmoid of f", "tanh of g", "sigmoid of o", "tanh of c"}),
        ("gru", {"sigmoid of r", "sigmoid of z", "tanh of n"}),
    ],
)
def test_every_activation_of_a_cell_is_distinguished(cell: str, labels: set[str]) -> None:
    assert set(functions(cell)) == labels


def test_an_activation_is_changed_only_in_its_band() -> None:
    golden = load("rnn-tanh/sweeping", dtype="float64")
    case = case_of(golden, np.float64)
    band = 0, activation_arguments.bands().index(BAND)
    (right, _), (changed, _) = Network().run(case), Recorder("rnn_tanh", band).run(case)
    within = (case.x >= BAND[0]) & (case.x < BAND[1])
    np.testing.assert_allclose(changed - right, np.where(within, EPSILON, 0), atol=1e-12)
    assert 0 < within.sum() < within.size


def test_a_golden_covers_the_bands_of_its_arguments_down_to_twice_the_tolerance() -> None:
    bands = {key[2] for key, *_ in observe(load("rnn-tanh/between-table-points"))}
    assert bands == {(0.5, 0.75)}
    errors = [error for _, precision, error, _ in observe(load("rnn-tanh/sweeping")) if precision == "float32"]
    assert 16 <= min(errors) < 17


def test_a_band_that_is_not_covered_is_reported() -> None:
    covered = dict(EVERYWHERE)
    for (cell, label), edge, precision, _ in activation_arguments.GAPS:
        for key in EVERYWHERE:
            if key[:2] == (cell, label) and not isinstance(key[2], str) and min(map(abs, key[2])) >= edge:
                covered[key] = {p: value for p, value in covered[key].items() if p != precision}
    assert list(missing(covered)) == []
    covered["gru", "tanh of n", (4, 5)] = {}
    assert next(iter(missing(covered))) == "gru, tanh of n, 4 to 5, float64: no error below inf roundoffs is detected"
    assert len(list(missing(covered))) == 4


def test_a_covered_band_that_is_listed_as_a_gap_is_reported() -> None:
    assert "lstm, tanh of c, 4 to 5, bfloat16: listed as a gap, but covered" in list(missing(EVERYWHERE))


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("lstm", []),
        ("rnn_relu", ["relu"]),
        ("gru_hard_sigmoid", ["clip", "clip"]),
        ("lstm_cell_clip", ["clip"]),
        ("rnn_leaky_relu", ["maximum"]),
        ("rnn_elu", ["relu", "relu"]),
    ],
)
def test_the_functions_of_a_cell_that_have_kinks(cell: str, names: list[str]) -> None:
    of_cell = [] if cell in activation_arguments.CELLS else functions(cell)
    assert of_cell == [f"{name} {number}" for number, name in enumerate(names, 1)]


def test_a_result_is_changed_in_one_piece_only() -> None:
    case = case_of(load("rnn-relu/plain", dtype="float64"), np.float64)
    above = 0, 1
    right, changed = (network.run(case)[0][:, 0] for network in (Network(), Recorder("rnn_relu", above)))
    np.testing.assert_array_equal(changed != right, right > 0)
    assert 0 < (right > 0).sum() < right.size


def test_a_golden_covers_the_pieces_that_its_arguments_reach() -> None:
    covered = {piece for piece, *_ in observe(load("gru-hard-sigmoid-sixth/plain"))}
    assert ("gru_hard_sigmoid_sixth", "clip 2", "between") in covered
    assert ("gru_hard_sigmoid_sixth", "clip 2", "below") not in covered


def test_a_piece_that_no_golden_covers_is_reported() -> None:
    cell = "gru_hard_sigmoid_sixth"
    names = ("plain", "with-state", "overflowing", "one-step-with-state", "saturated-no-state")
    covered = [observe(load(f"gru-hard-sigmoid-sixth/{name}")) for name in names]
    assert list(missing(coverage(covered, [cell]))) == []
    assert list(missing(coverage(covered[:-1], [cell]))) == [
        f"{cell}, clip 2, below, {precision}: no error below inf roundoffs is detected"
        for precision in ("float64", "float32")
    ]
