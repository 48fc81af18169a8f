"""Builds the page of a group of deviations, ``docs/deviations/GROUP.md``: sentence, equation and margin of each."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.corpus.kill_matrix import MIN_MARGIN, margin_text
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.explain.equations_text import difference
from rnn_goldens.generator.kill_matrix import Combination
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

Document = dict[str, Any]

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


@dataclass(frozen=True)
class Best:
    """The largest margin with which any golden detects a deviation in a cell and precision.

    Attributes:
        margin: infinite if any difference is an error.
        hidden: whether it is listed as undetected.
        allowed: whether a correct implementation may have the deviation in this precision.
    """

    margin: float
    hidden: bool
    allowed: bool


@dataclass(frozen=True)
class Matrix:
    """A kill matrix, and the largest margins in it.

    Attributes:
        document: its content.
        best: the largest margin of each deviation, by cell and precision.
    """

    document: Document
    best: Mapping[Combination, Best]

    @property
    def names(self) -> set[str]:
        """The names of its deviations."""
        return {d["name"] for d in self.document["deviations"]}

    def of(self, members: Sequence[Deviation]) -> list[Document]:
        """Return the matrix's entries of a family, in the order of the deviations."""
        by_name = {d["name"]: d for d in self.document["deviations"]}
        return [by_name[member.name] for member in members if member.name in by_name]


@dataclass(frozen=True)
class Section:
    """A family on its page.

    Attributes:
        heading: its title.
        members: its deviations.
        matrix: the kill matrix that they are in.
    """

    heading: str
    members: Sequence[Deviation]
    matrix: Matrix


def group_page(group: str, sections: Sequence[Section]) -> str:
    """Return the page of a group of families."""
    count = sum(len(section.matrix.of(section.members)) for section in sections)
    undetected = [line for section in sections for line in _hidden(section, allowed=False)]
    allowed = [line for section in sections for line in _hidden(section, allowed=True)]
    summary = UNDETECTED_NOTE if undetected else ""
    parts = [HEADER.format(title=group, count=count, undetected=summary)]
    for section in sections:
        parts.append(f"\n## {section.heading}\n")
        parts += [part for d in section.matrix.of(section.members) for part in _entry(d, section)]
    if undetected:
        parts += [UNDETECTED.format(least=MIN_MARGIN), *undetected]
    if allowed:
        parts += ["" if undetected else "\n## Allowed\n", ALLOWED, *allowed]
    return "".join(parts)


def _hidden(section: Section, *, allowed: bool) -> Iterator[str]:
    """Yield the undetected deviations of a family by reason, with the largest margin of any golden."""
    names = {d["name"] for d in section.matrix.of(section.members)}
    together: dict[str, dict[tuple[str, str], list[str]]] = {}
    for h in section.matrix.document["hidden"]:
        if h["deviation"] in names and bool(h["allowed"]) == allowed:
            best = max(
                section.matrix.best[h["deviation"], c, precision].margin
                for c in h["cells"]
                for precision in h["precisions"]
            )
            where = (", ".join(h["cells"]), ", ".join(h["precisions"]))
            own = together.setdefault(h["reason"], {}).setdefault(where, [])
            own.append(f"`{h['deviation']}`" + (f" ({margin_text(best)})" if best >= MIN_MARGIN else ""))
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


def _entry(d: Document, section: Section) -> Iterator[str]:
    """Yield the entry of a deviation: cells, sentence, small margins, reports of real bugs, and equation."""
    cells = "" if set(d["cells"]) == set(CELLS) else f"*{', '.join(d['cells'])}*: "
    wild = f" Reported: {', '.join(d['stands_for'])}." if d["stands_for"] else ""
    yield f"\n### `{d['name']}`\n\n"
    yield wrapped(f"{cells}{d['sentence']}{_margins(d, section.matrix.best)}{wild}")
    if equation := _equation(section.members[0], d["name"]):
        yield "".join(f"{line}\n" for line in ("", "```diff", *equation, "```"))


def _margins(d: Document, best: Mapping[Combination, Best]) -> str:
    """Return the margins that are small, and the precisions in which it is undetected or allowed."""
    shown = {precision: _shown(d, best, precision) for precision in PRECISIONS}
    margins = [f"{text} in {precision}" for precision, text in shown.items() if text and text[0].isdigit()]
    hidden = [precision for precision, text in shown.items() if text == HIDDEN]
    summary = [f"margin {', '.join(margins)}"] if margins else []
    summary += [f"not in {', '.join(hidden)}"] if hidden else []
    allowed = [precision for precision, text in shown.items() if text == ALLOWED_THERE]
    summary += [f"allowed in {', '.join(allowed)}"] if allowed else []
    return f" ({'; '.join(summary)})" if summary else ""


HIDDEN, ALLOWED_THERE = "hidden", "allowed"


def _shown(d: Document, best: Mapping[Combination, Best], precision: str) -> str:
    """Return the smallest margin of any cell, or ``HIDDEN`` or ``ALLOWED_THERE``; "" if the margin is large."""
    least = min((best[d["name"], cell, precision] for cell in d["cells"]), key=lambda best: best.margin)
    if least.hidden:
        return ALLOWED_THERE if least.allowed else HIDDEN
    text = margin_text(least.margin)
    return text if text[0].isdigit() else ""


def _equation(first: Deviation, name: str) -> list[str]:
    """Return the differing lines of the first cell whose equations differ, if the family ``first`` is in has some."""
    if not isinstance(first.wrong, Alteration) or first.is_backward:
        return []
    both = (difference(cell, wrong) for cell, wrong in deviation(name).alteration.equations.items())
    return [line for line in next(both, []) if line[0] in "-+"]
