"""Writes the kill matrices as pages: an index, ``docs/deviations.md``, and a page for each group of families."""

import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import MIN_MARGIN, Undetected, detections, kill_matrix, margin_text
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.continued_calls import ANY, LSTMS
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.families import BACKWARD, CALLS, EVERY, INTEGERS, RECURRENCES, RECURRENCES_BACK, members
from rnn_goldens.deviations.integer_lstms import detected_by
from rnn_goldens.deviations.integer_pass import ANY as ANY_OF_INTEGERS
from rnn_goldens.deviations.integer_pass import Replaced
from rnn_goldens.deviations.served_calls import ONE_STATE
from rnn_goldens.deviations.wrong_calls import WrongCalls
from rnn_goldens.explain.equations_text import difference
from rnn_goldens.generator.kill_matrix import Combination
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.features import CORE
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS
from rnn_goldens.plurals import counted

GROUP_HEADER = """\
# {title}

<!-- Made by `make generate` from the kill matrices of fixtures/v2; do not edit. -->

{count} [known bugs](../deviations.md). Without a note, a bug applies to all standard cells and is detected with a
margin of at least 5 in every precision. Otherwise, the note has the largest margin of any golden, in the cell where
this margin is smallest. “allowed”: a correct implementation may do this.
{undetected}Equations are shown where they differ: right (-) and wrong (+).
"""

CALLS_HEADER = """\
# {title}

<!-- Made by `make generate`; do not edit. -->

{count} [known bugs](../deviations.md) in what is kept between calls. Single calls are right, so that these bugs have no
margins: a bug is detected by the [call patterns](../serving.md) that it lists. Without a note, a bug applies to all
standard cells, recurrences and integer LSTMs; “recurrences”: to recurrences with one state.
"""

INTEGERS_HEADER = """\
# {title}

<!-- Made by `make generate`; do not edit. -->

{count} [known bugs](../deviations.md) of [integer LSTMs](../integer-lstms.md). Every bit is defined, so that these bugs
have no margins: a golden detects a bug if a single number differs. In brackets: how many goldens of a definition do, of
the definition with the fewest. Without a note, a bug applies to each definition.
"""

UNDETECTED_NOTE = "“not in”: [undetected](#undetected) in this precision, in some cell.\n"

UNDETECTED_OF_GROUP = """
## Undetected

No golden detects these bugs in the listed cells and precisions. In brackets: the largest margin, if at least {least}.

"""

ALLOWED = """
A correct implementation may do this in the listed precisions, so it is not a bug there:

"""

WIDTH = 150
"""The length of a line; a link, which cannot be broken, may exceed it."""


class Detected:
    """The detection of every deviation, of both passes.

    Attributes:
        enough: the smallest margin that counts as detected.
        best: the largest margin of any golden; infinite if any difference is an error, zero if no golden shows any.
        goldens: the goldens that detect the deviation, in the order of the corpus.
        listed: the deviations that are listed as undetected, in the order of the lists.
        undetected: the same by deviation, cell and precision.
        of_integers: the bugs of integer LSTMs that a golden of one detects, by cell and the name of the golden.
    """

    def __init__(self, corpus: Corpus) -> None:
        cells = {entry.id: entry.cell for entry in corpus.entries}
        found = detections(corpus)
        (self.enough,) = {detection.enough for detection in found.values()}
        self.best: defaultdict[Combination, float] = defaultdict(float)
        self.goldens: defaultdict[Combination, list[str]] = defaultdict(list)
        for name, detection in found.items():
            for precision, margins in detection.margins.items():
                for golden_id, margin in margins.items():
                    combination = (name, cells[golden_id], precision)
                    self.best[combination] = max(self.best[combination], margin)
                    if margin >= self.enough:
                        self.goldens[combination].append(golden_id)
        matrices = (kill_matrix(corpus), kill_matrix(corpus, gradients=True))
        self.listed = [one for matrix in matrices if matrix for one in matrix.hidden]
        integers = (corpus.load(entry.id) for entry in corpus.entries if entry.cell in INTEGER_LSTMS)
        self.of_integers = {(golden.cell, golden.id.rpartition("/")[2]): detected_by(golden) for golden in integers}
        self.undetected: dict[Combination, Undetected] = {
            (one.deviation, cell, precision): one
            for one in self.listed
            for cell in one.cells
            for precision in one.precisions
        }

    def is_allowed(self, combination: Combination) -> bool:
        """Return whether a correct implementation may have the deviation there."""
        return combination in self.undetected and self.undetected[combination].allowed


