"""The smallest detected error of an activation in each band of its argument."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import Network, case_of
from rnn_goldens.generator.coverage import arguments
from rnn_goldens.generator.coverage.arguments import EPSILON, ChangedActivation, activations, missing, observe

BAND = (0.25, 0.5)
EVERYWHERE = {
    (cell, activation.label, band): dict.fromkeys(arguments.LARGEST_COVERING, (16.0, "some/golden"))
    for cell in arguments.CELLS
    for activation in activations(cell)
    for band in arguments.bands()
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
    assert {activation.label for activation in activations(cell)} == labels


def test_an_activation_is_changed_only_in_its_band() -> None:
    golden = load("rnn-tanh/sweeping", dtype="float64")
    case = case_of(golden, np.float64)
    (right, _), (changed, _) = Network().run(case), ChangedActivation(0, BAND).run(case)
    within = (case.x >= BAND[0]) & (case.x < BAND[1])
    np.testing.assert_allclose(changed - right, np.where(within, EPSILON, 0), atol=1e-12)
    assert 0 < within.sum() < within.size


def test_a_golden_covers_the_bands_of_its_arguments() -> None:
    bands = {key[2] for key, *_ in observe(load("rnn-tanh/between-table-points"))}
    assert bands == {(0.5, 0.75)}


def test_the_smallest_detectable_error_is_twice_the_tolerance_of_an_activation() -> None:
    errors = [error for _, precision, error, _ in observe(load("rnn-tanh/sweeping")) if precision == "float32"]
    assert 16 <= min(errors) < 17


def test_a_band_that_is_not_covered_is_reported() -> None:
    covered = dict(EVERYWHERE)
    for (cell, label), edge, precision, _ in arguments.GAPS:
        for key in EVERYWHERE:
            if key[:2] == (cell, label) and min(map(abs, key[2])) >= edge:
                covered[key] = {p: value for p, value in covered[key].items() if p != precision}
    assert list(missing(covered)) == []
    covered["gru", "tanh of n", (4, 5)] = {}
    assert next(iter(missing(covered))) == "gru, tanh of n, 4 to 5, float64: no error below inf roundoffs is detected"
    assert len(list(missing(covered))) == 4


def test_a_covered_band_that_is_listed_as_a_gap_is_reported() -> None:
    assert "lstm, tanh of c, 4 to 5, bfloat16: listed as a gap, but covered" in list(missing(EVERYWHERE))
