"""The forms of a recurrence whose rounding errors its tolerance allows: step by step, and in chunks."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

import numpy as np

from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.generator.exactness import Needs, needs_of_graph
from rnn_goldens.generator.recurrences.graph import Graph
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.tolerance import Coefficients

CHUNKS = (1, 16, 64)
"""Sizes of chunks whose rounding errors the tolerance of any algorithm allows."""

EXACT_CHUNKS = (1, 7, 16, 64)
"""Sizes of chunks that must not round in an exact golden, besides the whole."""


def chunk_sizes(case: RecurrenceCase) -> list[int]:
    """Return the sizes of chunks of linear attention; [] for a recurrence without a chunked form."""
    return sorted({min(size, case.time) for size in CHUNKS}) if "q" in case.inputs else []


def exact_chunk_sizes(case: RecurrenceCase) -> list[int]:
    """Return the sizes of chunks that must not round in an exact golden."""
    return sorted({min(size, case.time) for size in (*EXACT_CHUNKS, case.time)}) if "q" in case.inputs else []


def needs_of_all(graphs: Sequence[Graph]) -> Needs | None:
    """Return what a precision needs for all graphs without rounding; None if one always rounds."""
    each = [needs_of_graph(graph, ("exp",)) for graph in graphs]
    found = [needs for needs in each if needs is not None]
    return reduce(or_, found) if len(found) == len(each) else None


def largest(forms: Sequence[Coefficients]) -> Coefficients:
    """Return the largest coefficients of several forms."""

    def largest_of(kind: str) -> dict[str, Float64]:
        arrays = [getattr(form, kind) for form in forms]
        return {name: np.maximum.reduce([of_form[name] for of_form in arrays]) for name in arrays[0]}

    return Coefficients(*map(largest_of, ("accumulation", "state", "storage")))
