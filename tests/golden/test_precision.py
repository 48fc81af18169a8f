from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from rnn_goldens import UnknownName
from rnn_goldens.golden.precision import PRECISIONS, WhereHeld, narrowest, precision, precision_name


@pytest.mark.parametrize("name", PRECISIONS)
def test_rounding_is_to_nearest_even_as_the_type_itself_does_it(name: str) -> None:
    own_type = ml_dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)
    numbers = np.random.default_rng(1)
    near_ties = numbers.integers(1, 2**12, 4000) * 2.0 ** numbers.integers(-24, 3, 4000)
    values = np.concatenate([near_ties, -near_ties, [0.0, -0.0, 1e-40, 6e-8, 2**-133, 3 * 2**-134, 1 / 3]])
    expected = values.astype(np.float32).astype(own_type) if name == "bfloat16" else values.astype(own_type)
    np.testing.assert_array_equal(PRECISIONS[name].round(values).astype(np.float64), expected.astype(np.float64))


def test_bfloat16_is_rounded_once_where_going_through_float32_would_round_twice() -> None:
    just_above_a_tie = np.array([1 + 2**-8 + 2**-40])
    assert PRECISIONS["bfloat16"].round(just_above_a_tie) == 1 + 2**-7
    assert just_above_a_tie.astype(np.float32).astype(ml_dtypes.bfloat16) == 1


def test_bfloat16_values_come_in_float32_arrays() -> None:
    assert PRECISIONS["bfloat16"].round(np.ones(3)).dtype == np.float32


def test_an_unknown_precision_lists_those_that_exist() -> None:
    with pytest.raises(UnknownName, match=r"no precision 'float31'\. Did you mean 'float32'\? .*bfloat16, float16"):
        precision("float31")


@pytest.mark.parametrize("name", PRECISIONS)
def test_its_numbers_are_those_of_the_type_itself(name: str) -> None:
    own: Any = ml_dtypes.finfo(ml_dtypes.bfloat16 if name == "bfloat16" else name)  # type: ignore[no-untyped-call]
    described = PRECISIONS[name]
    assert described.bits == own.nmant + 1
    assert described.min_exponent == own.minexp
    assert described.max_exponent == own.maxexp - 1
    assert described.smallest == own.smallest_subnormal
    assert described.roundoff == own.eps / 2


def test_a_number_halfway_between_two_of_bfloat16_goes_to_the_even_one_near_zero_too() -> None:
    smallest = 2.0**-133
    halves = np.array([0.5, 1.5, 2.5, 0.6]) * smallest
    assert PRECISIONS["bfloat16"].round(halves).tolist() == [0, 2 * smallest, 2 * smallest, smallest]


def test_rounding_says_nothing_whatever_was_set_for_floating_point_errors() -> None:
    with np.errstate(all="raise"):
        for name, described in PRECISIONS.items():
            rounded = described.round(np.array([1e308, -1e308, 1e-320])).tolist()
            assert rounded == ([1e308, -1e308, 1e-320] if name == "float64" else [np.inf, -np.inf, 0])


class NamedLikeOne:
    """What calls itself a precision and is of no library that has any."""

    def __str__(self) -> str:
        return "float32"


@pytest.mark.parametrize("module", ["a_library", "torches", "zzz"])
def test_a_name_alone_makes_no_precision(module: str) -> None:
    kind = type("NamedLikeOne", (NamedLikeOne,), {"__module__": module})
    with pytest.raises(TypeError, match=r"^dtype names a precision, such as 'float32' or np\.float32; <.*NamedLikeOne"):
        precision_name(kind())


@pytest.mark.parametrize("given", ["float16", "torch.float16", np.float16, np.dtype("float16"), torch.float16])
def test_a_precision_is_known_by_its_name_or_its_type(given: object) -> None:
    assert precision_name(given) == "float16"


def test_nothing_is_no_precision_though_numpy_takes_it_for_one() -> None:
    with pytest.raises(TypeError, match=r"; None does not$"):
        precision_name(None)


def test_a_type_that_is_none_of_the_four_is_unknown_by_its_name() -> None:
    with pytest.raises(UnknownName, match="no precision 'int64'"):
        precision_name(np.int64)


def test_precisions_that_are_asked_where_held_are_nothing_but_their_names() -> None:
    assert WhereHeld(["float64"]) == ("float64",)
    with pytest.raises(AttributeError):
        WhereHeld(["float64"]).more = 1  # type: ignore[attr-defined]


def test_what_the_half_precisions_hold_the_others_hold_too() -> None:
    assert narrowest(tuple(PRECISIONS)) == ["bfloat16", "float16"]
    assert narrowest(("float64", "float32", "float16")) == ["float16"]
    assert narrowest(("float64", "float32")) == ("float64", "float32")
    numbers = np.random.default_rng(3).uniform(-1, 1, 50)
    numbers[0] = 0.0
    for half in ("bfloat16", "float16"):
        for held in (PRECISIONS[half].round(numbers), np.array([PRECISIONS[half].smallest])):
            assert PRECISIONS["float32"].holds(held.astype(np.float64))


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_holds_what_it_rounds_to_itself_and_nothing_between(name: str) -> None:
    asked = PRECISIONS[name]
    numbers = np.random.default_rng(2).uniform(-1, 1, 50)
    held = [0.0, -0.0, 1.0, -2.5, 2.0**asked.max_exponent, asked.smallest, -asked.smallest, np.inf]
    held += [float(number) for number in asked.round(numbers)]
    held += [sign * (1 + step * 2.0 ** (1 - asked.bits)) for sign in (1, -1) for step in (1, 2, 3, 64, 65)]
    assert [asked.holds(np.array([1.0, number])) for number in held] == [True] * len(held)
    assert asked.holds(np.array(held))
    if name == "float64":
        return
    between = [1 + step * 2.0**-asked.bits for step in (1, 3, 2.0**-8, 2.0**-14, 2.0**-15)]
    between += [asked.smallest / 2, 2.0 ** (asked.max_exponent + 1), np.nan]
    for number in [*between, *(-number for number in between)]:
        assert not asked.holds(np.array([1.0, number])), number
