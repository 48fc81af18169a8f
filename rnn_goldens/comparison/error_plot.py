"""The data of a plot of wrong outputs: the batch row and the direction with the largest error."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.tolerance import Exact

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
        place: the batch row and the direction, where there are several.
        in_tolerances: whether errors are multiples of the tolerance; absolute errors otherwise (exact goldens).
        across, down: names of the axes of the heat map: time step, and unit; or unit, and layer and direction.
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
        exact = isinstance(expected.tolerance, Exact)
        scaled = error if exact else error / expected.allowed(name)
        return _picture(actual.golden, name, scaled, got, want, exact=exact)
    return None


def _picture(golden: GoldenData, name: str, error: Array, got: Array, want: Array, *, exact: bool) -> Picture:
    """Return the plot data of the (down, across) plane of an output with the largest ``error``."""
    planes, is_out = _planes(golden, name), name == "out"
    place = max(planes, key=lambda place: float(np.nan_to_num(error[planes[place]], nan=np.inf).max()))
    errors, got, want = (array[planes[place]].T if is_out else array[planes[place]] for array in (error, got, want))
    line, across = np.unravel_index(np.argmax(np.nan_to_num(errors, nan=np.inf)), errors.shape)
    first = int(np.argmax(errors[line] != 0)) if len(errors[line]) > LONGEST_LINE else int(across)
    begin = max(0, min(first - LONGEST_LINE // 10, errors.shape[1] - LONGEST_LINE))
    shown = slice(begin, begin + LONGEST_LINE)
    block = (math.ceil(errors.shape[1] / MAX_ACROSS), math.ceil(errors.shape[0] / MAX_DOWN))
    return Picture(
        output=name,
        place=place,
        in_tolerances=not exact,
        across="time step" if is_out else "unit",
        down="unit" if is_out else "layer and direction",
        errors=[_plain(row, 3) for row in _largest_of_blocks(errors, *block)],
        block=block,
        line=int(line),
        begin=begin,
        got=_plain(got[line, shown], 7),
        want=_plain(want[line, shown], 7),
    )


def _planes(golden: GoldenData, name: str) -> dict[str, tuple[int | slice, ...]]:
    """Return the indices of all planes of an output, by the text for batch row and direction.

    A plane is a batch row and direction of ``out``, as (time, unit), or a batch row of a state, as (layer, unit).
    """
    size, directions = golden.network.output_size, golden.network.num_directions if name == "out" else 1
    rows = list(range(*golden.batch_shape)) if golden.batch_shape else [None]
    found: dict[str, tuple[int | slice, ...]] = {}
    for batch in rows:
        for direction in range(directions):
            parts = [f"batch {batch}"] if len(rows) > 1 else []
            parts += [f"{('forward', 'reverse')[direction]} direction"] if directions > 1 else []
            row = () if batch is None else (batch,)
            units = slice(direction * size, (direction + 1) * size)
            found[", ".join(parts)] = (*row, slice(None), units) if name == "out" else (slice(None), *row)
    return found


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
