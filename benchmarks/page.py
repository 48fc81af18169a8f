"""A page of results: Markdown with what was run, on what, and tables."""

import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, padded to be read as text too; columns after the first that hold numbers stand to the right."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [column > 0 and all(_is_number(row[column]) for row in cells[1:]) for column in range(len(header))]
    lines = [
        " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) for row in cells
    ]
    rule = " | ".join("-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True))
    return "".join(f"| {line} |\n" for line in (lines[0], rule, *lines[1:]))


def written(figure: float) -> str:
    """A figure with no more places than tell something: 120, 12.3, 1.2, 0.12."""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 1 else f"{figure:.2f}"  # noqa: PLR2004


def versions(*packages: str) -> str:
    """What ran, in one line."""
    found = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"Python {platform.python_version()}", *found, f"{platform.system()} {platform.machine()}"])


def write(name: str, text: str) -> None:
    """Write a page into the results' folder."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(text, encoding="utf-8")
    print(f"wrote {path}")


def _is_number(text: str) -> bool:
    return not text or text.replace(".", "").replace(" ", "").isdigit()
