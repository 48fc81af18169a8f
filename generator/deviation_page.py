"""Writes the kill matrices as pages: an index, ``docs/deviations.md``, and a page for each group of families."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import margin_text
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.families import ALL, BACKWARD, RECURRENCES, RECURRENCES_BACK, members
from rnn_goldens.generator.deviation_group_page import Detected, anchor, group_page, table, wrapped
from rnn_goldens.generator.unexpressed_defects import UNEXPRESSED
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.features import CORE
from rnn_goldens.golden.precision import PRECISIONS

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

<!-- Made by `make generate` from the kill matrices and generator/unexpressed_defects.py; do not edit. -->

A *deviation* is a named known bug: a small change of the correct implementation. This corpus detects every
deviation in float64; the deviations that it does not detect in a lower precision are [listed](#undetected). A failing
run names the deviation that explains its failures, and `rnn-goldens explain NAME` shows its code beside the correct
code.

The *margin* of a deviation on a golden is its largest error there, as a multiple of the tolerance. A golden *detects*
a deviation if the margin is at least {enough:g}. `make check-corpus` measures all margins again and fails if one
changed by more than 15 %.

## All deviations by group

`rnn-goldens explain --list` prints all names. The number of deviations by group:

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

CORE_SET = """
## The core set

{count} goldens alone detect everything that all goldens detect: `rnn-goldens list --features core` lists them. Each
cell has about {each} of them.
"""


def pages(folder: Path) -> dict[str, str]:
    """Return the pages of a corpus with valid kill matrices by name, the index first."""
    corpus = open_corpus(folder)
    detected = Detected(corpus)
    of_groups = {_file(group): group_page(group, _sections(group), detected) for group in GROUPS}
    return {INDEX: "".join(_index(corpus, detected)), **of_groups}


def _sections(group: str) -> dict[str, Sequence[Deviation]]:
    """Return the families of a group by heading."""
    sections = {}
    for family in GROUPS[group]:
        name = family.rpartition(": ")[2].removesuffix(" back")
        sections[f"Backward pass: {name}" if family in BACKWARD else f"{name[0].upper()}{name[1:]}"] = ALL[family]
    return sections


def _index(corpus: Corpus, detected: Detected) -> Iterator[str]:
    outputs, backward = list(members(OUTPUTS)), list(members(GRADIENTS))
    groups = [
        (f"[{group}]({_file(group)})", *(sum(d.name in _names(group) for d in of) for of in (outputs, backward)))
        for group in GROUPS
    ]
    core = sum(CORE in entry.features for entry in corpus.entries)
    with_gradients = sum(bool(entry.gradients) for entry in corpus.entries)
    groups_table = table(("group", "outputs", "gradients"), groups)
    yield HEADER.format(enough=detected.enough, groups=groups_table, count=len(outputs))
    yield _totals(outputs, detected)
    yield BACKWARD_HEADER.format(count=len(backward), goldens=with_gradients)
    yield _totals(backward, detected)
    yield UNDETECTED
    yield _undetected(detected)
    yield CORE_SET.format(count=core, each=round(core / len(CELLS)))
    yield from _unexpressed()


def _totals(deviations: Iterable[Deviation], detected: Detected) -> str:
    every = [(d.name, cell) for d in deviations for cell in d.cells]
    rows = []
    for precision in PRECISIONS:
        own = [(*one, precision) for one in every]
        allowed = sum(map(detected.is_allowed, own))
        margins = [detected.best[one] for one in own if one not in detected.undetected]
        rows.append((precision, len(own), allowed, len(own) - allowed, len(margins), margin_text(min(margins))))
    header = ("precision", "deviations, by cell", "allowed", "to be detected", "detected", "smallest margin")
    return table(header, rows)


def _undetected(detected: Detected) -> str:
    """Return a table of the numbers of undetected deviations by group and precision."""
    rows = []
    for group in GROUPS:
        own = [of for (name, _, of), one in detected.undetected.items() if not one.allowed and name in _names(group)]
        if own:
            rows.append((f"[{group}]({_file(group)}#undetected)", *map(own.count, PRECISIONS)))
    return table(("group", *PRECISIONS), rows)


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    together: dict[str, list[str]] = {}
    for defect, reason in UNEXPRESSED.items():
        together.setdefault(reason, []).append(defect)
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
