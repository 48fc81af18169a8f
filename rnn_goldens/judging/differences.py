"""One output, or gradient, against the expected one: shape and precision first, then every value.

Operators and methods of arrays compare, and functions by names of their own: whatever a test has put in the place of
``np.where`` takes no part.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy import argwhere, isfinite, isinf, isnan, unique, unravel_index, where
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact, Tolerance
from rnn_goldens.judging import outputs
from rnn_goldens.judging.place import place

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Float64 = NDArray[np.float64]

HALF = ("bfloat16", "float16")


@dataclass(frozen=True)
class Element:
    """One wrong element: its index in the output, the two values, the error that was allowed, and where, in words."""

    index: tuple[int, ...]
    got: float
    want: float
    allowed: float
    place: str


Place = Callable[[tuple[int, ...]], str]
"""An index → where it is, in words."""

First = Callable[[NDArray[np.intp]], tuple[int, ...]]
"""Indices of wrong elements, a row each → that which was computed first."""


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


def difference(golden: "GoldenData", name: str, value: object) -> Difference:
    """Compare one output of an implementation with a golden's."""
    want: Float64 | None = getattr(golden.stored, name)
    if want is None:
        return not_comparable(name, f"was given, but a golden for {golden.cell} has none")
    try:
        output = outputs.read(value)
    except outputs.NotNumbers as error:
        return not_comparable(name, str(error))
    if output.values.shape != want.shape:
        return not_comparable(name, _shape_problem(name, output.values.shape, want.shape), output.dtype)
    wanted = Wanted(
        name=name,
        values=want,
        tolerance=golden.tolerance,
        dtype=golden.dtype,
        place=lambda index: place(golden.config, name, index),
        first=lambda wrong: _first(golden, name, wrong),
        has_time=name == "out",
    )
    return compared(wanted, output)


def not_comparable(name: str, problem: str, dtype: str = "") -> Difference:
    """What is said of an array whose values were not compared."""
    return Difference(name, problem=problem, dtype=dtype, largest_error=float("inf"))


def out_alone(of_h_n: Difference) -> Difference:
    """What is said of h_n that was not given, where nothing but out was: what to do if there is nothing else."""
    hint = 'to check out alone, check(out, outputs=["out"]) or @pytest.mark.rnn_goldens(outputs=["out"])'
    return replace(of_h_n, problem=f"{of_h_n.problem}; {hint}")


def _shape_problem(name: str, got: tuple[int, ...], want: tuple[int, ...]) -> str:
    hint = ""
    if name == "out" and len(want) == 3 and got == (want[1], want[0], want[2]):  # noqa: PLR2004
        hint = "; it looks time-major, out is batch-first: (batch, time, directions·hidden)"
    elif [n for n in got if n != 1] == [n for n in want if n != 1]:
        hint = "; only axes of size 1 differ"
    return f"has shape {got}, want {want}{hint}"


class Wanted(NamedTuple):
    """What an array of its shape is compared with.

    Attributes:
        name: of the output, or of the array that a gradient is of.
        values: what is expected.
        tolerance: how far it may be off.
        dtype: the declared precision.
        place: where an element stands, in words.
        first: which of several was computed first.
        has_time: whether the last axis but one is time.
    """

    name: str
    values: Float64
    tolerance: Tolerance
    dtype: str
    place: Place
    first: First
    has_time: bool


def compared(wanted: Wanted, output: outputs.Output) -> Difference:
    """Compare the values of an array of the right shape; in too low a precision they are not."""
    if output.bits is not None and output.bits < PRECISIONS[wanted.dtype].bits:
        problem = f"is {output.dtype}: less precise than the declared {wanted.dtype}"
        return not_comparable(wanted.name, problem, output.dtype)
    got, want = output.values, wanted.values
    allowed = wanted.tolerance.allowed(wanted.name, want, PRECISIONS[wanted.dtype])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = abs(got - want)
        right = error <= allowed  # a NaN is never right
        if right.all():
            largest = float((error / allowed).max()) if error.any() else 0.0  # where none is allowed, too
            finer = _is_finer(wanted.dtype, output)
            return Difference(wanted.name, dtype=output.dtype, size=got.size, largest_error=largest, is_finer=finer)
        fraction = error / allowed
    fraction = where(isnan(fraction), np.inf, fraction)
    least = 2.0 ** PRECISIONS[wanted.dtype].min_exponent
    fraction[(allowed < least) & (error >= least)] = np.inf

    def element(index: tuple[int, ...]) -> Element:
        return Element(index, float(got[index]), float(want[index]), float(allowed[index]), wanted.place(index))

    wrong = argwhere(~right)
    finite_first = where(right, -2.0, where(isfinite(got), error, -1.0))
    return Difference(
        wanted.name,
        dtype=output.dtype,
        size=got.size,
        wrong=len(wrong),
        nan=int(isnan(got).sum()),
        infinite=int(isinf(got).sum()),
        first=element(wanted.first(wrong)),
        largest=element(tuple(int(i) for i in unravel_index(finite_first.argmax(), got.shape))),
        time_steps=tuple(int(t) for t in unique(wrong[:, -2])) if wanted.has_time else (),
        coat=_coat(wanted, got),
        largest_error=float(fraction.max()),
    )


def _is_finer(asked: str, output: outputs.Output) -> bool:
    precision = PRECISIONS[asked]
    return asked in HALF and output.dtype != asked and not precision.holds(output.values)


def _coat(wanted: Wanted, got: Float64) -> str | None:
    """The lower precision that all values fit, as if computed in it and coated as a higher one; zeros tell nothing."""
    if isinstance(wanted.tolerance, Exact) or not isfinite(got).all() or not got.any():
        return None
    lower = [p for p in PRECISIONS.values() if p.bits < PRECISIONS[wanted.dtype].bits]
    with np.errstate(over="ignore", invalid="ignore"):
        holding = [p.name for p in sorted(lower, key=lambda p: p.bits) if (p.round(got) == got).all()]
    return holding[0] if holding else None


def _first(golden: "GoldenData", name: str, wrong: NDArray[np.intp]) -> tuple[int, ...]:
    """The index that was computed first: the reverse direction starts at a sequence's end."""
    if name != "out":
        return tuple(int(i) for i in wrong[0])
    time, unit = wrong[:, -2], wrong[:, -1]
    length = golden.stored.x.shape[-2] if golden.lengths is None else golden.lengths[wrong[:, 0]]
    from_the_end = (unit >= golden.config.hidden_size) & (time < length)
    step = where(from_the_end, length - 1 - time, time)
    return tuple(int(i) for i in wrong[step.argmin()])
