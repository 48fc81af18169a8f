"""The kill matrices for people: ``docs/deviations.md`` and a page for each family beside it.

python -m rnn_goldens.generator.deviation_page fixtures/v1 docs/deviations.md
"""

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.shown import BACKWARD_NAME, LEAST, NAME, margin_text
from rnn_goldens.deviations import FAMILIES
from rnn_goldens.deviations.backward import BACKWARD_FAMILIES
from rnn_goldens.generator import matrix_file
from rnn_goldens.generator.adequacy import Charge
from rnn_goldens.generator.deviation_family import (
    Best,
    Document,
    Families,
    Matrix,
    anchor,
    family_page,
    title,
    wrapped,
)
from rnn_goldens.generator.unexpressed import UNEXPRESSED
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.writing import write_whole

INDEX = "deviations.md"
FOLDER = "deviations"
"""Where the pages of families are, beside the index."""

HEADER = """\
# Ways of being wrong

<!-- Made by `make generate` from fixtures/v1/kill-matrix.json and generator/unexpressed.py; do not edit. -->

Each deviation is one named way in which an implementation goes wrong, as a few lines in
[`rnn_goldens/deviations`](../rnn_goldens/deviations); `rnn-goldens explain NAME` shows them beside the right ones.
Each family has [a page](#every-deviation), and so has each of [wrong gradients](#gradients-that-are-wrong).

Its *margin* on a golden is its largest error there as a multiple of what is allowed. A deviation counts as exposed, for
a cell and a precision, if some golden of that cell shows it with a margin of at least {enough:g}: then even a wrong
implementation that is off by a whole tolerance in its favour fails. `make check-corpus` rebuilds the matrix and fails
if a margin moved by more than 15 %.
"""

UNEXPRESSED_HEADER = """
## Defects that no deviation stands for

The defects of real implementations that this project looked at are listed in
[`tests/deviations/real_defects.txt`](../tests/deviations/real_defects.txt). The list below says which of them a
deviation stands for; these are the others, and why. An error needs no deviation: any golden that gets there shows it.

"""

EVERY = """
## Every deviation

Each can be linked to by its name: `deviations.md#w_hh_transposed`. A name leads to its equation, beside the right one
where it has one, to how sharply it shows in each precision, and to who had it.

{families}"""

BACKWARD_HEADER = """
## Gradients that are wrong

{count} deviations of the backward pass: the outputs are right, and gradients are not. They are a few lines each in
[`rnn_goldens/deviations/backward`](../rnn_goldens/deviations/backward); margins are those of the gradients of
{goldens} goldens.
"""

HIDDEN, HIDDEN_BACKWARD = "What no golden exposes", "What no gradient exposes"

EVERY_BACKWARD = """
## Every deviation of the backward pass

{families}"""


def pages(folder: Path) -> dict[str, str]:
    """The pages of a corpus, whose kill matrices are known to be valid: by name, the index first."""
    cells = {entry.id: entry.cell for entry in open_corpus(folder).entries}
    outputs, backward = _matrix(folder, NAME, cells, HIDDEN), _matrix(folder, BACKWARD_NAME, cells, HIDDEN_BACKWARD)
    of_families = {
        _file(family): family_page(family, members, matrix)
        for families, matrix in ((FAMILIES, outputs), (BACKWARD_FAMILIES, backward))
        for family, members in families.items()
    }
    return {INDEX: "".join(_index(outputs, backward)), **of_families}


def _index(outputs: Matrix, backward: Matrix) -> Iterator[str]:
    yield HEADER.format(enough=outputs.document["enough"])
    yield from _totals(outputs)
    yield from _hidden(outputs, HIDDEN)
    yield from _unexpressed()
    yield from _core(outputs.document)
    yield EVERY.format(families=_links(FAMILIES))
    yield from _families(outputs, FAMILIES)
    deviations = backward.document["deviations"]
    goldens = {golden_id for d in deviations for golden_id in d["margins"]}
    yield BACKWARD_HEADER.format(count=len(deviations), goldens=len(goldens))
    yield from _totals(backward)
    yield from _hidden(backward, HIDDEN_BACKWARD)
    yield EVERY_BACKWARD.format(families=_links(BACKWARD_FAMILIES))
    yield from _families(backward, BACKWARD_FAMILIES)


def _matrix(folder: Path, name: str, cells: Mapping[str, str], hidden: str) -> Matrix:
    document: Document = matrix_file.read(folder / name)
    return Matrix(name, document, _best(document, cells), anchor(hidden))


