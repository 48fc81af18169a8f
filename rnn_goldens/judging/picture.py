"""The numbers that a picture of wrong outputs is drawn from: the row of a batch and the direction that are worst."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.judging.given import Given

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Array = NDArray[np.float64]

MOST_ACROSS, MOST_DOWN = 40, 24
"""Fields of a heat map; of a larger array the largest error of each block stands for the block."""

LONGEST_LINE = 200
"""Values of got and want; of a longer sequence those around the first wrong one."""

_BEFORE = 20
"""Of them so many before it."""


@dataclass(frozen=True)
class Picture:
    """Errors as a heat map, and got beside want along the line that is worst. None stands for NaN and infinity.

    Attributes:
        output: ``out``, or a last state, if ``out`` is right.
        place: which row of the batch and which direction, where there are several.
        in_tolerances: whether errors are in units of what is allowed; else nothing is, and they are absolute.
        across, down: what the axes of the heat map are: time step and unit, or unit and layer.
        errors: by row of the heat map, from left to right.
        block: so many elements each field stands for, across and down.
        line: the element down whose numbers are shown.
        begin: the element across that they begin with.
        got, want: the numbers, with 7 digits.
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


@np.errstate(all="ignore")  # outputs may hold anything
def picture(given: Given) -> Picture | None:
    """What to draw of outputs; None if they are right or cannot be compared."""
    expected = given.expected
    for name, got in given.numbers.items():
        want = expected.values[name]
        if got.shape != want.shape or not want.size or not expected.wrong(name, got).any():
            continue
        error = np.where(got == want, 0.0, np.abs(got - want))
        exact = isinstance(expected.tolerance, Exact)
        return _drawn(given.golden, name, error if exact else error / expected.allowed(name), got, want)
    return None


def _drawn(golden: "GoldenData", name: str, error: Array, got: Array, want: Array) -> Picture:
    """The worst (down, across) plane of an output, of which ``error`` says how wrong each element is."""
    planes = {place: (of(error), of(got), of(want)) for place, of in _planes(golden, name).items()}
    place = max(planes, key=lambda place: float(np.nan_to_num(planes[place][0], nan=np.inf).max()))
    errors, got, want = planes[place]
    line, across = np.unravel_index(np.argmax(np.nan_to_num(errors, nan=np.inf)), errors.shape)
    first = int(np.argmax(errors[line] != 0)) if len(errors[line]) > LONGEST_LINE else int(across)
    begin = max(0, min(first - _BEFORE, errors.shape[1] - LONGEST_LINE))
    shown = slice(begin, begin + LONGEST_LINE)
    block = (math.ceil(errors.shape[1] / MOST_ACROSS), math.ceil(errors.shape[0] / MOST_DOWN))
    return Picture(
        output=name,
        place=place,
        in_tolerances=not isinstance(golden.tolerance, Exact),
        across="time step" if name == "out" else "unit",
        down="unit" if name == "out" else "layer and direction",
        errors=[_plain(row, 3) for row in _largest_of_blocks(errors, *block)],
        block=block,
        line=int(line),
        begin=begin,
        got=_plain(got[line, shown], 7),
        want=_plain(want[line, shown], 7),
    )


@dataclass(frozen=True)
class _Plane:
    """Takes one row of the batch, and one direction, out of an output: (unit, time) or (layer, unit)."""

    output: str
    batch: int | None
    units: slice

    def __call__(self, array: Array) -> Array:
        if self.output == "out":
            row = array if self.batch is None else array[self.batch]
            return row[:, self.units].T
        return array if self.batch is None else array[:, self.batch]


def _planes(golden: "GoldenData", name: str) -> dict[str, _Plane]:
    """By where they are: those of which the worst is drawn."""
    hidden, directions = golden.config.hidden_size, golden.config.num_directions
    rows = list(range(*golden.batch_shape)) if golden.batch_shape else [None]
    found = {}
    for batch in rows:
        for direction in range(directions if name == "out" else 1):
            said = [f"batch {batch}"] if batch is not None and len(rows) > 1 else []
            said += [f"{('forward', 'reverse')[direction]} direction"] if directions > 1 and name == "out" else []
            units = slice(direction * hidden, (direction + 1) * hidden)
            found[", ".join(said)] = _Plane(name, batch, units)
    return found


def _largest_of_blocks(errors: Array, across: int, down: int) -> Array:
    """One number for each block; NaN where a block holds one."""
    wide = -errors.shape[1] % across
    high = -errors.shape[0] % down
    padded = np.pad(errors, ((0, high), (0, wide)))
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    return np.asarray(blocks.max(axis=(1, 3)))


def _plain(values: Array, digits: int) -> list[float | None]:
    """Numbers as JSON and xdist carry them, with so many digits."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values.tolist()]
