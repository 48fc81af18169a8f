"""The page of a group of deviations: sentence, equation and margin of each, and what the corpus detects."""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import MIN_MARGIN, Undetected, detections, kill_matrix, margin_text
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.explain.equations_text import difference
from rnn_goldens.generator.kill_matrix import Combination
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

HEADER = """\
# {title}

<!-- Made by `make generate` from the kill matrices of fixtures/v2; do not edit. -->

{count} [known bugs](../deviations.md). Without a note, a bug applies to all standard cells and is detected with a
margin of at least 5 in every precision. Otherwise, the note has the largest margin of any golden, in the cell where
this margin is smallest. “allowed”: a correct implementation may do this.
{undetected}Equations are shown where they differ: right (-) and wrong (+).
"""

UNDETECTED_NOTE = "“not in”: [undetected](#undetected) in this precision, in some cell.\n"

UNDETECTED = """
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
        [line for members in sections.values() for line in _undetected(members, detected, allowed=allowed)]
        for allowed in (False, True)
    )
    note = UNDETECTED_NOTE if hidden else ""
    parts = [HEADER.format(title=group, count=sum(map(len, sections.values())), undetected=note)]
    for heading, members in sections.items():
        parts.append(f"\n## {heading}\n")
        parts += [part for member in members for part in _entry(member, detected, is_of=members[0])]
    if hidden:
        parts += [UNDETECTED.format(least=MIN_MARGIN), *hidden]
    if allowed:
        parts += ["" if hidden else "\n## Allowed\n", ALLOWED, *allowed]
    return "".join(parts)


def _undetected(members: Sequence[Deviation], detected: Detected, *, allowed: bool) -> Iterator[str]:
    """Yield the undetected deviations of a family by reason, with the largest margin of any golden."""
    names = {member.name for member in members}
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
    cells = "" if set(d.cells) == set(CELLS) else f"*{', '.join(d.cells)}*: "
    wild = f" Reported: {', '.join(d.stands_for)}." if d.stands_for else ""
    yield f"\n### `{d.name}`\n\n"
    yield wrapped(f"{cells}{d.sentence}{_margins(d, detected)}{wild}")
    if isinstance(is_of.wrong, Alteration) and not is_of.is_backward:
        both = (difference(cell, wrong) for cell, wrong in d.alteration.equations.items())
        if differing := [line for line in next(both, []) if line[0] in "-+"]:  # of the first cell
            yield "".join(f"{line}\n" for line in ("", "```diff", *differing, "```"))


def _margins(d: Deviation, detected: Detected) -> str:
    """Return the margins that are small, and the precisions in which it is undetected or allowed, in brackets."""
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
