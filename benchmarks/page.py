"""Writes the sections of the result pages: Markdown with tables and the versions that ran."""

import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, padded so that it is readable as text; columns of numbers are right-aligned."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [column > 0 and all(_is_number(row[column]) for row in cells[1:]) for column in range(len(header))]
    lines = [
        " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) for row in cells
    ]
    rule = " | ".join("-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True))
    return "".join(f"| {line} |\n" for line in (lines[0], rule, *lines[1:]))


def written(figure: float) -> str:
    """Return a figure with two or three significant digits: 120, 12.3, 1.2, 0.12."""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 1 else f"{figure:.2f}"  # noqa: PLR2004


def versions(*packages: str) -> str:
    """Return one line with the versions of Python, packages and the system."""
    found = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"Python {platform.python_version()}", *found, f"{platform.system()} {platform.machine()}"])


def write(name: str, module: str, text: str) -> None:
    """Replace the section that a module writes, in a page of docs/results."""
    replace(RESULTS / name, module, text)


def replace(path: Path, module: str, text: str) -> None:
    """Replace the section that a module writes: the text between its two comments.

    Raises:
        ValueError: the page has no such section.
    """
    begin, end = (f"<!-- {edge} python -m {module} -->\n" for edge in ("begin", "end"))
    before, found, rest = path.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{path} has no section between {begin.strip()} and {end.strip()}")
    path.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
    print(f"wrote {path}")


def _is_number(text: str) -> bool:
    return not text or text.replace(".", "").replace(" ", "").isdigit()
