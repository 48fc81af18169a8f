"""The difference of one output: the number of wrong elements, the first and the largest error, and hints."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.comparison import differences
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.comparison.differences import Difference
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Bound

RIGHT, ALLOWED = np.arange(12.0).reshape(2, 3, 2), 10.0 ** np.arange(-2.0, 4).repeat(2).reshape(2, 3, 2)
"""The expected out, and the tolerances of its elements: 0.01 twice, 0.1 twice, ..., 1000 twice."""


def difference(golden: Golden, name: str, value: object) -> Difference:
    """Return the difference of one output."""
    given = (value if output == name else None for output in golden.layout.outputs)
    return differences.difference(actual_outputs(golden, *given), name)


@pytest.fixture
def golden(make_golden: MakeGolden) -> Golden:
    golden = make_golden(dtype="float64")
    bounds = {"out": ALLOWED * 2**53, "h_n": np.ones((1, 2, 2))}
    zeros = {name: np.zeros_like(array) for name, array in bounds.items()}
    stored = replace(golden.stored, expected={**golden.stored.expected, "out": RIGHT})
    return replace(golden, tolerance=Bound(bounds, zeros), stored=stored)


def off_by(golden: Golden, **errors: float) -> Difference:
    """Return the difference of out with added errors: ``_3=0.5`` adds 0.5 to the element with flat index 3."""
    out = RIGHT.copy()
    for position, error in errors.items():
        out.flat[int(position[1:])] += error
    return difference(golden, "out", out)


def test_the_largest_error_is_that_of_a_wrong_element(golden: Golden) -> None:
    found = off_by(golden, _0=0.02, _2=0.5, _3=0.2, _11=900.0)
    assert (found.wrong, found.size, found.nan, found.infinite) == (3, 12, 0, 0)
    assert found.first is not None
    assert found.largest is not None
    assert (found.first.index, found.largest.index) == ((0, 0, 0), (0, 1, 0))
    assert (found.largest.got, found.largest.want) == (2.5, 2.0)
    assert found.largest.allowed == pytest.approx(0.1)
    assert found.largest_error == pytest.approx(5)
    assert found.time_steps == (0, 1)
    assert not found.passed


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_right_values_that_a_half_precision_does_not_represent_are_finer(dtype: str) -> None:
    golden = rnn_goldens.load("rnn-tanh/one-step", dtype=dtype)
    expected = golden.stored.expected["out"]
    own = PRECISIONS[dtype].round(expected)
    assert not difference(golden, "out", own.astype(golden.out.dtype)).is_finer
    found = difference(golden, "out", expected.copy())
    assert (found.passed, found.is_finer) == (True, dtype != "float32")
    assert not difference(golden, "out", own.astype(np.float32)).is_finer


def test_the_largest_error_of_right_outputs_is_a_fraction_of_the_tolerance(golden: Golden) -> None:
    found = off_by(golden, _0=0.002, _2=0.07, _11=600.0)
    assert found.passed
    assert found.largest_error == pytest.approx(0.7)
    assert (found.first, found.largest, found.time_steps, found.wrong, found.size) == (None, None, (), 0, 12)
    assert off_by(golden).largest_error == 0


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_the_largest_error_is_at_a_finite_wrong_element_if_there_is_one(golden: Golden, number: float) -> None:
    only = off_by(golden, _5=number)
    assert only.first is not None
    assert only.largest is not None
    assert only.first.index == only.largest.index == (0, 2, 1)
    assert only.largest_error == np.inf
    assert (only.wrong, only.nan, only.infinite) == (1, np.isnan(number), np.isinf(number))
    small = off_by(golden, _5=number, _1=0.02)
    assert small.largest is not None
    assert small.largest.index == (0, 0, 1)
    several = off_by(golden, _5=number, _7=20.0, _11=50.0)
    assert several.largest is not None
    assert (several.largest.index, several.wrong) == ((1, 0, 1), 2)


def test_the_message_has_no_largest_error_where_no_wrong_value_is_finite(golden: Golden) -> None:
    message = golden.compare(np.where(RIGHT == 5, np.nan, RIGHT), golden.h_n).message
    assert "1 of 12 elements wrong at time step 2 of 0 to 2, among them 1 NaN" in message
    assert "largest error" not in message


def test_infinities_and_nan_are_always_wrong(golden: Golden) -> None:
    found = off_by(golden, _0=np.inf, _1=-np.inf, _2=np.nan)
    assert (found.wrong, found.nan, found.infinite) == (3, 1, 2)


def test_with_zero_tolerance_the_largest_error_is_zero_or_infinite(make_golden: MakeGolden) -> None:
    golden = make_golden(dtype="float64")
    assert golden.compare(golden.out.copy(), golden.h_n.copy()).largest_error == 0
    off = golden.stored.out.copy()
    off[0, 0, 0] += 1e-9
    assert golden.compare(off, golden.h_n.copy()).largest_error == np.inf


BIDIRECTIONAL = {"bidirectional": True, "time": 5, "dtype": "float64"}


@pytest.mark.parametrize(
    ("lengths", "wrong", "first"),
    [
        (None, [(0, 2, 0), (0, 3, 2)], (0, 3, 2)),  # forward step 2; reverse step 1
        (None, [(0, 2, 0), (0, 1, 2)], (0, 2, 0)),  # forward step 2; reverse step 3
        (None, [(0, 1, 1), (0, 4, 3)], (0, 4, 3)),  # forward step 1; reverse step 0
        (None, [(0, 0, 1), (0, 3, 3)], (0, 0, 1)),  # forward step 0; reverse step 1
        (None, [(0, 3, 1), (1, 2, 1)], (1, 2, 1)),  # the earliest step of any row
        (None, [(0, 2, 1), (1, 2, 0)], (0, 2, 1)),  # in the same step, the first row
        (None, [(1, 2, 0), (1, 2, 1)], (1, 2, 0)),  # in the same row, the first unit
        ([5, 2], [(0, 2, 0), (1, 1, 2)], (1, 1, 2)),  # the reverse direction of row 1 starts at time step 1
        ([5, 2], [(0, 1, 0), (1, 3, 2)], (0, 1, 0)),  # padding is ordered by its time step
        ([5, 2], [(0, 1, 0), (1, 2, 2)], (0, 1, 0)),
        ([5, 2], [(0, 1, 0), (1, 3, 0)], (0, 1, 0)),
        ([5, 2], [(0, 4, 2), (1, 0, 0)], (0, 4, 2)),
    ],
)
def test_the_first_wrong_element_is_the_earliest_in_its_direction(
    make_golden: MakeGolden, lengths: list[int] | None, wrong: list[tuple[int, ...]], first: tuple[int, ...]
) -> None:
    golden = make_golden(**BIDIRECTIONAL, lengths=lengths)
    out = golden.stored.out.copy()
    for index in wrong:
        out[index] += 1
    found = difference(golden, "out", out)
    assert found.first is not None
    assert found.first.index == first
    assert found.time_steps == tuple(sorted({time for _, time, _ in wrong}))


def test_the_first_wrong_element_of_a_state_is_the_first_in_memory(make_golden: MakeGolden) -> None:
    golden = make_golden(**BIDIRECTIONAL)
    h_n = golden.stored.h_n.copy()
    h_n[1, 0, 1] += 1
    h_n[0, 1, 1] += 2
    found = difference(golden, "h_n", h_n)
    assert found.first is not None
    assert found.largest is not None
    assert (found.first.index, found.largest.index, found.time_steps) == ((0, 1, 1), (0, 1, 1), ())


def test_the_place_in_an_unbatched_output_is_time_step_and_unit(make_golden: MakeGolden) -> None:
    golden = make_golden(batch=(), time=4, dtype="float64")
    out = golden.stored.out.copy()
    out[1:3, 1] += 1
    found = difference(golden, "out", out)
    assert found.first is not None
    assert (found.first.index, found.time_steps, found.first.place) == ((1, 1), (1, 2), "time step 1 (unit 1)")


HINTS = {
    "time-major": "; it looks time-major, out is batch-first: (batch, time, unit)",
    "ones": "; only axes of size 1 differ",
    "none": "",
}


@pytest.mark.parametrize(
    ("name", "shape", "hint"),
    [
        ("out", (4, 2, 3), "time-major"),
        ("out", (2, 4, 4), "none"),
        ("out", (4, 2, 2), "none"),
        ("out", (2, 2, 3), "none"),
        ("out", (4, 4, 3), "none"),
        ("out", (2, 4), "none"),
        ("out", (1, 2, 4, 3), "ones"),
        ("out", (2, 1, 4, 1, 3), "ones"),
        ("out", (4, 2, 3, 1), "none"),
        ("h_n", (2, 1, 3), "ones"),
        ("h_n", (2, 3), "ones"),
        ("h_n", (3, 2, 1), "none"),
        ("h_n", (1, 2), "none"),
        ("h_n", (0, 2, 3), "none"),
        ("h_n", (), "none"),
    ],
)
def test_a_wrong_shape_is_reported_with_a_hint(
    make_golden: MakeGolden, name: str, shape: tuple[int, ...], hint: str
) -> None:
    golden = make_golden(time=4, hidden_size=3)
    found = difference(golden, name, np.zeros(shape, np.float32))
    want = golden.stored.out.shape if name == "out" else golden.stored.h_n.shape
    assert found == Difference(
        name, problem=f"has shape {shape}, want {want}{HINTS[hint]}", dtype="float32", largest_error=np.inf
    )
    assert not found.passed


def test_swapped_axes_of_states_and_of_an_unbatched_out_get_no_hint(make_golden: MakeGolden) -> None:
    states = make_golden(num_layers=2, batch=(3,))
    assert difference(states, "h_n", np.zeros((3, 2, 2))).problem == "has shape (3, 2, 2), want (2, 3, 2)"
    unbatched = make_golden(batch=(), time=4)
    assert difference(unbatched, "out", np.zeros((2, 4))).problem == "has shape (2, 4), want (4, 2)"


@pytest.mark.parametrize(
    ("declared", "actual", "problem"),
    [
        ("float64", "float32", "is float32: less precise than the declared float64"),
        ("float32", "float16", "is float16: less precise than the declared float32"),
        ("float16", "bfloat16", "is bfloat16: less precise than the declared float16"),
        ("float32", "float32", None),
        ("bfloat16", "float16", None),
        ("float32", "float64", None),
        ("float64", "int64", None),
    ],
)
def test_a_type_less_precise_than_declared_is_a_problem(
    make_golden: MakeGolden, declared: str, actual: str, problem: str | None
) -> None:
    import ml_dtypes

    golden = make_golden(dtype=declared)
    numpy_type = ml_dtypes.bfloat16 if actual == "bfloat16" else np.dtype(actual)
    found = difference(golden, "out", golden.stored.out.astype(numpy_type))
    assert (found.problem, found.dtype) == (problem, actual)


def computed_in(golden: Golden, change: Any) -> str | None:
    return difference(golden, "out", change(golden.stored.out)).computed_in


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("lower", ["float32", "float16", "bfloat16"])
def test_computed_in_is_the_lowest_precision_that_represents_every_value(dtype: str, lower: str) -> None:
    golden = rnn_goldens.load("gru/plain", dtype=dtype)

    def rounded(out: Any) -> Any:
        return PRECISIONS[lower].round(out + 0.01).astype(np.float64)

    assert computed_in(golden, rounded) == (lower if dtype != lower else None)


def test_computed_in_is_none_without_a_lower_precision_and_for_exact_goldens_zeros_and_non_finite_values() -> None:
    golden = rnn_goldens.load("gru/with-state", dtype="bfloat16")
    assert computed_in(golden, lambda out: PRECISIONS["bfloat16"].round(out + 1)) is None
    golden = rnn_goldens.load("gru/plain", dtype="float64")
    assert computed_in(golden, lambda out: out + 0.1) is None
    for number in (0.0, np.nan, np.inf):
        assert computed_in(golden, lambda out, number=number: np.full_like(out, number)) is None
    half_of_some_units = computed_in(golden, lambda out: np.where(np.arange(out.shape[-1]) == 1, 0.5, 0.0) + 0 * out)
    assert half_of_some_units is None  # a bfloat16 number, as inputs are, but no result in bfloat16
    assert computed_in(golden, lambda out: np.where(np.arange(out.shape[-1]) == 1, np.inf, 0.5) + 0 * out) is None
    assert computed_in(golden, lambda out: np.full_like(out, 1e300)) is None
    exact = rnn_goldens.load("exact/with-state", dtype="float64")
    assert computed_in(exact, lambda out: out + 1) is None


def test_an_output_that_cannot_be_compared_has_no_counts(golden: Golden) -> None:
    found = difference(golden, "out", None)
    assert (found.size, found.wrong, found.nan, found.infinite) == (0, 0, 0, 0)
    assert (found.first, found.largest, found.time_steps, found.computed_in, found.dtype) == (None, None, (), None, "")
    assert found.largest_error == np.inf
    assert not found.passed


def test_a_difference_without_details_passes() -> None:
    assert Difference("out").passed
    assert Difference("out").largest_error == 0


def test_np_errstate_does_not_affect_a_comparison(golden: Golden) -> None:
    tiny = {name: np.full_like(getattr(golden.stored, name), 5e-324) for name in ("out", "h_n")}
    golden = replace(golden, tolerance=Bound(tiny, tiny))
    with np.errstate(all="raise"):
        assert golden.compare(golden.stored.out.copy(), golden.stored.h_n.copy()).passed
        assert not golden.compare(np.full_like(RIGHT, 1e308), golden.stored.h_n.copy()).passed


def test_a_normal_number_is_infinitely_many_times_a_subnormal_tolerance(make_golden: MakeGolden) -> None:
    golden = make_golden(dtype="float32")
    zeros = {"out": np.zeros((2, 3, 2)), "h_n": np.zeros((1, 2, 2))}
    stored = replace(golden.stored, expected={**golden.stored.expected, "out": np.zeros((2, 3, 2))})
    golden = replace(golden, tolerance=Bound(zeros, zeros), stored=stored)
    out, smallest = np.zeros((2, 3, 2)), PRECISIONS["float32"].smallest
    out[0, 0, 0] = smallest
    assert difference(golden, "out", out).largest_error == 1
    out[0, 0, 0] = 2 * smallest
    assert difference(golden, "out", out).largest_error == 2
    for error in (2.0**-126, 1e-3):
        out[0, 0, 0] = error
        assert difference(golden, "out", out).largest_error == np.inf
    bound_to_normal = (2.0**-126 - smallest) / PRECISIONS["float32"].roundoff
    golden = replace(golden, tolerance=Bound({**zeros, "out": np.full((2, 3, 2), bound_to_normal)}, zeros))
    out[0, 0, 0] = 2.0**-125
    assert difference(golden, "out", out).largest_error == 2
