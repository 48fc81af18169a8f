"""Arguments of activations: how small an error the corpus shows in each band of them."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from benchmarks import page
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.generator.coverage.arguments import (
    CELLS,
    NOT_SEEN,
    NOT_SEEN_FROM_ZERO,
    Band,
    Place,
    Seen,
    Sharpness,
    activations,
    look,
    spelled,
)
from rnn_goldens.golden.precision import PRECISIONS

NONE = "none"
"""Where no golden shows any error."""

INTRODUCTION = """## Arguments of activations

For each activation of each cell, and each band of its argument: the smallest error of its result, in
roundoffs, that some golden shows with twice its tolerance. An activation may itself be off by 8, so 16 is as
sharp as can be in float64 and float32. The side of zero that is asked less sharply counts. Chaotic
goldens, in which errors do not stay in proportion, are left out."""


def report(found: Mapping[Place, Sharpness]) -> str:
    """The section: a table for each activation."""
    parts = [INTRODUCTION]
    for cell in CELLS:
        for activation in activations(cell):
            rows = [_row(found, cell, activation.label, edges) for edges in pairwise((*BANDS, np.inf))]
            parts.append(
                f"### {cell}: {activation.label}\n\n"
                + page.table(["size of the argument", *PRECISIONS, "sharpest in float32"], rows)
            )
    parts.append(
        "### Arguments that are not asked\n\n"
        + "\n".join(
            f"- {cell}, {label}, from {edge:g} on, {precision}{of}: {why}."
            for listed, of in ((NOT_SEEN, ""), (NOT_SEEN_FROM_ZERO, ", of one layer from zero"))
            for (cell, label), edge, precision, why in listed
        )
    )
    return "\n\n".join(parts)


def _row(found: Mapping[Place, Sharpness], cell: str, label: str, edges: Band) -> list[str]:
    """The blunter of the two sides of zero."""
    sides = [found[cell, label, band] for band in (edges, (-edges[1], -edges[0]))]
    worst = {p: max((side.get(p, (np.inf, "")) for side in sides), key=lambda seen: seen[0]) for p in PRECISIONS}
    cells = [f"{error:.1f}" if error < np.inf else NONE for error, _ in worst.values()]
    return [spelled(edges), *cells, f"`{worst['float32'][1]}`" if worst["float32"][1] else NONE]


def of_one(folder: str | None, golden_id: str) -> list[Seen]:
    """What one golden shows."""
    return look(open_corpus(folder).load(golden_id, dtype="float64"))
