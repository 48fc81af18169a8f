"""The kill matrix for people: ``docs/deviations.md``, made from ``kill-matrix.json``.

python -m rnn_goldens.generator.deviation_page fixtures/v1 docs/deviations.md
"""

import math
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.shown import BACKWARD_NAME, LEAST, NAME, margin_text
from rnn_goldens.deviations import FAMILIES, deviation
from rnn_goldens.deviations.backward import BACKWARD_FAMILIES, BackwardDeviation
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.whole_file import write_whole
from rnn_goldens.explaining.equations_text import difference
from rnn_goldens.generator.adequacy import Charge
from rnn_goldens.generator.unexpressed import UNEXPRESSED
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS

Document = dict[str, Any]
Families = Mapping[str, Sequence[Deviation | BackwardDeviation]]

HEADER = """\
# Ways of being wrong

<!-- Made by `make generate` from fixtures/v1/kill-matrix.json and generator/unexpressed.py; do not edit. -->

Each deviation is one named way in which an implementation goes wrong, as a few lines in
[`rnn_goldens/deviations`](../rnn_goldens/deviations); `rnn-goldens explain NAME` shows them beside the right ones.

Its *margin* on a golden is its largest error there as a multiple of what is allowed. A deviation counts as exposed, for
a cell and a precision, if some golden of that cell shows it with a margin of at least {enough:g}: then even a wrong
implementation that is off by a whole tolerance in its favour fails. `make check-corpus` rebuilds the matrix and fails
if a margin moved by more than 15 %. [Wrong gradients](#gradients-that-are-wrong) stand at the end.
"""

UNEXPRESSED_HEADER = """
## Defects that no deviation stands for

The defects of real implementations that this project looked at are listed in
[`tests/deviations/real_defects.txt`](../tests/deviations/real_defects.txt). The list below says which of them a
deviation stands for; these are the others, and why. An error needs no deviation: any golden that gets there shows it.

"""

EVERY = """
## Every deviation

Each can be linked to by its name: `deviations.md#w_hh_transposed`. Where its equations are other ones, they stand below
it: right (-) and wrong (+), as `rnn-goldens explain` has them, of the first of its cells.

Margins are those of the golden that shows it best, in the cell where it shows least, in {precisions}.
`=` needs no margin: the difference is one of shape, of NaN, or of an exact golden's value. In brackets: hidden in some
cell, with the reason above; `ok` is where a correct implementation may do it.

{families}"""

BACKWARD_HEADER = """
## Gradients that are wrong

{count} deviations of the backward pass: the outputs are right, and gradients are not. They are a few lines each in
[`rnn_goldens/deviations/backward`](../rnn_goldens/deviations/backward); margins are those of the gradients of
{goldens} goldens.
"""

EVERY_BACKWARD = """
## Every deviation of the backward pass

{families}"""

_WIDTH = 150
"""A link, which does not break, may go beyond it."""


_BACKWARD = {deviation.name for family in BACKWARD_FAMILIES.values() for deviation in family}


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
        EVERY.format(precisions=_listed(PRECISIONS), families=_links(FAMILIES)),
        *_families(document, best, FAMILIES),
        *_backward_part(folder, cells),
    ]
    return "".join(parts)


def _backward_part(folder: Path, cells: dict[str, str]) -> Iterator[str]:
    """The same of the backward pass."""
    document: Document = json_file.read_document(folder / BACKWARD_NAME)
    best, goldens = _best(document, cells), {golden_id for d in document["deviations"] for golden_id in d["margins"]}
    yield BACKWARD_HEADER.format(count=len(document["deviations"]), goldens=len(goldens))
    yield from _totals(document, best)
    yield from _hidden(document, best, "## What no gradient exposes")
    yield EVERY_BACKWARD.format(families=_links(BACKWARD_FAMILIES))
    yield from _families(document, best, BACKWARD_FAMILIES)


def _links(families: Families) -> str:
    return _wrapped(" · ".join(f"[{family}](#{_anchor(family)})" for family in families))


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


def _hidden(document: Document, best: dict[Charge, Best], heading: str = "## What no golden exposes") -> Iterator[str]:
    """Every exception: by its reason, with the largest margin that any golden shows."""
    yield f"\n{heading}\n\nIn brackets the largest margin, if it is not below "
    yield f"{LEAST}.\n\n"
    together: dict[tuple[bool, str], dict[tuple[str, str], list[str]]] = {}
    for h in sorted(document["hidden"], key=lambda h: bool(h["allowed"])):
        seen = max(best[h["deviation"], c, precision].margin for c in h["cells"] for precision in h["precisions"])
        where = (", ".join(h["cells"]), ", ".join(h["precisions"]))
        own = together.setdefault((bool(h["allowed"]), h["reason"]), {}).setdefault(where, [])
        own.append(f"`{h['deviation']}`" + (f" ({margin_text(seen)})" if seen >= LEAST else ""))
    for (allowed, reason), places in together.items():
        yield _wrapped(f"- {'No error there: ' if allowed else ''}{reason}:", "  ")
        for (cells, precisions), names in places.items():
            yield _wrapped(f"  - {cells} in {precisions}: {', '.join(names)}", "    ")


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    for u in UNEXPRESSED:
        yield _wrapped(f"- {u.defect}: {u.reason}.", "  ")


def _core(document: Document) -> Iterator[str]:
    yield "\n## The core set\n\n"
    yield _wrapped(
        f"These {len(document['core'])} goldens alone expose as much as all (feature `core`). A deviation is counted "
        "once for each cell that it can befall, for a mistake in an LSTM is none in a GRU: so each cell needs goldens "
        f"of its own, some {round(len(document['core']) / len(CELLS))} a cell."
    )
    yield "\n"
    yield _wrapped(", ".join(f"`{golden_id}`" for golden_id in document["core"]) + ".")


def _families(document: Document, best: dict[Charge, Best], families: Families) -> Iterator[str]:
    """A list for each family, in the catalogue's order."""
    by_name = {d["name"]: d for d in document["deviations"]}
    for family, members in families.items():
        yield f"\n### {family[0].upper()}{family[1:]}\n\n"
        for d in (by_name[member.name] for member in members if member.name in by_name):
            yield from _entry(d, best, document["enough"])


def _entry(d: Document, best: dict[Charge, Best], enough: float) -> Iterator[str]:
    """What it does, its equation where that is another, and how it shows."""
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
    wild = f" In the wild: {', '.join(d['stands_for'])}." if d["stands_for"] else ""
    yield _wrapped(f'- <a id="{d["name"]}"></a>**`{d["name"]}`** ({", ".join(d["cells"])}): {d["sentence"]}', "  ")
    yield _wrapped(f"  Margins {', '.join(columns)}; seen first in `{first}`.{wild}", "  ")
    if lines := _equation(d["name"]):
        yield "".join(f"  {line}\n" for line in ("```diff", *lines, "```"))


def _equation(name: str) -> list[str]:
    """The lines that differ, of the first cell whose equations do."""
    if name in _BACKWARD:
        return []
    both = (difference(cell, wrong) for cell, wrong in deviation(name).wrong.equations.items())
    return [line for line in next(both, []) if line[0] in "-+"]


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-")


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"


def _wrapped(text: str, indent: str = "") -> str:
    """Lines that can be read; code and links are not broken at a hyphen."""
    lines = textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page of a corpus."""
    folder, target = map(Path, sys.argv[1:])
    write_whole(target, page(folder).encode("utf-8"))


if __name__ == "__main__":
    main()
