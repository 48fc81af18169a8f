"""The result of comparing outputs or gradients with a golden; as HTML for a notebook, and as rows for a page."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.comparison.differences import Difference, axes, difference, place
from rnn_goldens.comparison.failure_text import failure_text
from rnn_goldens.golden.data import GoldenData, html_table
from rnn_goldens.golden.shapes import DIRECTION_AND_UNIT, TIME
from rnn_goldens.golden.tolerance import Equal, Exact

__all__ = ["Difference", "GoldenMismatch", "Verdict", "Verdicts", "compare", "compare_gradients", "verdict_on"]


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison. It is true if the comparison passed.

    Attributes:
        passed: whether every output is right.
        largest_error: the largest error of any element, as a fraction of the tolerance: at most 1 if ``passed``.
            Infinite where the tolerance is zero or subnormal and the error is a normal number.
        differences: by name of the output, ``out`` first, then of states such as ``S after step 64``; or by name of the
            gradient.
        message: at most 15 lines, of which the first can be understood alone; empty if the comparison passed.
        explained_by: names of deviations that give exactly these outputs; several names if they are equivalent on this
            golden. ``a & b`` is two deviations at once. See ``docs/deviations.md``.
        facts: if no deviation explains the outputs, facts by name, each with its number or with whether it holds.
        not_checked: names of outputs that were not selected, or of gradients that were not passed, are not stored,
            or are None where zero is expected. They neither passed nor failed.
    """

    passed: bool
    largest_error: float
    differences: Mapping[str, Difference]
    message: str
    explained_by: tuple[str, ...] = ()
    facts: Mapping[str, bool | float] = field(default_factory=dict)
    not_checked: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return ``passed``."""
        return self.passed

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays."""
        heading = "✗ failed" if self.message else "✓ passed"
        if isfinite(self.largest_error):
            heading += f": the largest error is {_times(self.largest_error)}"
        text = f'<pre style="white-space: pre-wrap">{escape(self.message)}</pre>' if self.message else ""
        return html_table(heading, (tuple(_row(d)) for d in self.differences.values()), _COLUMNS) + text


class Verdicts(list[Verdict]):
    """The verdicts of several calls. They are true if all of them passed."""

    def __bool__(self) -> bool:
        """Return whether all verdicts passed."""
        return all(self)


class GoldenMismatch(AssertionError):
    """Raised for outputs or gradients that differ from a golden.

    Attributes:
        verdict: the result of the comparison.
    """

    __module__ = "rnn_goldens"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict

    def __reduce__(self) -> tuple[type["GoldenMismatch"], tuple[Verdict]]:
        return type(self), (self.verdict,)


def compare(
    golden: GoldenData, out: object, h_n: object = None, c_n: object = None, *more: object, meaning: str = ""
) -> Verdict:
    """Compare outputs with a golden, as ``Golden.compare`` does; ``meaning`` is what a difference means besides."""
    return verdict_on(actual_outputs(golden, out, h_n, c_n, *more), meaning)


def compare_gradients(golden: GoldenData, by_name: Mapping[str, object], *, meaning: str = "") -> Verdict:
    """Compare gradients with those of a golden, which must have been loaded with them.

    A missing gradient is not checked. Without any gradient, the result is a failure.
    """
    return verdict_on(actual_gradients(golden, by_name), meaning)


@np.errstate(all="ignore")  # an implementation may have changed np.seterr
def verdict_on(actual: Actual, meaning: str = "", states: Sequence[Difference] = ()) -> Verdict:
    """Compare actual with expected arrays; ``meaning`` as for ``compare``; ``states`` are compared already."""
    differences = {name: difference(actual, name) for name in actual.names}
    differences |= {of.output: of for of in states}
    passed = bool(differences) and all(found.passed for found in differences.values())
    largest = max((found.largest_error for found in differences.values()), default=float("inf"))
    message = "" if passed else failure_text(actual, list(differences.values()), meaning)
    return Verdict(passed, largest, differences, message, not_checked=actual.not_checked)


_COLUMNS = ("output", "wrong", "largest error", "at", "got", "want", "allowed")


def _times(error: float) -> str:
    return f"{error:.3g} times the tolerance"


def _row(d: Difference) -> Iterator[object]:
    yield d.output
    if d.problem is not None:
        yield d.problem
        return
    yield f"{d.wrong:,} of {d.size:,}"
    if d.largest is None:
        yield _times(d.largest_error)
        return
    yield f"{abs(d.largest.got - d.largest.want):.3g}"
    yield from _largest(d)


def _largest(d: Difference) -> tuple[str, ...]:
    """Return the place of the wrong element with the largest error, its values and what is allowed; "" for none."""
    if d.largest is None:
        return ("",) * 4
    return (d.largest.place, *(f"{value:.9g}" for value in (d.largest.got, d.largest.want, d.largest.allowed)))


_OF_GRADIENT = ("name", "outcome", "detail", "at", "got", "want", "allowed")


