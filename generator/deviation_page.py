"""Writes the kill matrices as pages: an index, ``docs/deviations.md``, and a page for each group of families.

python -m rnn_goldens.generator.deviation_page fixtures/v2 docs/deviations.md
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import BACKWARD_NAME, NAME, margin_text
from rnn_goldens.deviations.families import ALL, BACKWARD, FORWARD, RECURRENCES, RECURRENCES_BACK
from rnn_goldens.generator import kill_matrix_file
from rnn_goldens.generator.deviation_family import Best, Document, Matrix, Section, anchor, group_page, wrapped
from rnn_goldens.generator.kill_matrix import Combination
from rnn_goldens.generator.uncovered_defects import UNEXPRESSED
from rnn_goldens.golden.built_in_cells import CELLS

INDEX = "deviations.md"
FOLDER = "deviations"
"""The folder of the pages of groups, beside the index."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Gates": ("gate order", "gates", "dialects", "paths back", "gates back"),
    "Weights and biases": ("weights", "biases", "sums of weights"),
    "States": ("states", "last states", "cotangents and states"),
    "Time and lengths": ("time", "batch", "lengths", "lengths back"),
    "Layers and directions": ("directions", "layers", "directions and layers back"),
    "Sizes": ("sizes", "sizes back"),
    "Activations": ("activations", "derivatives"),
    "Arithmetic": ("numerics", "numerics back"),
    "Dialects": ("dialect equations", "dialect options", "dialects back"),
    "Recurrences": tuple(RECURRENCES),
    "Gradients of recurrences": tuple(RECURRENCES_BACK),
}
"""The families of both passes that share a page."""

HEADER = """\
# Known bugs

<!-- Made by `make generate` from the kill matrices of fixtures/v2 and generator/uncovered_defects.py; do not edit. -->

A *deviation* is a named known bug: a small change of the correct implementation. This corpus detects every
deviation in float64; the deviations that it does not detect in a lower precision are [listed](#undetected). A failing
run names the deviation that explains its failures, and `rnn-goldens explain NAME` shows its code beside the correct
code.

The *margin* of a deviation on a golden is its largest error there, as a multiple of the tolerance. A golden *detects*
a deviation if the margin is at least {enough:g}. `make check-corpus` measures all margins again and fails if one
changed by more than 15 %.

## All deviations by group

`rnn-goldens explain --list` prints all names. The number of deviations by group:

| group | outputs | gradients |
|---|---|---|
{groups}
## Outputs

{count} deviations change the outputs. Each counts once for each cell that it applies to. “Allowed”: a correct
implementation may do this in that precision.

"""

BACKWARD_HEADER = """
## The backward pass

{count} deviations have correct outputs and wrong gradients. Their margins are measured on the gradients of {goldens}
goldens.

"""

UNDETECTED = """
## Undetected

The number of deviations, by cell, that no golden detects. The page of each group lists them with the reason.

"""

UNEXPRESSED_HEADER = """
## Reported bugs without a deviation

`rnn-goldens defects --reported` lists the [bugs of real implementations](defects.md#reports) that deviations stand
for. These bugs have no deviation:

"""

CORE = """
## The core set

{count} goldens alone detect everything that all goldens detect: `rnn-goldens list --features core` lists them. Each
cell has about {each} of them.
"""


def pages(folder: Path) -> dict[str, str]:
    """Return the pages of a corpus with valid kill matrices by name, the index first."""
    cells = {entry.id: entry.cell for entry in open_corpus(folder).entries}
    outputs, backward = _matrix(folder, NAME, cells), _matrix(folder, BACKWARD_NAME, cells)
    of_groups = {_file(group): group_page(group, _sections(group, outputs, backward)) for group in GROUPS}
    return {INDEX: "".join(_index(outputs, backward)), **of_groups}


def _sections(group: str, outputs: Matrix, backward: Matrix) -> list[Section]:
    found = []
    for family in GROUPS[group]:
        is_backward = family in BACKWARD
        members = (BACKWARD if is_backward else FORWARD)[family]
        name = family.rpartition(": ")[2].removesuffix(" back")
        heading = f"Backward pass: {name}" if is_backward else f"{name[0].upper()}{name[1:]}"
        found.append(Section(heading, members, backward if is_backward else outputs))
    return found


