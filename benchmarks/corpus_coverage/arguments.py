"""Arguments of activations: how small an error the corpus shows in each band of them."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from benchmarks import page, page_check
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
    bands,
    look,
    spelled,
)
from rnn_goldens.golden.precision import PRECISIONS

PICTURE = "arguments.svg"

NONE = "none"
"""Where no golden shows any error."""

INTRODUCTION = """## Arguments of activations

For each activation of each cell, and each band of its argument: the smallest error of its result, in
roundoffs, that some golden shows with twice its tolerance. An activation may itself be off by 8, so 16 is as
sharp as can be in float64 and float32. The side of zero that is asked less sharply counts. Chaotic
goldens, in which errors do not stay in proportion, are left out.

![the same as a picture](arguments.svg)"""


COLUMNS: page_check.Columns = {
    **dict.fromkeys(PRECISIONS, page_check.Column(everywhere=True, by=0.2)),
    "sharpest in float32": page_check.FIXED,
}
"""How these tables are held against what was measured."""


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


def picture(found: Mapping[Place, Sharpness]) -> str:
    """An SVG: a row for each activation, a column for each band, minus to plus; the darker, the sharper in float32."""
    columns = sorted(bands())
    rows = [(cell, activation.label) for cell in CELLS for activation in activations(cell)]
    width, height, left, top = 22, 26, 170, 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width * len(columns) + 10}" '
        f'height="{top + height * len(rows) + 70}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="18">the smallest error that shows in float32: '
        "dark 16 roundoffs, light 128, white none</text>",
    ]
    for y, (cell, label) in enumerate(rows):
        parts.append(f'<text x="{left - 8}" y="{top + height * y + 17}" text-anchor="end">{cell}: {label}</text>')
        for x, band in enumerate(columns):
            error, golden = found[cell, label, band].get("float32", (np.inf, "none"))
            shade = 255 if error == np.inf else round(230 * min(max(np.log2(error / 16) / 3, 0), 1))
            parts.append(
                f'<rect x="{left + width * x}" y="{top + height * y}" width="{width - 2}" height="{height - 2}" '
                f'fill="rgb({shade},{shade},{min(255, shade + 60)})">'
                f"<title>{spelled(band)}: {error:.3g}, {golden}</title></rect>"
            )
    foot = top + height * len(rows) + 6
    parts += [
        f'<text transform="translate({left + width * x + 8},{foot}) rotate(60)" font-size="10">{low:.3g}</text>'
        for x, (low, _) in enumerate(columns)
        if low > -np.inf
    ]
    return "\n".join([*parts, "</svg>", ""])


def of_one(folder: str | None, golden_id: str) -> list[Seen]:
    """What one golden shows."""
    return look(open_corpus(folder).load(golden_id, dtype="float64"))
