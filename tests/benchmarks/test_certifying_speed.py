"""The benchmark of the speed of certification, in which mpmath computes the same expected values."""

from typing import Any

import numpy as np
import pytest
from factories.scenarios import SHAPES, scenario

from benchmarks.certifying_speed import BASE, Speed, in_mpmath, report, sizes, speed
from rnn_goldens.generator.exact import correctly_rounded
from rnn_goldens.golden.built_in_cells import CELLS


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_mpmath_with_the_precision_of_certification_is_correctly_rounded(cell: str, shape: str) -> None:
    arguments: dict[str, Any] = SHAPES[shape]
    case = scenario(cell, **arguments).case()
    right, bits = correctly_rounded(case)
    for array, other_array in zip(right, in_mpmath(case, bits), strict=True):
        assert np.array_equal(array, other_array)


def test_mpmath_with_30_bits_is_not_correctly_rounded() -> None:
    case = scenario("lstm").case()
    assert not np.array_equal(correctly_rounded(case)[0][0], in_mpmath(case, 30)[0])


def test_each_later_size_differs_from_the_first_in_one_dimension() -> None:
    first, *others = sizes()
    assert first == BASE
    assert all(sum(other[what] != BASE[what] for what in BASE) == 1 for other in others)


def test_the_times_of_one_size_are_measured() -> None:
    measured = speed("gru", {"time": 2, "hidden": 2, "layers": 1})
    assert 0 < measured.answer < measured.certified < measured.backward
    assert measured.mpmath > 0


def test_the_page_has_goldens_per_second_and_the_ratio() -> None:
    page = report([Speed("lstm", BASE, 192, answer=0.005, certified=0.02, mpmath=0.03, backward=0.1)])
    assert (
        "| lstm |   10 |      8 |      1 |  192 |             10.0 |        50.0 |       200 |     33.3 |      6.0 |\n"
        in page
    )
    assert "mpmath takes 6.0 to 6.0 times as long" in page
