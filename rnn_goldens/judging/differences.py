"""One output, or gradient, against the expected one: shape and precision first, then every value.

Operators and methods of arrays compare, and functions by names of their own: whatever a test has put in the place of
``np.where`` takes no part.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.judging.given import Given
from rnn_goldens.judging.outputs import Output
from rnn_goldens.judging.place import WITH_TIME, first, place

Float64 = NDArray[np.float64]

HALF = ("bfloat16", "float16")

_OF_SAME_SHAPE = {"h0": "h_n", "c0": "c_n"}
"""By an array, the output that a wrong gradient of it may be."""

_MATRIX = 2


@dataclass(frozen=True)
class Element:
    """One wrong element: its index in the output, the two values, the error that was allowed, and where, in words."""

    index: tuple[int, ...]
    got: float
    want: float
    allowed: float
    place: str


@dataclass(frozen=True)
class Difference:
    """What was found in one output, or gradient.

    Attributes:
        output: ``out``, ``h_n`` or ``c_n``; of a gradient the name of the array that it is of.
        problem: why the values were not compared (no array, wrong shape, too low a precision); None if they were.
        dtype: the type it came in.
        size: number of elements.
        wrong: how many differ by more than is allowed, NaN and infinity included.
        nan, infinite: how many of the wrong ones are NaN, and infinite.
        first: the wrong element that was computed first: earliest in time, in its own direction; then batch, unit.
        largest: the wrong element that is furthest off (NaN and infinity aside, if there is any other).
        time_steps: the time steps of ``out``, or of the gradient of ``x``, that have a wrong element, in order.
        coat: a lower precision that holds every value, where rounding is allowed at all: what it was computed in.
        largest_error: of any element, as a fraction of what is allowed; infinite where nothing is allowed, or a
            subnormal number, and the error is a normal one.
        is_finer: whether a half precision was asked that does not hold every value: it was computed in a higher one.
    """

    output: str
    problem: str | None = None
    dtype: str = ""
    size: int = 0
    wrong: int = 0
    nan: int = 0
    infinite: int = 0
    first: Element | None = None
    largest: Element | None = None
    time_steps: tuple[int, ...] = ()
    coat: str | None = None
    largest_error: float = 0.0
    is_finer: bool = False

    @property
    def passed(self) -> bool:
        """Whether this output is right."""
        return self.problem is None and not self.wrong


def difference(given: Given, name: str) -> Difference:
    """Compare one of the arrays that were given."""
    if name in given.problems:
        return _not_comparable(name, given.problems[name])
    output, want = given.arrays[name], given.expected.values[name]
    if output.values.shape != want.shape:
        return _not_comparable(name, _shape_problem(given.of, name, output.values.shape, want.shape), output.dtype)
    found = _compared(given, name, output)
    if given.of == GRADIENTS and not found.passed and not found.problem:
        other = _something_else(given, name, output)
        return found if other is None else _not_comparable(name, other, output.dtype)
    return found


def _not_comparable(name: str, problem: str, dtype: str = "") -> Difference:
    return Difference(name, problem=problem, dtype=dtype, largest_error=float("inf"))


def _shape_problem(of: str, name: str, got: tuple[int, ...], want: tuple[int, ...]) -> str:
    hint = ""
    if name in WITH_TIME and len(want) == 3 and got == (want[1], want[0], want[2]):  # noqa: PLR2004
        last = "directions·hidden" if name == "out" else "input"
        hint = f"; it looks time-major, {name} is batch-first: (batch, time, {last})"
    elif of == GRADIENTS and len(want) == _MATRIX and got == want[::-1]:
        hint = f"; it is transposed: PyTorch's {name} is (gates·hidden, columns)"
    elif [n for n in got if n != 1] == [n for n in want if n != 1]:
        hint = "; only axes of size 1 differ"
    return f"has shape {got}, want {want}{hint}"


def _something_else(given: Given, name: str, output: Output) -> str | None:
    """What a gradient of the right shape is in truth: its transpose, an array that was handed out, or an output."""
    got, golden = output.values, given.golden
    if got.ndim == _MATRIX and got.shape[0] == got.shape[1]:
        turned = _compared(given, name, Output(got.T.copy(), output.dtype))
        if turned.passed:
            return "is transposed: its transpose is right"
    arrays = {**golden.stored.weights, "x": golden.stored.x, "h0": golden.stored.h0, "c0": golden.stored.c0}
    itself = arrays.get(name)
    if itself is not None and got.shape == itself.shape and (got == itself).all() and got.any():
        return f"is {name} itself, not its gradient, which torch has in {name}.grad"
    of, outputs = _OF_SAME_SHAPE.get(name, ""), golden.expected(OUTPUTS)
    if of in outputs.values and got.any() and not outputs.wrong(of, got).any():
        return f"is {of}, an output, and no gradient: check(out, h_n) compares outputs"
    return None


def _compared(given: Given, name: str, output: Output) -> Difference:
    """Compare the values of an array of the right shape; in too low a precision they are not."""
    expected = given.expected
    precision = PRECISIONS[expected.dtype]
    if output.bits is not None and output.bits < precision.bits:
        problem = f"is {output.dtype}: less precise than the declared {expected.dtype}"
        return _not_comparable(name, problem, output.dtype)
    got, want, allowed = output.values, expected.values[name], expected.allowed(name)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = abs(got - want)
        right = error <= allowed  # a NaN is never right
        if right.all():
            largest = float((error / allowed).max()) if error.any() else 0.0  # where none is allowed, too
            finer = _is_finer(expected.dtype, output)
            return Difference(name, dtype=output.dtype, size=got.size, largest_error=largest, is_finer=finer)
        fraction = error / allowed
    fraction = np.where(np.isnan(fraction), np.inf, fraction)
    fraction[(allowed < 2.0**precision.min_exponent) & (error >= 2.0**precision.min_exponent)] = np.inf

    def element(index: tuple[int, ...]) -> Element:
        where_it_is = place(given.golden, name, index)
        return Element(index, float(got[index]), float(want[index]), float(allowed[index]), where_it_is)

    wrong = np.argwhere(~right)
    finite_first = np.where(right, -2.0, np.where(np.isfinite(got), error, -1.0))
    return Difference(
        name,
        dtype=output.dtype,
        size=got.size,
        wrong=len(wrong),
        nan=int(np.isnan(got).sum()),
        infinite=int(np.isinf(got).sum()),
        first=element(first(given.golden, name, wrong)),
        largest=element(tuple(int(i) for i in np.unravel_index(finite_first.argmax(), got.shape))),
        time_steps=tuple(int(t) for t in np.unique(wrong[:, -2])) if name in WITH_TIME else (),
        coat=_coat(expected, got),
        largest_error=float(fraction.max()),
    )


def _is_finer(asked: str, output: Output) -> bool:
    precision = PRECISIONS[asked]
    return asked in HALF and output.dtype != asked and not precision.holds(output.values)


def _coat(expected: Expected, got: Float64) -> str | None:
    """The lower precision that all values fit, as if computed in it and coated as a higher one; zeros tell nothing."""
    if isinstance(expected.tolerance, Exact) or not np.isfinite(got).all() or not got.any():
        return None
    lower = [p for p in PRECISIONS.values() if p.bits < PRECISIONS[expected.dtype].bits]
    with np.errstate(over="ignore", invalid="ignore"):
        holding = [p.name for p in sorted(lower, key=lambda p: p.bits) if (p.round(got) == got).all()]
    return holding[0] if holding else None
