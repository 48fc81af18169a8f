"""A page for a group of families of deviations, ``docs/deviations/GROUP.md``: sentence, equation, margin of each."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.corpus.kill_matrix import MIN_MARGIN, margin_text
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.explain.equations_text import difference
from rnn_goldens.generator.kill_matrix import Combination
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS

Document = dict[str, Any]

HEADER = """\
# {title}

<!-- Made by `make generate` from the kill matrices of fixtures/v1; do not edit. -->

{count} [known bugs](../deviations.md). Without a note, a bug applies to all four cells and is detected with a margin of
at least 5 in every precision. Other margins are those of the golden that detects it best, in the cell where that is
least. “allowed”: a correct implementation may do this.
{undetected}Equations are shown where they differ: right (-) and wrong (+).
"""

UNDETECTED_SAID = "“not in”: [undetected](#undetected) there, in some cell.\n"

UNDETECTED = """
## Undetected

No golden detects these in some cell and precision. In brackets: the largest margin, if it is at least {least}.

"""

ALLOWED = """
A correct implementation may do these, so they are no bugs in that precision:

"""

WIDTH = 150
"""Of a line; a link, which does not break, may go beyond it."""


@dataclass(frozen=True)
class Best:
    """How sharply a deviation is best in a cell and precision: the largest margin of any golden.

    Attributes:
        margin: infinite where none is needed.
        hidden: whether it is listed as hidden.
        allowed: whether it is no error there.
    """

    margin: float
    hidden: bool
    allowed: bool


@dataclass(frozen=True)
class Matrix:
    """A kill matrix, and what a page says of it.

    Attributes:
        document: its content.
        best: how sharply each deviation is best.
    """

    document: Document
    best: Mapping[Combination, Best]

    @property
    def names(self) -> set[str]:
        """Those of its deviations."""
        return {d["name"] for d in self.document["deviations"]}

    def of(self, members: Sequence[Deviation]) -> list[Document]:
        """What the matrix holds of a family, in the catalogue's order."""
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
    """The page of a group of families."""
    count = sum(len(section.matrix.of(section.members)) for section in sections)
    undetected = [line for section in sections for line in _hidden(section, allowed=False)]
    allowed = [line for section in sections for line in _hidden(section, allowed=True)]
    summary = UNDETECTED_SAID if undetected else ""
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
    """The exceptions of a family: by their reason, with the largest margin that any golden shows."""
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
    """What a heading is linked to by, and what a group's page is called."""
    return heading.lower().replace(" ", "-")


def wrapped(text: str, indent: str = "") -> str:
    """Lines that can be read; code and links are not broken at a hyphen."""
    lines = textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _entry(d: Document, section: Section) -> Iterator[str]:
    """What it does, in which cells, how it shows where that is not sharp, who had it, and its equation."""
    cells = "" if len(d["cells"]) == len(CELLS) else f"*{', '.join(d['cells'])}*: "
    wild = f" Reported: {', '.join(d['stands_for'])}." if d["stands_for"] else ""
    yield f"\n### `{d['name']}`\n\n"
    yield wrapped(f"{cells}{d['sentence']}{_margins(d, section.matrix.best)}{wild}")
    if equation := [] if section.members[0].is_backward else _equation(d["name"]):
        yield "".join(f"{line}\n" for line in ("", "```diff", *equation, "```"))


def _margins(d: Document, best: Mapping[Combination, Best]) -> str:
    """How sharply it shows in the precisions where it does not show with any margin."""
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
    """The margin of the cell where it shows least; nothing where that is large."""
    least = min((best[d["name"], cell, precision] for cell in d["cells"]), key=lambda best: best.margin)
    if least.hidden:
        return ALLOWED_THERE if least.allowed else HIDDEN
    text = margin_text(least.margin)
    return text if text[0].isdigit() else ""


def _equation(name: str) -> list[str]:
    """The lines that differ, of the first cell whose equations do."""
    both = (difference(cell, wrong) for cell, wrong in deviation(name).wrong.equations.items())
    return [line for line in next(both, []) if line[0] in "-+"]
