"""A committed page of results against one just measured: which figures in its tables moved.

A figure's column says how it is compared. What hangs on library versions or on the kind of machine is compared only
where the page was measured with the same ones, what holds everywhere always.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks import page


@dataclass(frozen=True)
class Column:
    """How the figures of a column are compared.

    Attributes:
        everywhere: whether they are the same with other library versions and on other kinds of machine.
        by: how much they may move.
    """

    everywhere: bool = False
    by: float = 0.0

    def same(self, before: str, after: str) -> bool:
        """Whether a figure has not moved, or not by more than it may."""
        if before == after:
            return True
        try:
            return abs(float(before) - float(after)) <= self.by
        except ValueError:
            return False


FIXED = Column(everywhere=True)
LIKE_FOR_LIKE = Column()

Columns = Mapping[str, Column | None]
"""How each column of a page is compared, by its header; None if it is not."""

Rows = dict[str, dict[str, str]]
"""By section and first cell: a row's other cells, by header."""


Held = Callable[[str], bool]
"""Of a row, by its section and first cell, whether it is compared: not all may have been measured in full."""


def check(name: str, measured: str, columns: Columns, held: Held | None = None) -> bool:
    """Say which figures of the page of this name moved; whether none did."""
    path, where = page.RESULTS / name, f"docs/results/{name}"
    if not path.is_file():
        print(f"{where} is missing; `make results` writes it")
        return False
    committed = path.read_text(encoding="utf-8")
    if others := other_versions(committed, measured):
        left_out = ", ".join(header for header, column in columns.items() if column and not column.everywhere)
        print(f"{where} was measured with other versions: {others}. Not compared: {left_out}")
    found = list(moved(committed, measured, columns, held))
    if found:
        print(f"{where} says otherwise:", *found, "If that is right, renew the pages: `make results`", sep="\n")
    else:
        print(f"{where} says the same")
    return not found


def moved(committed: str, measured: str, columns: Columns, held: Held | None = None) -> Iterator[str]:
    """One line for each figure that moved, and for each row that only one of the pages has.

    Raises KeyError if nothing is said of a column.
    """
    before, after = rows(committed), rows(measured)
    alike = not other_versions(committed, measured)
    for row in filter(held or (lambda _: True), dict.fromkeys((*before, *after))):
        if row not in before or row not in after:
            yield f"{row}: {'not measured any more' if row in before else 'not on the page'}"
            continue
        for header in dict.fromkeys((*after[row], *before[row])):
            column, now, was = columns[header], after[row].get(header, ""), before[row].get(header, "")
            if column and (alike or column.everywhere) and not column.same(was, now):
                may = f", may move by {column.by:g}" if column.by else ""
                yield f"{row}: {header} {was or 'nothing'} → {now or 'nothing'}{may}"


def rows(text: str) -> Rows:
    """Every row of every table of a page, as ``page.table`` writes them."""
    found: Rows = {}
    section, header = "", None
    for line in text.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        if not line.startswith("|"):
            header = None
            continue
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if header is None:
            header = cells
        elif first.strip("-"):
            found[f"{section}: {first}"] = dict(zip(header, cells, strict=False))
    return found


def other_versions(committed: str, measured: str) -> str:
    """Which libraries or platforms differ; empty if none. The version of Python does not count."""
    before, after = (_versions(text) for text in (committed, measured))
    there, here = [v for v in before if v not in after], [v for v in after if v not in before]
    return f"{', '.join(there) or 'none'} there, {', '.join(here) or 'none'} here" if there or here else ""


def _versions(text: str) -> list[str]:
    """What ran, as ``page.versions`` writes it, but for Python."""
    line = next((line for line in text.splitlines() if line.startswith("Python ")), "")
    return line.rstrip(".").split(", ")[1:]
