"""Precisions, and integers of any library."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from rnn_goldens import UnknownName
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly, narrowest, precision, precision_name, whole_number


@pytest.mark.parametrize("name", PRECISIONS)
def test_rounding_equals_the_conversion_to_the_type(name: str) -> None:
    own_type = ml_dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)
    numbers = np.random.default_rng(1)
    near_ties = numbers.integers(1, 2**12, 4000) * 2.0 ** numbers.integers(-24, 3, 4000)
    values = np.concatenate([near_ties, -near_ties, [0.0, -0.0, 1e-40, 6e-8, 2**-133, 3 * 2**-134, 1 / 3]])
    expected = values.astype(np.float32).astype(own_type) if name == "bfloat16" else values.astype(own_type)
    np.testing.assert_array_equal(PRECISIONS[name].round(values).astype(np.float64), expected.astype(np.float64))


def test_bfloat16_is_rounded_once_and_not_through_float32_in_arrays_of_float32() -> None:
    just_above_a_tie = np.array([1 + 2**-8 + 2**-40])
    assert PRECISIONS["bfloat16"].round(just_above_a_tie) == 1 + 2**-7
    assert just_above_a_tie.astype(np.float32).astype(ml_dtypes.bfloat16) == 1
    smallest = 2.0**-133
    halves = np.array([0.5, 1.5, 2.5, 0.6]) * smallest
    assert PRECISIONS["bfloat16"].round(halves).tolist() == [0, 2 * smallest, 2 * smallest, smallest]
    assert PRECISIONS["bfloat16"].round(np.ones(3)).dtype == np.float32


def test_what_is_no_precision_is_an_error() -> None:
    with pytest.raises(UnknownName, match=r"no precision 'float31'\. Did you mean 'float32'\? .*bfloat16, float16"):
        precision("float31")
    with pytest.raises(TypeError, match=r"; got None$"):
        precision_name(None)
    with pytest.raises(UnknownName, match="no precision 'int64'"):
        precision_name(np.int64)


@pytest.mark.parametrize("name", PRECISIONS)
def test_the_properties_of_a_precision_are_those_of_the_type_itself(name: str) -> None:
    own: Any = ml_dtypes.finfo(ml_dtypes.bfloat16 if name == "bfloat16" else name)  # type: ignore[no-untyped-call]
    described = PRECISIONS[name]
    assert described.bits == own.nmant + 1
    assert described.min_exponent == own.minexp
    assert described.max_exponent == own.maxexp - 1
    assert described.smallest == own.smallest_subnormal
    assert described.roundoff == own.eps / 2


def test_rounding_raises_no_floating_point_errors_whatever_np_errstate_is_set() -> None:
    with np.errstate(all="raise"):
        for name, described in PRECISIONS.items():
            rounded = described.round(np.array([1e308, -1e308, 1e-320])).tolist()
            assert rounded == ([1e308, -1e308, 1e-320] if name == "float64" else [np.inf, -np.inf, 0])


class NamedLikeOne:
    """An object whose string is the name of a precision, from a module that does not define precisions."""

    def __str__(self) -> str:
        return "float32"


@pytest.mark.parametrize("module", ["a_library", "torches", "zzz"])
def test_an_object_of_another_library_is_not_a_precision_even_if_its_string_is_a_name(module: str) -> None:
    kind = type("NamedLikeOne", (NamedLikeOne,), {"__module__": module})
    with pytest.raises(
        TypeError, match=r"^dtype must be a precision, such as 'float32' or np\.float32; got <.*NamedLikeOne"
    ):
        precision_name(kind())


@pytest.mark.parametrize("value", ["float16", "torch.float16", np.float16, np.dtype("float16"), torch.float16])
def test_a_precision_is_specified_by_name_or_by_type(value: object) -> None:
    assert precision_name(value) == "float16"


def test_supported_only_is_a_tuple_of_names_without_attributes() -> None:
    assert SupportedOnly(["float64"]) == ("float64",)
    with pytest.raises(AttributeError):
        SupportedOnly(["float64"]).more = 1  # type: ignore[attr-defined]


def test_the_16_bit_precisions_are_the_narrowest_and_float32_holds_their_values() -> None:
    assert narrowest(tuple(PRECISIONS)) == ["bfloat16", "float16"]
    assert narrowest(("float64", "float32", "float16")) == ["float16"]
    assert narrowest(("float64", "float32")) == ("float64", "float32")
    numbers = np.random.default_rng(3).uniform(-1, 1, 50)
    numbers[0] = 0.0
    for half in ("bfloat16", "float16"):
        for values in (PRECISIONS[half].round(numbers), np.array([PRECISIONS[half].smallest])):
            assert PRECISIONS["float32"].holds(values.astype(np.float64))


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_holds_the_values_that_it_rounds_to_and_none_between_them(name: str) -> None:
    described = PRECISIONS[name]
    numbers = np.random.default_rng(2).uniform(-1, 1, 50)
    exact = [0.0, -0.0, 1.0, -2.5, 2.0**described.max_exponent, described.smallest, -described.smallest, np.inf]
    exact += [float(number) for number in described.round(numbers)]
    exact += [sign * (1 + step * 2.0 ** (1 - described.bits)) for sign in (1, -1) for step in (1, 2, 3, 64, 65)]
    assert [described.holds(np.array([1.0, number])) for number in exact] == [True] * len(exact)
    assert described.holds(np.array(exact))
    if name == "float64":
        return
    between = [1 + step * 2.0**-described.bits for step in (1, 3, 2.0**-8, 2.0**-14, 2.0**-15)]
    between += [described.smallest / 2, 2.0 ** (described.max_exponent + 1), np.nan]
    for number in [*between, *(-number for number in between)]:
        assert not described.holds(np.array([1.0, number])), number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)], ids=repr)
def test_an_integer_of_any_library_becomes_an_int(value: Any) -> None:
    assert whole_number(value) == 3
    assert type(whole_number(value)) is int


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_], ids=repr)
def test_a_boolean_is_not_an_integer(value: Any) -> None:
    assert whole_number(value) is None


@pytest.mark.parametrize("value", [3.0, np.float32(3), "3", None, [3]], ids=repr)
def test_other_values_are_not_integers(value: Any) -> None:
    assert whole_number(value) is None
