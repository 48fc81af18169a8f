"""Every slip of every language, and the right text that each is made in."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from benchmarks.mutation.sources import HERE as MUTATED
from benchmarks.mutation.sources import PROGRAMS
from benchmarks.slips import in_c, in_javascript, in_numpy, in_torch
from benchmarks.slips.slip import Slip
from rnn_goldens.deviations import deviation

HERE = Path(__file__).parent

SLIPS: Mapping[str, tuple[Slip, ...]] = {
    "torch": in_torch.SLIPS,
    "JavaScript": in_javascript.SLIPS,
    "C": in_c.SLIPS,
    "NumPy": in_numpy.SLIPS,
}

_FILES = {
    "torch": (HERE / "torch_network.py",),
    "JavaScript": tuple(PROGRAMS / name for name in ("my_rnn.js", "cells.js")),
    "C": tuple(PROGRAMS / name for name in ("my_rnn.c", "cells.c", "backward.c", "cells.h")),
    "NumPy": (MUTATED / "numpy_network.py",),
}


@cache
def files_of(language: str) -> Mapping[str, str]:
    """The right network's texts, by name."""
    return {path.name: path.read_text("utf-8") for path in _FILES[language]}


def cells_of(slip: Slip) -> tuple[str, ...]:
    """The cells that a slip is in."""
    return slip.cells or deviation(slip.deviation).cells


def slip_of(language: str, name: str) -> Slip:
    """The slip that is a deviation by hand."""
    return _by_name(language)[name]


def is_by_hand(language: str, name: str, cell: str) -> bool:
    """Whether there is one in this cell."""
    slip = _by_name(language).get(name)
    return slip is not None and cell in cells_of(slip)


@cache
def _by_name(language: str) -> Mapping[str, Slip]:
    return {slip.deviation: slip for slip in SLIPS[language]}
