"""The kill matrix for people: ``docs/deviations.md``, made from ``kill-matrix.json``.

python -m rnn_goldens.generator.deviation_page fixtures/v1 docs/deviations.md
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.shown import NAME, margin_text
from rnn_goldens.encoding import json_file
from rnn_goldens.generator.adequacy import Charge
from rnn_goldens.generator.unexpressed import UNEXPRESSED
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS

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
difference is one of shape, of NaN, or of an exact golden's value. In brackets: hidden in some cell, with the reason
above; `ok` is where a correct implementation may do it.

| deviation | what it does | cells | {precisions} | seen first in | in the wild |
|---|---|---|{rule}---|---|
"""


@dataclass(frozen=True)
class Best:
    """How sharply a deviation is seen in a cell and precision: the largest margin of any golden.

    Attributes:
        margin: infinite where none is needed.
        hidden: whether it is listed as hidden.
        allowed: whether it is no error there.
    """

    margin: float
    hidden: bool
    allowed: bool


def page(folder: Path) -> str:
    """The page of a corpus, whose kill matrix is known to be valid."""
    document: Document = json_file.read_document(folder / NAME)
    cells = {entry.id: entry.cell for entry in open_corpus(folder).entries}
    best = _best(document, cells)
    parts = [
        HEADER.format(enough=document["enough"]),
        *_totals(document, best),
        *_hidden(document, best),
        *_unexpressed(),
        *_core(document),
        TABLE.format(precisions=" | ".join(PRECISIONS), rule="---|" * len(PRECISIONS)),
        *(f"{_row(d, best, document['enough'])}\n" for d in document["deviations"]),
    ]
    return "".join(parts)


def _best(document: Document, cells: dict[str, str]) -> dict[Charge, Best]:
    """What is seen of every deviation, by deviation, cell and precision."""
    hidden = {
        (h["deviation"], cell, precision): h["allowed"]
        for h in document["hidden"]
        for cell in h["cells"]
        for precision in h["precisions"]
    }
    best: dict[Charge, Best] = {}
    for d in document["deviations"]:
        for cell in d["cells"]:
            own = [margins for golden_id, margins in d["margins"].items() if cells[golden_id] == cell]
            for place, precision in enumerate(document["precisions"]):
                charge = (d["name"], cell, precision)
                found = (math.inf if margins[place] is None else margins[place] for margins in own)
                best[charge] = Best(max(found, default=0.0), charge in hidden, hidden.get(charge, False))
    return best


def _totals(document: Document, best: dict[Charge, Best]) -> Iterator[str]:
    yield "\n| precision | deviations, by cell | no error there | to be exposed | exposed | smallest margin |\n"
    yield "|---|---|---|---|---|---|\n"
    for precision in document["precisions"]:
        own = [seen for charge, seen in best.items() if charge[2] == precision]
        allowed = sum(seen.allowed for seen in own)
        exposed = [seen.margin for seen in own if not seen.hidden]
        row = (precision, len(own), allowed, len(own) - allowed, len(exposed), margin_text(min(exposed)))
        yield f"| {' | '.join(map(str, row))} |\n"
    count = len(document["deviations"])
    yield f"\n{count} deviations, each counted once for each cell that it can befall.\n"


def _hidden(document: Document, best: dict[Charge, Best]) -> Iterator[str]:
    """Every exception: by its reason, with the largest margin that any golden shows."""
    yield "\n## What no golden exposes\n\nThe margin is the largest, in any of the cells and precisions.\n\n"
    yield "| deviation | cells | precisions | margin | why |\n|---|---|---|---|---|\n"
    for h in sorted(document["hidden"], key=lambda h: bool(h["allowed"])):
        seen = (best[h["deviation"], cell, precision] for cell in h["cells"] for precision in h["precisions"])
        why = f"no error there: {h['reason']}" if h["allowed"] else h["reason"]
        row = (f"`{h['deviation']}`", ", ".join(h["cells"]), ", ".join(h["precisions"]))
        yield f"| {' | '.join(row)} | {margin_text(max(s.margin for s in seen))} | {why} |\n"


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    for u in UNEXPRESSED:
        yield f"- {u.defect}: {u.reason}.\n"


def _core(document: Document) -> Iterator[str]:
    yield (
        f"\n## The core set\n\nThese {len(document['core'])} goldens alone expose as much as all (feature `core`). "
        "A deviation is counted once for each cell that it can befall, for a mistake in an LSTM is none in a GRU: so "
        f"each cell needs goldens of its own, some {round(len(document['core']) / len(CELLS))} a cell.\n\n"
    )
    yield ", ".join(f"`{golden_id}`" for golden_id in document["core"]) + ".\n"


def _row(d: Document, best: dict[Charge, Best], enough: float) -> str:
    columns = []
    for precision in PRECISIONS:
        least = min((best[d["name"], cell, precision] for cell in d["cells"]), key=lambda seen: seen.margin)
        shown = "ok" if least.allowed else margin_text(least.margin)
        columns.append(f"({shown})" if least.hidden and not least.allowed else shown)
    first = next(
        golden_id
        for golden_id, margins in d["margins"].items()
        if any(margin is None or margin >= enough for margin in margins)
    )
    wild = ", ".join(d["stands_for"])
    listed = [f"`{d['name']}`", d["sentence"].replace("|", "\\|"), ", ".join(d["cells"]), *columns, f"`{first}`", wild]
    return f"| {' | '.join(listed)} |"


def main() -> None:
    """Write the page of a corpus."""
    folder, target = map(Path, sys.argv[1:])
    target.write_text(page(folder), "utf-8")


if __name__ == "__main__":
    main()