Sections = Mapping[str, Sequence[Deviation]]
"""The families of a page by heading."""


def group_page(group: str, sections: Sections, detected: Detected) -> str:
    """Return the page of a group of families."""
    hidden, allowed = (
        [line for family in sections.values() for line in _undetected_of(family, detected, allowed=allowed)]
        for allowed in (False, True)
    )
    note = UNDETECTED_NOTE if hidden else ""
    header = {CALLS_GROUP: CALLS_HEADER, INTEGERS_GROUP: INTEGERS_HEADER}.get(group, GROUP_HEADER)
    parts = [header.format(title=group, count=sum(map(len, sections.values())), undetected=note)]
    for heading, family in sections.items():
        parts.append(f"\n## {heading}\n")
        parts += [part for member in family for part in _entry(member, detected, is_of=family[0])]
    if group == INTEGERS_GROUP:
        parts.append(_bugs_by_golden(detected))
    if hidden:
        parts += [UNDETECTED_OF_GROUP.format(least=MIN_MARGIN), *hidden]
    if allowed:
        parts += ["" if hidden else "\n## Allowed\n", ALLOWED, *allowed]
    return "".join(parts)


def _bugs_by_golden(detected: Detected) -> str:
    """Return the table of how many bugs of integer LSTMs each golden detects, in each definition."""
    found = {place: str(len(names)) for place, names in detected.of_integers.items()}
    names = dict.fromkeys(name for _, name in found)
    rows = [(f"`{name}`", *(found.get((cell, name), "") for cell in INTEGER_LSTMS)) for name in names]
    header = ("golden", *(cell.removeprefix("lstm_") for cell in INTEGER_LSTMS))
    return f"\n## Bugs by golden\n\nHow many of these bugs each golden detects.\n\n{table(header, rows)}"


def _undetected_of(family: Sequence[Deviation], detected: Detected, *, allowed: bool) -> Iterator[str]:
    """Yield the undetected deviations of a family by reason, with the largest margin of any golden."""
    names = {member.name for member in family}
    together: dict[str, dict[tuple[str, str], list[str]]] = {}
    for one in detected.listed:
        if one.deviation in names and one.allowed == allowed:
            best = max(detected.best[one.deviation, cell, of] for cell in one.cells for of in one.precisions)
            where = (", ".join(one.cells), ", ".join(one.precisions))
            own = together.setdefault(one.reason, {}).setdefault(where, [])
            own.append(f"`{one.deviation}`" + (f" ({margin_text(best)})" if best >= MIN_MARGIN else ""))
    for reason, places in together.items():
        summary = "; ".join(f"{', '.join(own)} ({cells} in {where})" for (cells, where), own in places.items())
        yield wrapped(f"- {reason[0].upper()}{reason[1:]}: {summary}.", "  ")


def anchor(heading: str) -> str:
    """Return the anchor of a heading, which is also the file name of a group's page."""
    return heading.lower().replace(" ", "-")