def _best(document: Document, cells: Mapping[str, str]) -> dict[Charge, Best]:
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


def _totals(matrix: Matrix) -> Iterator[str]:
    yield "\n| precision | deviations, by cell | no error there | to be exposed | exposed | smallest margin |\n"
    yield "|---|---|---|---|---|---|\n"
    for precision in matrix.document["precisions"]:
        own = [seen for charge, seen in matrix.best.items() if charge[2] == precision]
        allowed = sum(seen.allowed for seen in own)
        exposed = [seen.margin for seen in own if not seen.hidden]
        row = (precision, len(own), allowed, len(own) - allowed, len(exposed), margin_text(min(exposed)))
        yield f"| {' | '.join(map(str, row))} |\n"
    count = len(matrix.document["deviations"])
    yield f"\n{count} deviations, each counted once for each cell that it applies to.\n"


def _hidden(matrix: Matrix, heading: str) -> Iterator[str]:
    """Every exception: by its reason, with the largest margin that any golden shows."""
    yield f"\n## {heading}\n\nIn brackets the largest margin, if it is not below "
    yield f"{LEAST}.\n\n"
    together: dict[tuple[bool, str], dict[tuple[str, str], list[str]]] = {}
    for h in sorted(matrix.document["hidden"], key=lambda h: bool(h["allowed"])):
        seen = max(
            matrix.best[h["deviation"], c, precision].margin for c in h["cells"] for precision in h["precisions"]
        )
        where = (", ".join(h["cells"]), ", ".join(h["precisions"]))
        own = together.setdefault((bool(h["allowed"]), h["reason"]), {}).setdefault(where, [])
        own.append(f"`{h['deviation']}`" + (f" ({margin_text(seen)})" if seen >= LEAST else ""))
    for (allowed, reason), places in together.items():
        yield wrapped(f"- {'No error there: ' if allowed else ''}{reason}:", "  ")
        for (cells, precisions), names in places.items():
            yield wrapped(f"  - {cells} in {precisions}: {', '.join(names)}", "    ")


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    for u in UNEXPRESSED:
        yield wrapped(f"- {u.defect}: {u.reason}.", "  ")


def _core(document: Document) -> Iterator[str]:
    yield "\n## The core set\n\n"
    yield wrapped(
        f"These {len(document['core'])} goldens alone expose as much as all (feature `core`). A deviation is counted "
        "once for each cell that it applies to, for a mistake in an LSTM is none in a GRU: so each cell needs goldens "
        f"of its own, some {round(len(document['core']) / len(CELLS))} a cell."
    )
    yield "\n"
    yield wrapped(", ".join(f"`{golden_id}`" for golden_id in document["core"]) + ".")


def _links(families: Families) -> str:
    return wrapped(" · ".join(f"[{family}](#{anchor(family)})" for family in families))


def _families(matrix: Matrix, families: Families) -> Iterator[str]:
    """Every name under its family, as a link to where it is told of."""
    for family, members in families.items():
        entries, file = matrix.of(members), _file(family)
        yield f"\n### {title(family)}\n\n[{title(family)}]({file}), {len(entries)} deviations:\n\n"
        for d in entries:
            name = d["name"]
            yield wrapped(
                f'- <a id="{name}"></a>[`{name}`]({file}#{name}) ({", ".join(d["cells"])}): {d["sentence"]}', "  "
            )


def _file(family: str) -> str:
    return f"{FOLDER}/{anchor(family)}.md"


def page_of(name: str) -> str:
    """The page, from ``docs/``, that tells of a deviation; raises StopIteration if there is none of this name."""
    families = {family: [one.name for one in members] for family, members in FAMILIES.items()}
    families |= {family: [one.name for one in members] for family, members in BACKWARD_FAMILIES.items()}
    return next(_file(family) for family, names in families.items() if name in names)


def write(folder: Path, index: Path) -> None:
    """Write the pages of a corpus; one that is no family's any more goes."""
    made = {index.parent / name: text for name, text in pages(folder).items()}
    (index.parent / FOLDER).mkdir(exist_ok=True)
    for page, text in made.items():
        write_whole(page, text.encode("utf-8"))
    for left in set((index.parent / FOLDER).glob("*.md")) - made.keys():
        left.unlink()


def main() -> None:
    """Write the pages of a corpus."""
    folder, index = map(Path, sys.argv[1:])
    write(folder, index)


if __name__ == "__main__":
    main()
