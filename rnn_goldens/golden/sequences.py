"""Lengths and offsets: how many time steps each sequence of a batch has, or where each packed sequence begins."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def sequence_slices(offsets: Iterable[int]) -> list[slice]:
    """Return the time steps of each packed sequence: offsets [0, 3, 7] are steps 0 to 2 and 3 to 6."""
    ends = [int(offset) for offset in offsets]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def length_problems(lengths: NDArray[np.integer], batch: int | None, time: int, of: str) -> Iterator[str]:
    """Yield what is wrong with lengths, given the sequences, None without a batch, and time steps of an input."""
    if batch is None:
        yield f"lengths is given, but {of} is unbatched"
    elif lengths.shape != (batch,):
        yield f"lengths has shape {lengths.shape}; expected {(batch,)}: (batch)"
    elif not ((lengths >= 1) & (lengths <= time)).all():
        yield f"lengths {lengths.tolist()} must be between 1 and {time}, the time steps of {of}"


def offset_problems(offsets: NDArray[np.integer], batch: int | None, time: int, of: str) -> Iterator[str]:
    """Yield what is wrong with offsets, given the sequences, None without a batch, and time steps of an input."""
    if offsets.ndim != 1 or [*offsets[:1], *offsets[-1:]] != [0, time] or not (np.diff(offsets) > 0).all():
        yield f"offsets {offsets.tolist()} must increase from 0 to {time}, the time steps of {of}"
    if batch != 1:
        yield f"packed sequences have a batch of 1, not of {batch}"