def wrapped(text: str, indent: str = "") -> str:
    """Return the text in lines of ``WIDTH``; code and links are not broken at a hyphen."""
    lines = textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of Markdown."""
    lines = [f"| {' | '.join(map(str, cells))} |\n" for cells in (header, *rows)]
    return "".join([lines[0], f"|{'---|' * len(header)}\n", *lines[1:]])


def _entry(d: Deviation, detected: Detected, *, is_of: Deviation) -> Iterator[str]:
    """Yield the entry of a deviation: cells, sentence, small margins, reports of real bugs, and equation."""
    shown_by = f" Detected by `calls={','.join(d.wrong.calls)}`." if isinstance(d.wrong, WrongCalls) else ""
    wild = f" Reported: {', '.join(d.stands_for)}." if d.stands_for else ""
    yield f"\n### `{d.name}`\n\n"
    yield wrapped(f"{_cells(d)}{d.sentence}{shown_by or _margins(d, detected)}{wild}")
    if isinstance(is_of.wrong, Alteration) and not is_of.is_backward:
        both = (difference(cell, wrong) for cell, wrong in d.alteration.equations.items())
        if differing := [line for line in next(both, []) if line[0] in "-+"]:  # of the first cell
            yield "".join(f"{line}\n" for line in ("", "```diff", *differing, "```"))


def _cells(d: Deviation) -> str:
    """Return the cells of a deviation, in front of its sentence; "" if it applies to all that its page is about."""
    every = ANY if isinstance(d.wrong, WrongCalls) else ANY_OF_INTEGERS if isinstance(d.wrong, Replaced) else CELLS
    if d.cells == every:
        return ""
    groups = {ONE_STATE: "recurrences", LSTMS: "lstm, integer LSTMs"}
    return f"*{groups.get(d.cells) or ', '.join(d.cells)}*: "


def _margins(d: Deviation, detected: Detected) -> str:
    """Return the margins that are small, and the precisions in which it is undetected or allowed, in brackets."""
    if isinstance(d.wrong, Replaced):
        by_golden = [(cell, d.name in names) for (cell, _), names in detected.of_integers.items()]
        fewest = min(by_golden.count((cell, True)) for cell in d.cells)
        return f" ({counted(fewest, 'golden')})"
    notes: dict[str, list[str]] = {"margin": [], "not in": [], "allowed in": []}
    for precision in PRECISIONS:
        least = min(((d.name, cell, precision) for cell in d.cells), key=detected.best.__getitem__)
        text = margin_text(detected.best[least])
        if least in detected.undetected:
            notes["allowed in" if detected.is_allowed(least) else "not in"].append(precision)
        elif text[0].isdigit():
            notes["margin"].append(f"{text} in {precision}")
    summary = "; ".join(f"{note} {', '.join(where)}" for note, where in notes.items() if where)
    return f" ({summary})" if summary else ""


INDEX = "deviations.md"
FOLDER = "deviations"
"""The folder of the pages of groups, beside the index."""

CALLS_GROUP, INTEGERS_GROUP = "Calls", "Integer LSTMs"

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
    CALLS_GROUP: tuple(CALLS),
    INTEGERS_GROUP: tuple(INTEGERS),
}
"""The families of both passes that share a page."""

HEADER = """\
# Known bugs

<!-- Made by `make generate` from the kill matrices and rnn_goldens/defects/reports.toml; do not edit. -->

A *deviation* is a named known bug: a small change of the correct implementation. This corpus detects every
deviation in float64; the deviations that it does not detect in a lower precision are [listed](#undetected). A failing
run names the deviation that explains its failures, and `rnn-goldens explain NAME` shows its code beside the correct
code.

The *margin* of a deviation on a golden is its largest error there, as a multiple of the tolerance. A golden *detects*
a deviation if the margin is at least {enough:g}. `make check-corpus` measures all margins again and fails if one
changed by more than 15 %.

## All deviations by group

`rnn-goldens explain --list` prints all names. The number of deviations by group, of outputs and gradients of a single
call, of what is kept [between calls](serving.md), and of [integer LSTMs](integer-lstms.md):

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
        sections[f"Backward pass: {name}" if family in BACKWARD else f"{name[0].upper()}{name[1:]}"] = EVERY[family]
    return sections


def _index(corpus: Corpus, detected: Detected) -> Iterator[str]:
    outputs, backward = list(members(OUTPUTS)), list(members(GRADIENTS))
    of_calls = [d for family in CALLS.values() for d in family]
    of_integers = [d for family in INTEGERS.values() for d in family]
    kinds = (outputs, backward, of_calls, of_integers)
    groups = [
        (f"[{group}]({_file(group)})", *(sum(d.name in _names(group) for d in of) for of in kinds)) for group in GROUPS
    ]
    core = sum(CORE in entry.features for entry in corpus.entries)
    with_gradients = sum(bool(entry.gradients) for entry in corpus.entries)
    groups_table = table(("group", "outputs", "gradients", "calls", "integers"), groups)
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


def unexpressed() -> dict[str, str]:
    """Return why no deviation expresses a reported defect, as ``repository#number``, as wrong outputs of one call."""
    reports = resources.files("rnn_goldens") / "defects" / "reports.toml"
    found: dict[str, str] = tomllib.loads(reports.read_text("utf-8"))["unexpressed"]
    return found


def _unexpressed() -> Iterator[str]:
    yield UNEXPRESSED_HEADER
    together: dict[str, list[str]] = {}
    for defect, reason in unexpressed().items():
        together.setdefault(reason, []).append(defect)
    for reason, defects in together.items():
        yield wrapped(f"- {', '.join(defects)}: {reason}.", "  ")


def _names(group: str) -> set[str]:
    return {d.name for family in GROUPS[group] for d in EVERY[family]}


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
