"""What happens only at sizes where a kernel changes its path: tails of vectors, edges of tiles, large batches."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array, Case, Network
from rnn_goldens.deviations.deviation import Deviation, Outputs, Wrong, in_outputs, in_steps


def _tail_dropped(width: int) -> Wrong:
    """Products leave out what remains after whole vectors of ``width``, once there is a whole one."""

    def product(right: Network, v: Array, matrix: Array) -> Array:
        size = v.shape[-1]
        whole = size - size % width if size > width else size
        return right.product(v[:, :whole], matrix[:, :whole])

    return in_steps(product=product)


def _first_tile_only(size: int) -> Wrong:
    return in_steps(product=lambda right, v, matrix: right.product(v[:, :size], matrix[:, :size]))


def _rows_not_computed(computed: Callable[[int], int]) -> Wrong:
    """Of so many batch rows, those from ``computed(rows)`` on stay zero."""

    def change(_case: Case, outputs: Outputs) -> Outputs:
        out, *last = outputs
        there = (np.arange(len(out)) < computed(len(out)))[:, None]
        return np.where(there[..., None], out, 0), *(np.where(there, part, 0) for part in last)

    return in_outputs(change)


DEVIATIONS = (
    *(
        Deviation(
            f"product_tail_of_{width}_dropped",
            f"Leaves out of a dot product what remains after whole vectors of {width}, once there is a whole one.",
            _tail_dropped(width),
        )
        for width in (2, 4, 8, 16, 32)
    ),
    Deviation(
        "product_beyond_64_dropped",
        "Adds up only the first tile of 64 terms of a dot product.",
        _first_tile_only(64),
    ),
    Deviation(
        "rows_beyond_100_not_computed",
        "Leaves batch rows beyond the hundredth zero.",
        _rows_not_computed(lambda _: 100),
        stands_for=("pytorch#177834",),
    ),
    Deviation(
        "rows_beyond_128_not_computed",
        "Leaves batch rows beyond the first tile of 128 zero.",
        _rows_not_computed(lambda _: 128),
    ),
    Deviation(
        "last_odd_row_not_computed",
        "Computes batch rows in pairs and leaves the last row of an odd batch zero.",
        _rows_not_computed(lambda rows: rows - rows % 2 if rows > 1 else rows),
    ),
)
