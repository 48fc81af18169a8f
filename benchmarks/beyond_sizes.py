"""Counts the kernels that are wrong only beyond a size, or two, and that no golden detects: as stored, and embedded."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS
from rnn_goldens.golden.larger_golden import having, sizes_of
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import BATCH, LAYER, SEQUENCE, SEQUENCES, TIME
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.plurals import counted

PRECISION = "float32"

BEYOND = (1, 2, 3, 4, 8, 16, 32, 64, 127, 128)

EMBEDDED = 192
"""The size of what grows: a block of 64 beyond 128."""

INPUTS, WEIGHTS, OUTPUTS = "inputs", "weights", "outputs"

WORDS = {TIME: "steps", LAYER: "layers", "input_size": "inputs", "hidden_size": "units", BATCH: "rows", "n": "states"}
WORDS |= {"d_k": "keys", "d_v": "values"}

LAYERS = 2
"""Places of layers are beyond two whatever the other size is: goldens of more than three layers are narrow."""


@dataclass(frozen=True)
class Bug:
    """A kernel that computes nothing beyond a number of places of one size, or of each of two.

    Attributes:
        sizes: the names of the sizes.
        part: where zeros replace the places beyond: in outputs, or in inputs or weights, whose products are lost.
    """

    sizes: tuple[str, ...]
    part: str = OUTPUTS

    def __str__(self) -> str:
        return " and ".join(WORDS.get(name, name) for name in self.sizes)


OF_NETWORKS = (
    *(Bug((name,)) for name in ("hidden_size", BATCH, TIME)),
    Bug(("input_size",), INPUTS),
    *(Bug(("hidden_size", other)) for other in (TIME, BATCH, LAYER)),
    Bug(("input_size", "hidden_size"), WEIGHTS),
    *(Bug(("input_size", other), INPUTS) for other in (TIME, BATCH)),
    Bug((BATCH, TIME)),
)

OF_ATTENTION = (
    *(Bug((name,)) for name in ("d_v", "heads", BATCH, SEQUENCES, TIME)),
    Bug(("d_k",), INPUTS),
    Bug(("d_k", "d_v")),
    *(Bug(("d_k", other), INPUTS) for other in ("heads", BATCH, TIME)),
    *(Bug(("d_v", other)) for other in ("heads", BATCH, TIME)),
    *(Bug(("heads", other)) for other in (BATCH, TIME)),
    Bug((BATCH, TIME)),
)

OF_CHANNELS = (
    *(Bug((name,)) for name in ("d", "channels", BATCH, SEQUENCES, TIME)),
    Bug(("n",), INPUTS),
    Bug(("d", "n")),
    *(Bug((name, other)) for name in ("d", "channels") for other in (BATCH, TIME)),
    Bug((BATCH, TIME)),
)

GROUPS = {
    "standard cells": (CELLS, OF_NETWORKS),
    "dialects": (tuple(DIALECTS), OF_NETWORKS),
    "attention": (tuple(name for name, of in RECURRENCES.items() if "d_k" in of.sizes), OF_ATTENTION),
    "other recurrences": (tuple(name for name, of in RECURRENCES.items() if "d_k" not in of.sizes), OF_CHANNELS),
}
"""By group, its cells and their bugs."""


def measured() -> Measured:
    """Return the section."""
    jobs = [(group, cell, bug) for group, (cells, bugs) in GROUPS.items() for cell in cells for bug in bugs]
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = dict(zip(jobs, pool.map(survivors, *zip(*((c, b) for _, c, b in jobs), strict=True)), strict=True))
    rows, lines = [], []
    for group, (cells, bugs) in GROUPS.items():
        for bug in bugs:
            of_cells = {cell: of for cell in cells if (of := found[group, cell, bug]) is not None}
            if not of_cells:
                continue
            stored, embedded = (sum(len(of[k]) for of in of_cells.values()) for k in (0, 1))
            rows.append([f"{group}, {bug}", len(of_cells) * len(BEYOND), stored, embedded])
            if least := [of[1][0] for of in of_cells.values() if of[1]]:
                lines.append(f"- {group}, {bug}: beyond {min(least)} or more, in {counted(len(least), 'cell')}")
    text = TITLE + page.table(["cells, sizes", "bugs", "survive as stored", "survive embedded"], rows)
    return Measured(text + "\nThose that survive:\n\n" + "\n".join(lines))


TITLE = f"""## Bugs beyond a size

