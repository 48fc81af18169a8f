"""Comparisons at the edge of the tolerance: just inside and just outside, in every precision."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import Network, case_of
from rnn_goldens.comparison.verdict import compare, compare_gradients
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import ALL, DEFAULT, INSIDE, OPERANDS, TF32, Profile
from rnn_goldens.golden.tolerance import Bound, Coefficients, Contracts, in_use, loosest_of_gradients, roundoff_sum

CERTIFIED = ("rnn-tanh/with-state", "gru/with-state", "lstm/with-state", "rnn-relu/with-state")


def outputs(golden: Golden) -> dict[str, Any]:
    names = ("out", "h_n", "c_n") if golden.cell == "lstm" else ("out", "h_n")
    return {name: getattr(golden.stored, name).copy() for name in names}


CASES = [
    pytest.param(entry.id, dtype, id=f"{entry.id}-{dtype}")
    for entry in open_corpus().select(ids=CERTIFIED)
    for dtype in entry.precisions
]


def test_these_goldens_cover_every_precision() -> None:
    assert {parameter.values[1] for parameter in CASES} == set(PRECISIONS)


@pytest.mark.parametrize(("golden_id", "dtype"), CASES)
def test_each_element_passes_just_inside_its_tolerance_and_fails_just_outside(golden_id: str, dtype: str) -> None:
    golden = rnn_goldens.load(golden_id, dtype=dtype)
    for name, want in outputs(golden).items():
        allowed = golden.tolerance.allowed(name, want, PRECISIONS[dtype])
        signs = np.where(np.arange(want.size).reshape(want.shape) % 2, 1, -1)
        # A tolerance in float64 is about 20 units in the last place, so its edge is known to 1/20.
        inside = compare(golden, **{**outputs(golden), name: want + 0.9 * signs * allowed})
        assert inside.passed
        assert 0.85 < inside.largest_error <= 1
        outside = compare(golden, **{**outputs(golden), name: want + 1.1 * signs * allowed})
        distinct = 1.1 * allowed != allowed  # false where the tolerance is one subnormal number
        assert outside.differences[name].wrong == distinct.sum() > 0
        assert 1 < outside.largest_error < 1.15
        one = want.copy()
        index = np.argmax(distinct)
        one.flat[index] += 1.1 * allowed.flat[index]
        assert compare(golden, **{**outputs(golden), name: one}).differences[name].wrong == 1


GRADIENT_CASES = [
    pytest.param(entry.id, dtype, id=f"{entry.id}-{dtype}")
    for entry in open_corpus().select(ids=("rnn-tanh/one-step-with-state", "gru/one-step-with-state", "lstm/lengths"))
    for dtype in entry.gradient_precisions
]


@pytest.mark.parametrize(("golden_id", "dtype"), GRADIENT_CASES)
def test_each_element_of_a_gradient_passes_just_inside_its_tolerance_and_fails_just_outside(
    golden_id: str, dtype: str
) -> None:
    golden = rnn_goldens.load(golden_id, dtype=dtype, gradients=True)
    assert golden.gradients is not None
    for name, want in golden.gradients.expected.items():
        allowed = golden.gradients.tolerance.allowed(name, want, PRECISIONS[dtype])
        signs = np.where(np.arange(want.size).reshape(want.shape) % 2, 1, -1)
        inside = compare_gradients(golden, {name: want + 0.9 * signs * allowed})
        assert inside.passed
        assert 0.8 < inside.largest_error <= 1
        outside = compare_gradients(golden, {name: want + 1.15 * signs * allowed})
        distinct = 1.1 * allowed != allowed
        assert outside.differences[name].wrong == distinct.sum() > 0
        assert 1 < outside.largest_error < 1.3


def test_the_tolerance_follows_the_formula_of_the_format() -> None:
    accumulation, storage, y = np.array([24.0]), np.array([2.0]), np.array([-0.5])
    bound = Bound({"out": accumulation}, {"out": storage})
    for name, u, u_acc, s, smallest in (
        ("float64", 2**-53, 2**-53, 1, 2**-1074),
        ("float32", 2**-24, 2**-24, 1, 2**-149),
        ("bfloat16", 2**-8, 2**-24, 1.5, 2**-133),
        ("float16", 2**-11, 2**-24, 1.5, 2**-24),
    ):
        allowed = bound.allowed("out", y, PRECISIONS[name])
        assert allowed == s * (24 * u_acc + 2 * u) + u * 0.5 + smallest
        assert (roundoff_sum(accumulation, storage, PRECISIONS[name]) < allowed).all()


def test_a_zero_bound_still_allows_the_smallest_subnormal_number(make_golden: MakeGolden) -> None:
    golden = make_golden(dtype="float32")
    zeros = {name: np.zeros_like(getattr(golden.stored, name)) for name in ("out", "h_n")}
    golden = replace(golden, tolerance=Bound(zeros, zeros), stored=replace(golden.stored, expected=zeros))
    smallest = np.full_like(zeros["out"], 2.0**-149)
    golden.check(smallest, -zeros["h_n"])
    golden.check(-smallest, zeros["h_n"].copy())
    assert not compare(golden, 2 * smallest, zeros["h_n"]).passed
    assert not compare(golden, smallest * np.nan, zeros["h_n"]).passed
    assert not compare(golden, smallest + np.inf, zeros["h_n"]).passed


def test_only_values_of_a_lower_precision_are_reported_as_one() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float64")
    for value in (0.0, np.inf):
        verdict = compare(golden, np.full_like(golden.out, value), np.full_like(golden.h_n, value))
        assert not verdict.passed
        assert "computed in" not in verdict.message
    golden = rnn_goldens.load("gru/with-state", dtype="float32")
    rough = [PRECISIONS["bfloat16"].round(getattr(golden.stored, name)) for name in ("out", "h_n")]
    assert "every value is a bfloat16 number" in compare(golden, *rough).message
    golden = rnn_goldens.load("exact/with-state", dtype="float64")
    verdict = compare(golden, golden.out.astype(np.float64), golden.h_n)
    assert verdict.passed
    assert verdict.largest_error == 0


@pytest.mark.parametrize("golden_id", CERTIFIED)
def test_float32_arithmetic_returned_as_float64_is_reported(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id, dtype="float64")
    converted = [output.astype(np.float64) for output in Network().run(case_of(golden, np.float32))]
    verdict = compare(golden, *converted)
    assert not verdict.passed
    assert "every value is a float32 number: computed in float32, not in the declared float64?" in verdict.message


@pytest.mark.parametrize(
    ("contract", "of_state", "of_storage"),
    [(INSIDE, "float32", "float32"), (OPERANDS, "float32", "bfloat16"), (ALL, "bfloat16", "bfloat16")],
)
def test_a_contract_decides_which_roundoffs_a_half_precision_allows(
    contract: str, of_state: str, of_storage: str
) -> None:
    roundoff = {name: PRECISIONS[name].roundoff for name in ("float32", "bfloat16")}
    coefficients = Coefficients(*({"o": np.array([number])} for number in (8.0, 4.0, 2.0)))
    bound = 8 * roundoff["float32"] + 4 * roundoff[of_state] + 2 * roundoff[of_storage]
    allowed = coefficients.allowed("o", np.array([0.5]), PRECISIONS["bfloat16"], Profile(half=contract))
    assert allowed == 1.5 * bound + 0.5 * roundoff["bfloat16"]


def test_under_tf32_rounded_operands_have_11_bits_in_float32_only() -> None:
    roundoff, under = {name: PRECISIONS[name].roundoff for name in PRECISIONS}, Profile(TF32)
    coefficients = Coefficients(*({"o": np.array([number])} for number in (8.0, 4.0, 2.0)))
    bound = 12 * roundoff["float32"] + 2 * 2.0**-11
    allowed = coefficients.allowed("o", np.array([0.5]), PRECISIONS["float32"], under)
    assert allowed == 1.5 * bound + 0.5 * roundoff["float32"] + PRECISIONS["float32"].smallest
    for dtype in ("float64", "bfloat16", "float16"):
        default = coefficients.allowed("o", np.array([0.5]), PRECISIONS[dtype], DEFAULT)
        assert coefficients.allowed("o", np.array([0.5]), PRECISIONS[dtype], under) == default


def test_gradients_of_zero_have_the_tightest_tolerance() -> None:
    zero = {"x": np.zeros(3)}
    assert loosest_of_gradients(Bound(zero, zero), zero, PRECISIONS["float32"]) == 0


def coefficients(number: float) -> Coefficients:
    return Coefficients(*({"o": np.full(1, number)} for _ in range(3)))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_declared_algorithm_decides_which_coefficients_apply(dtype: str) -> None:
    precision, step, of_32, of_64 = PRECISIONS[dtype], *map(coefficients, (100.0, 300.0, 500.0))
    both = Contracts(step, {32: of_32, 64: of_64})
    for contracts, expected in (
        (both, of_64),
        (in_use(both, Profile(algorithm="chunk=64"), dtype), of_64),
        (in_use(both, Profile(algorithm="chunk=256"), dtype), of_64),
        (in_use(both, Profile(algorithm="chunk=32"), dtype), of_32),
        (in_use(both, Profile(algorithm="chunk=16"), dtype), step),
        (in_use(both, Profile(algorithm="step"), dtype), step),
        (Contracts(step), step),
    ):
        allowed = contracts.allowed("o", np.zeros(1), precision)
        assert allowed == expected.allowed("o", np.zeros(1), precision, DEFAULT)
    if precision.bits >= PRECISIONS["float32"].bits:
        assert of_64.allowed("o", np.zeros(1), precision, DEFAULT) == 1500 * precision.roundoff + precision.smallest
