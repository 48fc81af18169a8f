"""Pairs of sizes that one golden must have in float32: many units that also have many rows, inputs, steps or layers.

A kernel is often chosen by the number of units, so a bug may need two large sizes: a state that is lost after three
steps, but only in the kernel for more than 16 units.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.generator.coverage.dimensions import JUST
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.golden.recurrences import RECURRENCES, Recurrence

PRECISION = "float32"
"""The precision in which each pair is required. Half precisions are left out where tolerances are too large."""

TILES = (17, 33, 65)
STEPS = (5, 33)
LAYERS = 3

BIASES = "biases"

SizesOf = Mapping[str, int]
"""The sizes of a golden by dimension; ``biases`` is 0 or 1."""


@dataclass(frozen=True)
class Pair:
    """Two sizes that one golden must have."""

    dimensions: tuple[str, str]  # their dimensions
    # a golden has a size of units, inputs or rows if its own is at most a quarter larger, because larger ones run in
    # another kernel; it has fewer steps and layers than its own, too
    sizes: tuple[int, int]

    def __str__(self) -> str:
        return " and ".join(f"{size} {name}" for size, name in zip(self.sizes, self.dimensions, strict=True))

    def is_in(self, sizes: SizesOf) -> bool:
        """Return whether a golden with these sizes has both."""
        return all(
            size <= sizes[name] and (name in ("steps", "layers") or sizes[name] <= size * JUST)
            for name, size in zip(self.dimensions, self.sizes, strict=True)
        )


PAIRS = (
    *(Pair(("units", "steps"), (units, steps)) for units in TILES for steps in STEPS),
    *(Pair(("units", "rows"), (size, size)) for size in TILES),
    *(Pair(("inputs", "units"), (size, size)) for size in TILES),
    *(Pair(("units", "layers"), (units, LAYERS)) for units in TILES),
)

OF_DIALECTS = (Pair(("units", "steps"), (17, 5)), Pair(("units", "rows"), (17, 17)))

WITH_AND_WITHOUT_BIASES = {"units": 65, "inputs": 65, "rows": 65, "steps": 33, "layers": LAYERS}
"""The least sizes that goldens with biases, and without, must have."""

MANY_ROWS, MANY_INPUTS, WHOLE_BLOCK = 257, 258, 64
"""More rows than threads of a block; more inputs than a buffer of 256; and a size that leaves no remainder."""

RAGGED = {"units": 9, "rows": 17}
"""The least sizes of a ragged golden of one direction with gradients."""

CHUNK_16, CHUNK_64 = 16, 64


def missing(goldens: Iterable[Golden]) -> Iterator[str]:
    """Yield what no golden of a cell has in float32: pairs of sizes, large sizes, and steps of several chunks."""
    checked = [golden for golden in goldens if PRECISION in golden.precisions]
    networks = [(golden.cell, sizes_of(golden)) for golden in checked if golden.cell in LAYOUTS]
    for cell in (*CELLS, *DIALECTS):
        of_cell = [sizes for of, sizes in networks if of == cell]
        for pair in PAIRS if cell in CELLS else OF_DIALECTS:
            if not any(map(pair.is_in, of_cell)):
                yield f"{cell}: no golden has {pair}"
        if cell in CELLS:
            yield from (f"{cell}: no golden has {what}" for what in _missing_sizes(of_cell))
    for cell, of in RECURRENCES.items():
        yield from _missing_steps(cell, of, [golden for golden in checked if golden.cell == cell])


def _missing_sizes(of_cell: Sequence[SizesOf]) -> Iterator[str]:
    for name, size in WITH_AND_WITHOUT_BIASES.items():
        for biases in (1, 0):
            if not any(sizes[BIASES] == biases and sizes[name] >= size for sizes in of_cell):
                yield f"{size} {name} {'with' if biases else 'without'} biases"
    if not any(sizes["rows"] >= MANY_ROWS for sizes in of_cell):
        yield f"{MANY_ROWS} rows"
    if not any(sizes["inputs"] >= MANY_INPUTS for sizes in of_cell):
        yield f"{MANY_INPUTS} inputs"
    if not any(sizes["inputs"] >= 2 * WHOLE_BLOCK and sizes["inputs"] % WHOLE_BLOCK == 0 for sizes in of_cell):
        yield f"{2 * WHOLE_BLOCK} inputs or a larger multiple of {WHOLE_BLOCK}"


def _missing_steps(cell: str, recurrence: Recurrence, goldens: Sequence[Golden]) -> Iterator[str]:
    packed = [np.diff(golden.offsets) for golden in goldens if golden.offsets is not None]
    if not any((steps > 2 * CHUNK_16).sum() > 1 for steps in packed):
        yield f"{cell}: no golden has two packed sequences of more than {2 * CHUNK_16} steps"
    if "d_k" in recurrence.sizes and not any(g.time > 2 * CHUNK_64 for g in goldens if g.offsets is None):
        yield f"{cell}: no golden has more than {2 * CHUNK_64} steps, which are three chunks of {CHUNK_64}"


def missing_backward(goldens: Iterable[Golden]) -> Iterator[str]:
    """Yield the cells without gradients of short rows, after the first eight, of one direction and many units."""
    having = {golden.cell for golden in goldens if _has_short_rows(golden)}
    for cell in CELLS:
        if cell not in having:
            yield (
                f"{cell}: no golden of one direction with lengths has gradients of {RAGGED['units']} units in "
                f"{RAGGED['rows']} rows, of which a last one is short"
            )


def _has_short_rows(golden: Golden) -> bool:
    gradients, lengths = golden.gradients, golden.lengths
    if gradients is None or PRECISION not in gradients.precisions or lengths is None:
        return False
    if golden.network.bidirectional or any(sizes_of(golden)[name] < size for name, size in RAGGED.items()):
        return False
    short = lengths < golden.x.shape[1]
    return bool((short & gradients.expected["x"].any(axis=(1, 2)))[RAGGED["rows"] - 1 :].any())


def sizes_of(golden: Golden) -> dict[str, int]:
    """Return the sizes of a golden of a network by dimension."""
    config, x = golden.network, golden.x
    return {
        "units": config.hidden_size,
        "inputs": config.input_size,
        "rows": x.shape[0] if x.ndim == 3 else 1,  # noqa: PLR2004 - with a batch axis
        "steps": x.shape[-2],
        "layers": config.num_layers,
        BIASES: int(config.bias),
    }
