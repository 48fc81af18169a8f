"""A page for each family of deviations, ``docs/deviations/FAMILY.md``: what each does, its equation, how it shows."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.corpus.shown import margin_text
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.explaining.equations_text import difference
from rnn_goldens.generator.adequacy import Charge
from rnn_goldens.golden.precision import PRECISIONS

Document = dict[str, Any]
Families = Mapping[str, Sequence[Deviation]]

HEADER = """\
# {title}

<!-- Made by `make generate` from fixtures/v1/{matrix}; do not edit. -->

{count} of the [ways of being wrong](../deviations.md). Margins are those of the golden that shows it best, in the cell
where it shows least, in {precisions}. `=` needs no margin: the difference is one of
shape, of NaN, or of an exact golden's value. In brackets: hidden in some cell,
[with a reason](../deviations.md#{hidden}); `ok` is where a correct implementation may do it.
"""

EQUATIONS = """
Where its equations are other ones, they stand below it: right (-) and wrong (+), of the first of its cells.
`rnn-goldens explain NAME` shows the same of each.
"""

WIDTH = 150
"""Of a line; a link, which does not break, may go beyond it."""


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


@dataclass(frozen=True)
class Matrix:
    """A kill matrix, and what a page says of it.

    Attributes:
        name: its file's.
        document: its content.
        best: how sharply each deviation is seen.
        hidden: the anchor where what it does not expose is listed.
    """

    name: str
    document: Document
    best: Mapping[Charge, Best]
    hidden: str

    def of(self, members: Sequence[Deviation]) -> list[Document]:
        """What the matrix holds of a family, in the catalogue's order."""
        by_name = {d["name"]: d for d in self.document["deviations"]}
        return [by_name[member.name] for member in members if member.name in by_name]


def family_page(family: str, members: Sequence[Deviation], matrix: Matrix) -> str:
    """The page of a family."""
    entries = matrix.of(members)
    equations = {d["name"]: _equation(d["name"]) for d in entries if not members[0].is_backward}
    header = HEADER.format(
        title=title(family),
        matrix=matrix.name,
        count=len(entries),
        precisions=_listed(PRECISIONS),
        hidden=matrix.hidden,
    )
    details = (part for d in entries for part in _entry(d, matrix, equations.get(d["name"], [])))
    return "".join([header, EQUATIONS if any(equations.values()) else "", *details])


def title(family: str) -> str:
    """A family's name as a heading."""
    return f"{family[0].upper()}{family[1:]}"


def anchor(heading: str) -> str:
    """What a heading is linked to by, and what a family's page is called."""
    return heading.lower().replace(" ", "-")


def wrapped(text: str, indent: str = "") -> str:
    """Lines that can be read; code and links are not broken at a hyphen."""
    lines = textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"


def _entry(d: Document, matrix: Matrix, equation: Sequence[str]) -> Iterator[str]:
    """What it does, its equation where that is another, and how it shows."""
    enough = matrix.document["enough"]
    first = next(
        golden_id
        for golden_id, own in d["margins"].items()
        if any(margin is None or margin >= enough for margin in own)
    )
    wild = f" In the wild: {', '.join(d['stands_for'])}." if d["stands_for"] else ""
    yield f"\n## `{d['name']}`\n\n"
    yield wrapped(f"*{', '.join(d['cells'])}*: {d['sentence']}")
    yield "\n" + wrapped(f"Margins: {_margins(d, matrix.best)}; seen first in `{first}`.{wild}")
    if equation:
        yield "".join(f"{line}\n" for line in ("", "```diff", *equation, "```"))


def _margins(d: Document, best: Mapping[Charge, Best]) -> str:
    """How sharply it shows in each precision."""
    shown = {precision: _shown(d, best, precision) for precision in PRECISIONS}
    if len(set(shown.values())) == 1:
        return f"{shown.popitem()[1]} in each precision"
    return ", ".join(f"{margin} in {precision}" for precision, margin in shown.items())


def _shown(d: Document, best: Mapping[Charge, Best], precision: str) -> str:
    """The margin of the cell where it shows least."""
    least = min((best[d["name"], cell, precision] for cell in d["cells"]), key=lambda seen: seen.margin)
    text = "ok" if least.allowed else margin_text(least.margin)
    return f"({text})" if least.hidden and not least.allowed else text


def _equation(name: str) -> list[str]:
    """The lines that differ, of the first cell whose equations do."""
    both = (difference(cell, wrong) for cell, wrong in deviation(name).wrong.equations.items())
    return [line for line in next(both, []) if line[0] in "-+"]
