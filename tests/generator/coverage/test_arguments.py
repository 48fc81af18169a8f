"""How small an error of an activation shows, band by band of its argument."""

import numpy as np
import pytest

from rnn_goldens import load
from rnn_goldens.cells import Network, case_of
from rnn_goldens.generator.coverage import arguments
from rnn_goldens.generator.coverage.arguments import EPSILON, Moved, activations, look, not_looked_at

BAND = (0.25, 0.5)
EVERYWHERE = {
    (cell, activation.label, band): dict.fromkeys(arguments.BLUNT, (16.0, "some/golden"))
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
def test_every_activation_of_a_cell_is_told_from_the_others(cell: str, labels: set[str]) -> None:
    assert {activation.label for activation in activations(cell)} == labels


def test_a_result_is_moved_in_its_band_and_nowhere_else() -> None:
    golden = load("rnn-tanh/sweeping", dtype="float64")
    case = case_of(golden, np.float64)
    (right, _), (moved, _) = Network().run(case), Moved(0, BAND).run(case)
    within = (case.x >= BAND[0]) & (case.x < BAND[1])
    np.testing.assert_allclose(moved - right, np.where(within, EPSILON, 0), atol=1e-12)
    assert 0 < within.sum() < within.size


def test_a_golden_sees_the_bands_that_its_arguments_are_in() -> None:
    bands = {place[2] for place, *_ in look(load("rnn-tanh/between-table-points"))}
    assert bands == {(0.5, 0.75)}


def test_as_sharp_as_can_be_is_twice_what_an_activation_may_be_off_by() -> None:
    errors = [error for _, precision, error, _ in look(load("rnn-tanh/sweeping")) if precision == "float32"]
    assert 16 <= min(errors) < 17


def test_a_band_that_nothing_looks_at_is_named() -> None:
    held = dict(EVERYWHERE)
    for (cell, label), edge, precision, _ in arguments.NOT_SEEN:
        for place in EVERYWHERE:
            if place[:2] == (cell, label) and min(map(abs, place[2])) >= edge:
                held[place] = {p: value for p, value in held[place].items() if p != precision}
    assert list(not_looked_at(held)) == []
    held["gru", "tanh of n", (4, 5)] = {}
    assert next(iter(not_looked_at(held))) == "gru, tanh of n, 4 to 5, float64: nothing below inf roundoffs shows"
    assert len(list(not_looked_at(held))) == 4


def test_a_band_that_is_listed_as_not_seen_and_is_seen_is_named() -> None:
    assert "lstm, tanh of c, 4 to 5, bfloat16: listed as not seen, and seen" in list(not_looked_at(EVERYWHERE))