def _index(outputs: Matrix, backward: Matrix) -> Iterator[str]:
    names = {group: _names(group) for group in GROUPS}
    rows = "".join(
        f"| [{group}]({_file(group)}) | {len(names[group] & outputs.names)} | {len(names[group] & backward.names)} |\n"
        for group in GROUPS
    )
    document = outputs.document
    yield HEADER.format(enough=document["enough"], groups=rows, count=len(outputs.names))
    yield from _totals(outputs)
    yield BACKWARD_HEADER.format(count=len(backward.names), goldens=len(backward.document["goldens"]))
    yield from _totals(backward)
    yield UNDETECTED
    yield from _undetected((outputs, backward))
    yield CORE.format(count=len(document["core"]), each=round(len(document["core"]) / len(CELLS)))
    yield from _unexpressed()


def _matrix(folder: Path, name: str, cells: Mapping[str, str]) -> Matrix:
    document: Document = kill_matrix_file.read(folder / name)
    return Matrix(document, _best(document, cells))


def _best(document: Document, cells: Mapping[str, str]) -> dict[Combination, Best]:
    """Return the largest margin of every deviation, by deviation, cell and precision."""
    hidden = {
        (h["deviation"], cell, precision): h["allowed"]
        for h in document["hidden"]
        for cell in h["cells"]
        for precision in h["precisions"]
    }
    best: dict[Combination, Best] = {}
    for d in document["deviations"]:
        for cell in d["cells"]:
            own = [margins for golden_id, margins in d["margins"].items() if cells[golden_id] == cell]
            for column, precision in enumerate(document["precisions"]):
                combination = (d["name"], cell, precision)
                found = (math.inf if margins[column] is None else margins[column] for margins in own)
                best[combination] = Best(max(found, default=0.0), combination in hidden, hidden.get(combination, False))
    return best


def _totals(matrix: Matrix) -> Iterator[str]:
    yield "| precision | deviations, by cell | allowed | to be detected | detected | smallest margin |\n"
    yield "|---|---|---|---|---|---|\n"
    for precision in matrix.document["precisions"]:
        own = [best for combination, best in matrix.best.items() if combination[2] == precision]
        allowed = sum(best.allowed for best in own)
        detected = [best.margin for best in own if not best.hidden]
        row = (precision, len(own), allowed, len(own) - allowed, len(detected), margin_text(min(detected)))
        yield f"| {' | '.join(map(str, row))} |\n"


def _undetected(matrices: Sequence[Matrix]) -> Iterator[str]:
    """Yield a table of the numbers of undetected deviations by group and precision."""
    precisions = matrices[0].document["precisions"]
    yield f"| group | {' | '.join(precisions)} |\n|---|{'---|' * len(precisions)}\n"
    for group in GROUPS:
        names = _names(group)
        counts = [
            sum(
                best.hidden and not best.allowed
                for matrix in matrices
                for (name, _, of), best in matrix.best.items()
                if of == precision and name in names
            )
            for precision in precisions
        ]
        if any(counts):
            yield f"| [{group}]({_file(group)}#undetected) | {' | '.join(map(str, counts))} |\n"


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    together: dict[str, list[str]] = {}
    for u in UNEXPRESSED:
        together.setdefault(u.reason, []).append(u.defect)
    for reason, defects in together.items():
        yield wrapped(f"- {', '.join(defects)}: {reason}.", "  ")


def _names(group: str) -> set[str]:
    return {d.name for family in GROUPS[group] for d in ALL[family]}


def _file(group: str) -> str:
    return f"{FOLDER}/{anchor(group)}.md"


def page_of(name: str) -> str:
    """Return the path from ``docs/`` of the page of a deviation; raises StopIteration if the name is unknown."""
    return next(_file(group) for group in GROUPS if name in _names(group))


def write(folder: Path, index: Path) -> None:
    """Write the pages of a corpus, and remove pages of groups that no longer exist."""
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