def gradient_rows(differences: Iterable[Difference], not_checked: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the texts of a row for each gradient that was checked, then for each gradient that was not checked.

    The outcome is ``right``, ``wrong`` or ``not checked``. The detail is the number of wrong elements, or why the
    gradient was not compared, or the largest error if it is right.
    """
    for d in differences:
        error = f"{d.largest_error:.3g} of the tolerance" if isfinite(d.largest_error) else ""
        detail = d.problem or (error if d.passed else f"{d.wrong:,} of {d.size:,} elements")
        texts = (d.output, "right" if d.passed else "wrong", detail, *_largest(d))
        yield dict(zip(_OF_GRADIENT, texts, strict=True))
    for name in not_checked:
        yield {**dict.fromkeys(_OF_GRADIENT, ""), "name": name, "outcome": "not checked"}


Array = NDArray[np.float64]

MAX_ACROSS, MAX_DOWN = 40, 24
"""Largest size of the heat map. In a larger array, each field shows the largest error of a block."""

LONGEST_LINE = 200
"""Largest number of values in a line. Of a longer line, only values near the first nonzero error are shown."""


@dataclass(frozen=True)
class Picture:
    """Errors as a heat map, and the actual and expected values of the line with the largest error.

    None stands for NaN or infinity.

    Attributes:
        output: ``out``, or a last state if ``out`` is right.
        place: the batch row, the head and the direction, where there are several.
        in_tolerances: whether errors are multiples of the tolerance; absolute errors otherwise (exact goldens).
        across, down: names of the axes of the heat map: time step, and unit; or unit, and layer; or value, and key.
        errors: rows of the heat map, each from left to right.
        block: number of elements of a field, across and down.
        line: index of the line on the ``down`` axis.
        begin: index of the first value of the line on the ``across`` axis.
        got, want: the values of the line, with 7 digits.
    """

    output: str
    place: str
    in_tolerances: bool
    across: str
    down: str
    errors: list[list[float | None]]
    block: tuple[int, int]
    line: int
    begin: int
    got: list[float | None]
    want: list[float | None]


@np.errstate(all="ignore")  # outputs may hold NaN and infinity
def picture(actual: Actual) -> Picture | None:
    """Return the plot data of wrong outputs; None if they are right or cannot be compared."""
    expected = actual.expected
    for name, got in actual.numbers.items():
        want = expected.values[name]
        if got.shape != want.shape or not want.size or not expected.wrong(name, got).any():
            continue
        error = np.where(got == want, 0.0, np.abs(got - want))
        exact = isinstance(expected.tolerance, Exact | Equal)
        scaled = error if exact else error / expected.allowed(name)
        return _picture(actual.golden, name, scaled, got, want, exact=exact)
    return None


def _picture(golden: GoldenData, name: str, error: Array, got: Array, want: Array, *, exact: bool) -> Picture:
    """Return the plot data of the (down, across) plane of an output with the largest ``error``."""
    (rows, columns), planes = _planes(golden, name, error.shape)
    at, plane = max(planes.items(), key=lambda one: float(np.nan_to_num(error[one[1]], nan=np.inf).max()))
    is_over_time = TIME in golden.axes(name)
    errors, got, want = (array[plane].T if is_over_time else array[plane] for array in (error, got, want))
    line, across = np.unravel_index(np.argmax(np.nan_to_num(errors, nan=np.inf)), errors.shape)
    first = int(np.argmax(errors[line] != 0)) if len(errors[line]) > LONGEST_LINE else int(across)
    begin = max(0, min(first - LONGEST_LINE // 10, errors.shape[1] - LONGEST_LINE))
    shown = slice(begin, begin + LONGEST_LINE)
    block = (math.ceil(errors.shape[1] / MAX_ACROSS), math.ceil(errors.shape[0] / MAX_DOWN))
    return Picture(
        output=name,
        place=at,
        in_tolerances=not exact,
        across=rows if is_over_time else columns,
        down=columns if is_over_time else rows,
        errors=[_plain(row, 3) for row in _largest_of_blocks(errors, *block)],
        block=block,
        line=int(line),
        begin=begin,
        got=_plain(got[line, shown], 7),
        want=_plain(want[line, shown], 7),
    )


def _planes(
    golden: GoldenData, name: str, shape: tuple[int, ...]
) -> tuple[tuple[str, str], dict[str, tuple[int | slice, ...]]]:
    """Return the names of the two axes of a plane, and the indices of all planes by their place as text.

    A plane is (time, unit) of the output at each time step, in one direction; (layer, unit) of a state of a network;
    the last two axes of a state of a recurrence.
    """
    of, words = golden.axes(name), axes(golden, name)
    row = of.index(TIME) if TIME in of else 0 if golden.is_network else len(of) - 2
    others = [axis for axis in range(len(of) - 1) if axis != row]
    several = [axis for axis in others if shape[axis] > 1]
    directions = 2 if of[-1] == DIRECTION_AND_UNIT else 1
    size, found = shape[-1] // directions, dict[str, tuple[int | slice, ...]]()
    for numbers in np.ndindex(*(shape[axis] for axis in others)):
        index = dict(zip(others, numbers, strict=True))
        for direction in range(directions):
            parts = [place(golden, tuple(of[axis] for axis in several), tuple(index[axis] for axis in several))]
            parts += [f"{('forward', 'reverse')[direction]} direction"] if directions > 1 else []
            before = (index.get(axis, slice(None)) for axis in range(len(of) - 1))
            found[", ".join(filter(None, parts))] = (*before, slice(direction * size, (direction + 1) * size))
    return (words[row], words[-1]), found


def _largest_of_blocks(errors: Array, across: int, down: int) -> Array:
    """Return the largest value of each block; NaN where a block contains NaN."""
    wide = -errors.shape[1] % across
    high = -errors.shape[0] % down
    padded = np.pad(errors, ((0, high), (0, wide)))
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    return np.asarray(blocks.max(axis=(1, 3)))


def _plain(values: Array, digits: int) -> list[float | None]:
    """Return values with ``digits`` digits for JSON and xdist; None for NaN and infinity."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values.tolist()]
