"""Writes the sections of the result pages: Markdown with tables, and the line that says how they were measured."""

import json
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"

MEASURED = (
    *("rnn_goldens", "generator", "benchmarks", "fixtures", "conformance", "docs/known-failures"),
    *("c", "javascript", "vectors", "examples/programs"),
)
"""Folders on which results depend."""

LINE = re.compile(
    r"^Measured by `(?P<command>[^`]+)` on (?P<date>\d{4}-\d\d-\d\d), corpus (?P<corpus>[\d.]+), "
    r"commit (?P<commit>[0-9a-f]{8})(?P<changes> with changes)?, (?P<versions>.+)\.$",
    re.MULTILINE,
)
"""The last line of a section."""

EDGES = re.compile(r"<!-- begin python -m benchmarks (?P<name>\S+) -->\n(?P<text>.*?)<!-- end ", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A section of a page, with what its last line says; "" for what it does not say."""

    name: str
    command: str = ""
    date: str = ""
    corpus: str = ""
    commit: str = ""


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


def _is_number(text: str) -> bool:
    return not text or text.replace(".", "").replace(" ", "").isdigit()


def written(figure: float) -> str:
    """Return a figure with two or three significant digits: 120, 12.3, 1.2, 0.12."""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 1 else f"{figure:.2f}"  # noqa: PLR2004


def versions(*packages: str) -> str:
    """Return the versions of Python, packages and the system, on one line."""
    found = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"Python {platform.python_version()}", *found, f"{platform.system()} {platform.machine()}"])


@cache
def corpus_version() -> str:
    """Return the version of the committed corpus."""
    return str(json.loads((ROOT / "fixtures" / "v2" / "index.json").read_text("utf-8"))["version"])


def today() -> str:
    """Return the date of a measurement."""
    return datetime.now(UTC).date().isoformat()


def commit() -> str:
    """Return the commit that is checked out, and whether files on which results depend differ from it."""
    head = _git("rev-parse", "--short=8", "HEAD").stdout.strip()
    return head if is_unchanged_since("HEAD") else f"{head} with changes"


def is_unchanged_since(commit: str) -> bool:
    """Return whether the tracked files on which results depend are those of a commit."""
    return _git("diff", "--quiet", commit, "--", *MEASURED).returncode == 0


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def line(command: str, versions: str) -> str:
    """Return the line that says how a section was measured."""
    return f"Measured by `{command}` on {today()}, corpus {corpus_version()}, commit {commit()}, {versions}."


def sections(path: Path) -> Iterator[Section]:
    """Yield the sections of a page."""
    for found in EDGES.finditer(path.read_text("utf-8")):
        said = list(LINE.finditer(found["text"]))
        if said:
            last = said[-1].groupdict()
            of = last["commit"] + (last["changes"] or "")
            yield Section(found["name"], last["command"], last["date"], last["corpus"], of)
        else:
            yield Section(found["name"])


def replace(path: Path, name: str, text: str) -> None:
    """Replace the section of a benchmark: the text between its two comments.

    Raises:
        ValueError: the page has no such section.
    """
    begin, end = (f"<!-- {edge} python -m benchmarks {name} -->\n" for edge in ("begin", "end"))
    before, found, rest = path.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{path} has no section between {begin.strip()} and {end.strip()}")
    path.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
    print(f"wrote {path}")
