"""Earlier reports: read, added to this one, and compared with it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import Corpus
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.pages import Trend
from rnn_goldens.schema import problems

Document = dict[str, Any]

OUTCOMES = ("wrong", "passed", "refused")

_MAX_NAMED = 5

_GONE, _NEW = "was checked before, but not now", "is checked now, but was not before"


def read(path: Path) -> Document:
    """Read a report; raises InvalidFile if the file is not a valid report."""
    document: Document = json_file.read_document(path)
    if wrong := problems(document, "conformance") or _duplicates(document):
        raise InvalidFile(path, wrong)
    return document


def _duplicates(document: Document) -> list[str]:
    """Return results that occur twice for a cell and precision, which the schema cannot detect."""
    places = Counter(
        f"{name}, {result['cell']}, {result['dtype']}"
        for implementation in document["implementations"]
        for name, part in _parts(implementation).items()
        for result in part["results"]
    )
    return [f"{place} occurs twice" for place, count in places.items() if count > 1]


def in_words(row: Document) -> str:
    """Return the name of an implementation, with its profile if that is not the default."""
    return " by ".join([row["name"], *([",".join(row["profile"])] if "profile" in row else [])])


def _parts(implementation: Document) -> dict[str, Document]:
    """Return the results of an implementation's outputs and, if checked, of its gradients, by name."""
    name = in_words(implementation)
    gradients = {f"{name}, gradients": implementation["gradients"]} if "gradients" in implementation else {}
    return {name: implementation, **gradients}


# Rows that are added.


def rows(paths: Iterable[Path], corpus: Corpus, checked: Iterable[str]) -> list[Document]:
    """Return the rows of other reports, with their ``made_with``, and the corpus version if it differs.

    Raises InvalidFile if a file is not a report, is of another corpus or of a later version, contains an implementation
    that is ``checked`` here or is in a previous file, or did not check every golden.
    """
    found: list[Document] = []
    where = dict.fromkeys(checked, "is checked here, too")
    selected = corpus.select()
    expected, cells = sum(len(entry.precisions) for entry in selected), {entry.cell for entry in selected}
    for path in paths:
        other = read(path)
        wrong = []
        if not _is_earlier_or_same(other["corpus"], corpus.label):
            wrong.append(f"is of corpus {other['corpus']}, but this report is of {corpus.label}")
        for row in other["implementations"]:
            if (name := in_words(row)) in where:
                wrong.append(f"{name} {where[name]}")
            where[name] = f"is also in {path}"
            of = row.get("corpus", other["corpus"])
            of_networks = [result for result in row["results"] if result["cell"] in cells]
            present = sum(result[outcome] for result in of_networks for outcome in OUTCOMES)
            if of == corpus.label and present not in (expected, 0):
                wrong.append(f"{name} has {present} of {expected} goldens and precisions")
            made = {"made_with": row.get("made_with", other["made_with"])}
            found.append({**row, **made, **({} if of == corpus.label else {"corpus": of})})
        if wrong:
            raise InvalidFile(path, wrong)
    return found


def _is_earlier_or_same(label: str, here: str) -> bool:
    """Return whether a corpus is this one or an earlier version, which is shown beside its row."""
    (name, version), (name_here, version_here) = (text.rpartition(" ")[::2] for text in (label, here))
    numbers, numbers_here = ([int(n) for n in v.split(".") if n.isdigit()] for v in (version, version_here))
    return name == name_here and numbers <= numbers_here


def is_wrong(row: Document) -> bool:
    """Return whether a row has unexpected failures."""
    return any(wrong["known"] is None for part in _parts(row).values() for wrong in part["disagreements"])


# Changes.


def changes(before: Document, after: Document) -> list[Trend]:
    """Return the changes of each implementation, cell and precision since an earlier report, worse ones first."""
    found = list(_changes(before, after))
    return sorted(found, key=lambda item: ("worse", "better", "other").index(item.direction))


def _changes(before: Document, after: Document) -> Iterator[Trend]:
    if before["corpus"] != after["corpus"]:
        yield Trend("other", "corpus", f"{after['corpus']}, was {before['corpus']}")
    earlier, now = ({in_words(i): i for i in report["implementations"]} for report in (before, after))
    other_machine = before["made_with"]["machine"] != after["made_with"]["machine"]
    for name, was, new in _in_both(earlier, now):
        if was is None or new is None:
            yield Trend("other", name, _NEW if new else _GONE)
            continue
        if other_versions := was["versions"] != new["versions"]:
            yield Trend("other", name, f"{_versions(new)}, was {_versions(was)}", is_excused=True)
        for part, old, current in _in_both(_parts(was), _parts(new)):
            if old is None or current is None:
                only = "are checked now, but were not before" if current else "were checked before, but not now"
                yield Trend("other", part, only)
            else:
                yield from _changes_of(part, old, current, is_other=other_versions or other_machine)


def _in_both(before: dict[Any, Document], after: dict[Any, Document]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield each key with its earlier and its new value; None where there is none."""
    yield from ((key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after]))


def _versions(implementation: Document) -> str:
    named = (f"{name} {version}".strip() for name, version in implementation["versions"].items())
    return ", ".join(named) or "no version"


def _changes_of(name: str, before: Document, after: Document, *, is_other: bool) -> Iterator[Trend]:
    """Yield the changes of one implementation; fewer or more passed goldens are excused if something else differs."""
    earlier, now = ({(r["cell"], r["dtype"]): r for r in part["results"]} for part in (before, after))
    for key, old, new in _in_both(earlier, now):
        where = ", ".join((name, *key))
        if old is None or new is None:
            yield Trend("other", where, _NEW if new else _GONE)
        elif counts := [outcome for outcome in OUTCOMES if old[outcome] != new[outcome]]:
            summary = ", ".join(f"{new[outcome]} {outcome} (was {old[outcome]})" for outcome in counts)
            is_excused = is_other and "wrong" not in counts
            summary += " (with other versions)" if is_excused else ""
            yield Trend(_direction(old, new), where, summary, is_excused)
    yield from _wrong_in_one(name, "worse", "wrong now", after, before)
    yield from _wrong_in_one(name, "better", "no longer wrong", before, after)


def _direction(old: Document, new: Document) -> str:
    """Return "better" for fewer wrong or more passed, "worse" for the opposite, "other" for both or neither."""
    wrong, passed = new["wrong"] - old["wrong"], new["passed"] - old["passed"]
    if wrong <= 0 <= passed and (wrong or passed):
        return "better"
    return "worse" if passed <= 0 <= wrong and (wrong or passed) else "other"


def _wrong_in_one(name: str, direction: str, summary: str, having: Document, lacking: Document) -> Iterator[Trend]:
    others = {(d["golden"], d["dtype"]) for d in lacking["disagreements"]}
    named = [d for d in having["disagreements"] if (d["golden"], d["dtype"]) not in others]
    if named:
        listed = ", ".join(f"{d['golden']} in {d['dtype']}" for d in named[:_MAX_NAMED])
        more = f", and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
        yield Trend(direction, name, f"{summary}: {listed}{more}")
