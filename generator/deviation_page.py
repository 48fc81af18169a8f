"""The kill matrix for people: ``docs/deviations.md``, made from ``kill-matrix.json``.

python -m rnn_goldens.generator.deviation_page fixtures/v1 docs/deviations.md
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import open_corpus
from rnn_goldens.encoding import json_file
from rnn_goldens.generator.matrix_file import MOST, NAME
from rnn_goldens.generator.unexpressed import UNEXPRESSED
from rnn_goldens.precision import PRECISIONS

Document = dict[str, Any]

HEADER = """\
# Ways of being wrong

<!-- Made by `make generate` from fixtures/v1/kill-matrix.json and generator/unexpressed.py; do not edit. -->

Each deviation is one named way in which an implementation goes wrong, as a few lines in
[`rnn_goldens/deviations`](../rnn_goldens/deviations). Its *margin* on a golden is its largest error there as a multiple
of what is allowed. A deviation counts as exposed, for a cell and a precision, if some golden of that cell shows it with
a margin of at least {enough:g}: then even a wrong implementation that is off by a whole tolerance in its favour fails.
`make check-corpus` rebuilds the matrix and fails if a margin moved by more than 15 %.
"""

UNEXPRESSED_HEADER = """
## Defects that no deviation stands for

The defects of real implementations that this project looked at are listed in
[`tests/deviations/real_defects.txt`](../tests/deviations/real_defects.txt). The table below says which of them a
deviation stands for; these are the others, and why. An error needs no deviation: any golden that gets there shows it.

"""

TABLE = """
## Every deviation

Margins are those of the golden that shows it best, in the cell where it shows least. `=` needs no margin: the
difference is one of shape, of NaN, or of an exact golden's value. `-` is where the deviation is not held to be seen: of
numeric slips in half precisions some are, on some goldens.

| deviation | what it does | cells | {precisions} | seen first in | in the wild |
|---|---|---|{rule}---|---|
"""


def page(folder: Path) -> str:
    """The page of a corpus, whose kill matrix is known to be valid."""
    document: Document = json_file.read_document(folder / NAME)
    cells = {entry.id: entry.cell for entry in open_corpus(folder).entries}
    precisions = list(PRECISIONS)
    parts = [
        HEADER.format(enough=document["enough"]),
        *_totals(document, cells),
        *_hidden(document),
        *_unexpressed(),
        *_core(document),
        TABLE.format(precisions=" | ".join(precisions), rule="---|" * len(precisions)),
        *(f"{_row(d, cells)}\n" for d in document["deviations"]),
    ]
    return "".join(parts)


def _best(d: Document, cells: dict[str, str], cell: str, place: int) -> float:
    """The largest margin of a deviation in a cell, in its precision at a place; infinite where none is needed."""
    margins = [margins[place] for golden_id, margins in d["margins"].items() if cells[golden_id] == cell]
    return max((math.inf if margin is None else margin for margin in margins), default=0.0)


def _totals(document: Document, cells: dict[str, str]) -> Iterator[str]:
    hidden = {(h["deviation"], h["cell"], h["precision"]) for h in document["hidden"]}
    yield "\n| precision | to be exposed | exposed | smallest margin |\n|---|---|---|---|\n"
    for precision in PRECISIONS:
        best = {
            (d["name"], cell, precision): _best(d, cells, cell, d["precisions"].index(precision))
            for d in document["deviations"]
            if precision in d["precisions"]
            for cell in d["cells"]
        }
        exposed = [margin for charge, margin in best.items() if charge not in hidden]
        yield f"| {precision} | {len(best)} | {len(exposed)} | {_margin(min(exposed))} |\n"
    count = len(document["deviations"])
    yield f"\n{count} deviations, each counted once for each cell that it can befall.\n"


def _hidden(document: Document) -> Iterator[str]:
    yield "\n## What no golden exposes\n\n"
    for h in document["hidden"]:
        yield f"- `{h['deviation']}` in {h['cell']}, {h['precision']}: {h['reason']}.\n"


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    for u in UNEXPRESSED:
        yield f"- {u.defect}: {u.reason}.\n"


def _core(document: Document) -> Iterator[str]:
    yield f"\n## The core set\n\nThese {len(document['core'])} goldens alone expose as much as all (feature `core`): "
    yield ", ".join(f"`{golden_id}`" for golden_id in document["core"]) + ".\n"


def _row(d: Document, cells: dict[str, str]) -> str:
    columns = []
    for precision in PRECISIONS:
        if precision in d["precisions"]:
            place = d["precisions"].index(precision)
            columns.append(_margin(min(_best(d, cells, cell, place) for cell in d["cells"])))
        else:
            columns.append("-")
    first = next((golden_id for golden_id in d["margins"]), "")
    wild = ", ".join(d["stands_for"])
    listed = [f"`{d['name']}`", d["sentence"], ", ".join(d["cells"]), *columns, f"`{first}`", wild]
    return f"| {' | '.join(listed)} |"


def _margin(margin: float) -> str:
    if math.isinf(margin):
        return "="
    return f"≥ {MOST}" if margin >= MOST else f"{margin:g}"


def main() -> None:
    """Write the page of a corpus."""
    folder, target = map(Path, sys.argv[1:])
    target.write_text(page(folder), "utf-8")


if __name__ == "__main__":
    main()
