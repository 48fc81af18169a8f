"""Where on the argument of each activation the corpus looks, and how small an error it sees there.

    python -m benchmarks.argument_coverage    # from the checkout; --write renews docs/results/arguments.md

The page of what ``rnn-goldens generate`` holds the corpus to (``generator/argument_coverage.py``). Exits with 1 if a
band is seen by no golden, or less sharply than it can be, and is not listed with the reason.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import page, page_check, page_command
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.generator.argument_coverage import (
    CELLS,
    NOT_SEEN,
    Band,
    Place,
    Seen,
    Sharpness,
    activations,
    bands,
    coverage,
    look,
    not_looked_at,
    spelled,
)
from rnn_goldens.golden.precision import PRECISIONS

PAGE = "arguments.md"
PICTURE = "arguments.svg"

NONE = "none"
"""Where no golden shows any error."""

INTRODUCTION = """# Where the corpus looks

<!-- Made by `python -m benchmarks.argument_coverage --write`; do not edit. -->

For each activation of each cell, and each band of its argument: the smallest error of its result, in
roundoffs, that some golden shows with twice its tolerance. An activation may itself be off by 8, so 16 is as
sharp as can be in float64 and float32. The side of zero that is looked at less sharply counts. Chaotic
goldens, in which errors do not stay in proportion, are left out.

![the same as a picture](arguments.svg)"""


COLUMNS: page_check.Columns = {
    **dict.fromkeys(PRECISIONS, page_check.Column(everywhere=True, by=0.2)),
    "sharpest in float32": page_check.FIXED,
}
"""How the page is held against what was measured."""


def main() -> None:
    """Run and print; exit with 1 if a band is not looked at, or a checked page says otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    page_command.options(parser, PAGE, " and its picture")
    parser.add_argument("--corpus", help="another corpus than the newest: a version, or a folder")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    found = measured(arguments.corpus, arguments.processes)
    text = report(found)
    print(text)
    blind = list(not_looked_at(found))
    print(*blind, f"{len(blind)} bands are not looked at that could be", sep="\n")
    if arguments.write:
        (page.RESULTS / PICTURE).write_text(picture(found), "utf-8")
    page_command.end(arguments, PAGE, text, COLUMNS, is_wrong=bool(blind))


def report(found: Mapping[Place, Sharpness]) -> str:
    """The page: a table for each activation."""
    parts = [INTRODUCTION]
    for cell in CELLS:
        for activation in activations(cell):
            rows = [_row(found, cell, activation.label, edges) for edges in pairwise((*BANDS, np.inf))]
            parts.append(
                f"## {cell}: {activation.label}\n\n"
                + page.table(["size of the argument", *PRECISIONS, "sharpest in float32"], rows)
            )
    parts.append(
        "## Not looked at\n\n"
        + "\n".join(
            f"- {cell}, {label}, from {edge:g} on, {precision}: {why}."
            for (cell, label), edge, precision, why in NOT_SEEN
        )
    )
    return "\n\n".join([*parts, page.versions("numpy")]) + "\n"


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


def measured(folder: str | None, processes: int) -> dict[Place, Sharpness]:
    """What all goldens of a corpus see."""
    ids = open_corpus(folder).ids
    with ProcessPoolExecutor(processes) as pool:
        return coverage(pool.map(partial(of_one, folder), ids, chunksize=4))


def of_one(folder: str | None, golden_id: str) -> list[Seen]:
    """What one golden sees."""
    return look(open_corpus(folder).load(golden_id, dtype="float64"))


if __name__ == "__main__":
    main()
