"""Of which corpus, commit and date every page with results is."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import page

DOCS = page.ROOT / "docs"


@dataclass(frozen=True)
class Stated:
    """What a part of a page says of itself; "" for what it does not say.

    Attributes:
        place: the page, and its part.
        command: the command that measures it.
    """

    place: str
    command: str
    corpus: str = ""
    commit: str = ""
    date: str = ""

    @property
    def is_of_this_corpus(self) -> bool:
        """Whether it is of the committed corpus."""
        return self.corpus == page.corpus_version()

    @property
    def is_current(self) -> bool:
        """Whether it is of the committed corpus and of the code that is checked out."""
        return self.is_of_this_corpus and bool(self.commit) and page.is_unchanged_since(self.commit)


def stated() -> list[Stated]:
    """Return what every page with results says."""
    return [*_sections(), *_dialects(), *_conformance(), *_generated()]


def _sections() -> Iterator[Stated]:
    for path in sorted(page.RESULTS.glob("*.md")):
        for one in page.sections(path):
            if one.name != "dialects":
                yield Stated(f"results/{path.name}: {one.name}", one.command, one.corpus, one.commit, one.date)


def _dialects() -> Iterator[Stated]:
    from benchmarks.dialects import DOCUMENT, ENGINES

    for name, column in json.loads(DOCUMENT.read_text("utf-8")).items():
        command = "python -m benchmarks dialects --write" if name in ENGINES else ENGINE
        corpus, commit, date = (column.get(what, "") for what in ("corpus", "commit", "date"))
        yield Stated(f"results/dialects.md: {name}", command, corpus, commit, date)


ENGINE = "python -m benchmarks engines"


def _conformance() -> Iterator[Stated]:
    """Yield the rows of the report; it must be written again if docs/engines has other rows."""
    document = _read("conformance.json")
    engines = [_read(path) for path in sorted((DOCS / "engines").glob("*.json"))]
    recorded = {row["name"]: {"made_with": one["made_with"], **row} for one in engines for row in one[ROWS]}
    written = {row["name"]: row for row in document[ROWS]}
    for name, row in {**recorded, **written}.items():
        place, made = f"conformance.md: {name}", row.get("made_with", document["made_with"])
        if name in recorded and recorded[name] != written.get(name):
            yield Stated(f"{place}, not as in docs/engines", REPORT)
        else:
            engine = name.removeprefix("conformance.").partition(":")[0]
            command = f"{ENGINE} {engine}" if name in recorded else REPORT
            corpus, commit, date = row.get("corpus", document["corpus"]), made.get("revision", ""), made.get("date", "")
            yield Stated(place, command, corpus, commit, date)


REPORT = "python -m benchmarks conformance --write"
ROWS = "implementations"


def _read(path: str | Path) -> Any:  # noqa: ANN401 - a document
    return json.loads((DOCS / path).read_text("utf-8"))


def _generated() -> Iterator[Stated]:
    for path in [*sorted((DOCS / "accuracy").glob("*.md")), DOCS / "standards.md"]:
        for corpus in dict.fromkeys(re.findall(r"\bcorpus (\d+\.\d+\.\d+)", path.read_text("utf-8"))):
            yield Stated(str(path.relative_to(DOCS)), "make generate", corpus)


def show(*, only_today: bool) -> int:
    """Print a table; return 1 if all pages must be of this corpus and one is not."""
    found, corpus = stated(), page.corpus_version()
    others = [one for one in found if not one.is_of_this_corpus]
    rows = [(one.place, one.corpus, one.commit, one.date, "ANOTHER CORPUS" if one in others else "") for one in found]
    print(page.table(("page", "corpus", "commit", "date", ""), rows))
    print(f"{len(found)} parts of pages, {len(others)} of another corpus than {corpus}.")
    if others and only_today:
        print(*dict.fromkeys(f"measure again: {one.command or one.place}" for one in others), sep="\n", file=sys.stderr)
    return 1 if others and only_today else 0