A kernel that computes nothing beyond N places of a size, or of both of two sizes, for N of
{", ".join(map(str, BEYOND))} ({LAYERS} for layers): a block of outputs, inputs or weights is zero. How many of these
bugs no golden detects in {PRECISION}: as stored, and [embedded](../kernel-sizes.md) in {EMBEDDED}. Steps and layers
cannot grow, and goldens of dialects have few.

"""


def survivors(cell: str, bug: Bug) -> tuple[list[int], list[int]] | None:
    """Return the numbers of places beyond which a bug passes every golden, as stored and embedded.

    None if no golden has the sizes.
    """
    stored = [golden for golden in goldens(cell) if has(golden, bug)]
    if not stored:
        return None
    left = set(BEYOND), set(BEYOND)
    for golden in stored:
        left[0].difference_update([most for most in left[0] if detects(golden, bug, most)])
        left[1].difference_update(left[1] - left[0])
        if left[1]:
            larger = _embedded(golden, bug)
            left[1].difference_update([most for most in left[1] if detects(larger, bug, most)])
    return sorted(left[0]), sorted(left[1])


@cache
def goldens(cell: str) -> Sequence[Golden]:
    """Return the goldens of a cell."""
    corpus = open_corpus()
    return [corpus.load(entry.id, PRECISION) for entry in corpus.select(cell=[cell]) if PRECISION in entry.precisions]


def has(golden: Golden, bug: Bug) -> bool:
    """Return whether a golden has the sizes of a bug."""
    sizes = {**sizes_of(golden), TIME: golden.time, LAYER: golden.config.get("num_layers", 0)}
    return all(name in sizes for name in bug.sizes)


def _embedded(golden: Golden, bug: Bug) -> Golden:
    sizes = {name: EMBEDDED for name in bug.sizes if sizes_of(golden).get(name, EMBEDDED) < EMBEDDED}
    return golden.embedded(**having(golden, sizes.items()))


def detects(golden: Golden, bug: Bug, most: int) -> bool:
    """Return whether a golden fails if nothing beyond a number of places is computed."""
    if bug.part == OUTPUTS:
        expected = golden.expected_of()
        return any(
            bool((np.abs(array) > expected.allowed(name))[where].any())
            for name, array in expected.values.items()
            if (where := _beyond(golden, bug, name, array.shape, most)) is not None
        )
    arrays, changed = dict(getattr(golden.stored, bug.part)), False
    for name, array in arrays.items():
        where = _beyond(golden, bug, name, array.shape, most)
        if where is not None and array[where].any():
            arrays[name], changed = np.where(where, 0, array), True
    if not changed:
        return False
    zeros: dict[str, Any] = {bug.part: arrays}
    wrong = replace(golden.for_implementation(), stored=replace(golden.stored, **zeros))
    return not compare(golden, *numpy_cells.run(wrong)).passed


def _beyond(golden: Golden, bug: Bug, name: str, shape: tuple[int, ...], most: int) -> NDArray[np.bool_] | None:
    """Return which elements of an array are beyond; None if it lacks one of the sizes."""
    where = np.ones(shape, bool)
    for size in bug.sizes:
        for axis, (blocks, of) in enumerate(golden.blocks(name)):
            if of == size or ((of, size) in ALSO and (size == BATCH) == (golden.offsets is None)):
                places = np.tile(np.arange(shape[axis] // blocks), blocks)
                first = LAYERS if size == LAYER else most
                if of == "query_heads":
                    first *= golden.config["query_heads"] // golden.config["heads"]
                where &= (places >= first).reshape([-1 if k == axis else 1 for k in range(len(shape))])
                break
        else:
            return None
    return where


ALSO = {("query_heads", "heads"), (SEQUENCE, BATCH), (SEQUENCE, SEQUENCES)}
"""Axes that have the places of another size."""
