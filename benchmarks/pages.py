"""Of which corpus, commit and date every page with results is."""

import json
import re
import subprocess
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
        note: why it has neither commit nor date.
    """

    place: str
    command: str
    corpus: str = ""
    commit: str = ""
    date: str = ""
    note: str = ""

    @property
    def is_of_this_corpus(self) -> bool:
        """Whether it is of the committed corpus."""
        return self.corpus == page.corpus_version()

    @property
    def is_current(self) -> bool:
        """Whether it is of the committed corpus and of the code that is checked out."""
        return self.is_of_this_corpus and bool(self.commit) and page.is_unchanged_since(self.commit)


def stated() -> list[Stated]:
    """Return what every page with results says, and which other corpora the text of a page names."""
    found = [*_sections(), *_dialects(), *_conformance()]
    said = {(one.place.partition(":")[0], one.corpus) for one in found}
    return [*found, *(one for one in _named() if (one.place, one.corpus) not in said)]


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


def _of_corpus(engine: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return what the row of an engine says of its corpus, if it is not that of the report."""
    return {} if engine["corpus"] == document["corpus"] else {"corpus": engine["corpus"]}


def _conformance() -> Iterator[Stated]:
    """Yield the rows of the report; it must be written again if docs/engines has other rows."""
    document = _read("conformance.json")
    engines = [_read(path) for path in sorted((DOCS / "engines").glob("*.json"))]
    recorded = {
        row["name"]: {"made_with": one["made_with"], **row, **_of_corpus(one, document)}
        for one in engines
        for row in one[ROWS]
    }
    written = {row["name"]: {"made_with": document["made_with"], **row} for row in document[ROWS]}
    for name, row in {**recorded, **written}.items():
        place, made = f"conformance.md: {name}", row["made_with"]
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


def _named() -> Iterator[Stated]:
    """Yield each corpus that the text of a committed page names, with the date that is written before it."""
    command = ["git", "ls-files", "*.md", *(f":!{path}" for path in OF_ANOTHER_TIME)]
    listed = subprocess.run(command, cwd=page.ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in listed:
        place, dates = name.removeprefix("docs/"), dict[str, str]()
        for date, corpus in NAMED.findall((page.ROOT / name).read_text("utf-8")):
            dates[corpus] = dates.get(corpus) or date
        is_generated = place.startswith("accuracy/")
        note = TESTED if is_generated or place == "standards.md" else ""
        for corpus, date in dates.items():
            yield Stated(place, "make generate" if is_generated else "", corpus, date=date, note=note)


OF_ANOTHER_TIME = ("CHANGELOG.md", "changes", "tests", "docs/known-failures")
"""What may name an older corpus: news, tests, and failures with the corpus in which they were seen."""

NAMED = re.compile(r"(?:On (\d{4}-\d\d-\d\d), with )?\bcorpus (\d+\.\d+\.\d+)")

TESTED = "a test compares it with the corpus"


def show(*, only_today: bool) -> int:
    """Print a table; return 1 if all pages must be of this corpus and one is not."""
    found, corpus = stated(), page.corpus_version()
    others = [one for one in found if not one.is_of_this_corpus]
    notes = ["ANOTHER CORPUS" if one in others else one.note for one in found]
    rows = [(one.place, one.corpus, one.commit, one.date, note) for one, note in zip(found, notes, strict=True)]
    print(page.table(("page", "corpus", "commit", "date", ""), rows))
    print(f"{len(found)} parts of pages, {len(others)} of another corpus than {corpus}.")
    if others and only_today:
        print(*dict.fromkeys(f"measure again: {one.command or one.place}" for one in others), sep="\n", file=sys.stderr)
    return 1 if others and only_today else 0
