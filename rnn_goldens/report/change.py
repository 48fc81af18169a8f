"""Changes since an earlier report: as lines for the terminal, and as trends (better or worse) for a page."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.pages.content import Trend
from rnn_goldens.schema import problems

Document = dict[str, Any]

_MAX_NAMED = 5


@dataclass(frozen=True)
class Change:
    """A change as a line of text, and whether other versions or another machine may be the reason."""

    line: str
    by_versions: bool


def read(path: Path) -> Document:
    """Read a report; raises InvalidFile if the file is not a valid report."""
    document: Document = json_file.read_document(path)
    if wrong := problems(document, "conformance") or _duplicates(document):
        raise InvalidFile(path, wrong)
    return document


def _duplicates(document: Document) -> list[str]:
    """Return results that occur twice for a cell and precision, which the schema cannot detect."""
    found = []
    for implementation in document["implementations"]:
        for part in parts(implementation):
            counts = Counter((result["cell"], result["dtype"]) for result in part["results"])
            found += [f"{_place(part, *key)} occurs twice" for key, count in counts.items() if count > 1]
    return found


def parts(implementation: Document) -> list[Document]:
    """Return the results of an implementation's outputs and, if checked, of its gradients, each with a name."""
    if "gradients" not in implementation:
        return [implementation]
    return [implementation, {"name": f"{implementation['name']}, gradients", **implementation["gradients"]}]


def changes(before: Document, after: Document) -> Iterator[Change]:
    """Yield a change for each count that differs, and for each entry of only one report. Ignores largest errors."""
    if before["corpus"] != after["corpus"]:
        yield Change(f"corpus {after['corpus']}, was {before['corpus']}", by_versions=False)
    earlier = {i["name"]: i for i in before["implementations"]}
    for name in earlier.keys() - {i["name"] for i in after["implementations"]}:
        yield Change(f"{name}: is in the earlier report but was not checked", by_versions=False)
    for now in after["implementations"]:
        if (was := earlier.get(now["name"])) is None:
            yield Change(f"{now['name']}: is not in the earlier report", by_versions=False)
            continue
        other = was["versions"] != now["versions"] or before["made_with"]["machine"] != after["made_with"]["machine"]
        yield from _changes_of_parts(was, now, other_versions=other)


def _changes_of_parts(was: Document, now: Document, *, other_versions: bool) -> Iterator[Change]:
    earlier, later = ({part["name"]: part for part in parts(item)} for item in (was, now))
    for name in earlier.keys() - later.keys():
        yield Change(f"{name}: are in the earlier report but were not checked", by_versions=False)
    for name, part in later.items():
        if name not in earlier:
            yield Change(f"{name}: are not in the earlier report", by_versions=False)
            continue
        yield from _changes_of(earlier[name], part, other_versions=other_versions)


def _changes_of(was: Document, now: Document, *, other_versions: bool) -> Iterator[Change]:
    """Yield a change for each cell and precision in which the counts of one implementation differ."""
    earlier, results = _by_cell_and_dtype(was), _by_cell_and_dtype(now)
    for key in earlier:
        if key not in results:
            yield Change(f"{_place(now, *key)}: is in the earlier report but was not checked", by_versions=False)
    for key, new in results.items():
        if (old := earlier.get(key)) is None:
            yield Change(f"{_place(now, *key)}: is not in the earlier report", by_versions=False)
            continue
        for outcome in ("passed", "refused", "wrong"):
            if old[outcome] != new[outcome]:
                line = f"{_place(now, *key)}: {new[outcome]} {outcome}, was {old[outcome]}"
                yield Change(line, other_versions and outcome != "wrong")


def _by_cell_and_dtype(implementation: Document) -> dict[tuple[str, str], Document]:
    return {(result["cell"], result["dtype"]): result for result in implementation["results"]}


def _place(implementation: Document, cell: str, dtype: str) -> str:
    return f"{implementation['name']}, {cell}, {dtype}"


def trend(before: Document, after: Document) -> Iterator[Trend]:
    """Yield the changes of each implementation, cell and precision; changes for the worse first."""
    trends = list(_trends(before, after))
    yield from sorted(trends, key=lambda item: ("worse", "better", "other").index(item.direction))


def _trends(before: Document, after: Document) -> Iterator[Trend]:
    if before["corpus"] != after["corpus"]:
        yield Trend("other", "corpus", f"{after['corpus']}, was {before['corpus']}")
    earlier = {i["name"]: i for i in before["implementations"]}
    now = {i["name"]: i for i in after["implementations"]}
    for name in [*earlier, *(name for name in now if name not in earlier)]:
        if name not in now:
            yield Trend("other", name, "was checked before, but not now")
        elif name not in earlier:
            yield Trend("other", name, "is checked now, but was not before")
        else:
            if earlier[name]["versions"] != now[name]["versions"]:
                yield Trend("other", name, f"{_versions(now[name])}, was {_versions(earlier[name])}")
            for was, part in zip(parts(earlier[name]), parts(now[name]), strict=False):
                yield from _trend_of(was, part)
            if ("gradients" in earlier[name]) != ("gradients" in now[name]):
                were_checked = "gradients" in earlier[name]
                summary = "were checked before, but not now" if were_checked else "are checked now, but were not before"
                yield Trend("other", f"{name}, gradients", summary)


def _versions(implementation: Document) -> str:
    return (
        ", ".join(f"{name} {version}".strip() for name, version in implementation["versions"].items()) or "no version"
    )


def _trend_of(before: Document, after: Document) -> Iterator[Trend]:
    earlier = _by_cell_and_dtype(before)
    for key, new in _by_cell_and_dtype(after).items():
        old = earlier.get(key, new)
        counts = [name for name in ("wrong", "passed", "refused") if old[name] != new[name]]
        if counts:
            summary = ", ".join(f"{new[name]} {name} (was {old[name]})" for name in counts)
            yield Trend(_direction(old, new), _place(after, *key), summary)
    yield from _wrong_in_one("worse", "wrong now", after, before)
    yield from _wrong_in_one("better", "no longer wrong", before, after)


def _direction(old: Document, new: Document) -> str:
    """Return "better" for fewer wrong or more passed, "worse" for the opposite, "other" for both or neither."""
    wrong, passed = new["wrong"] - old["wrong"], new["passed"] - old["passed"]
    if wrong <= 0 <= passed and (wrong or passed):
        return "better"
    return "worse" if passed <= 0 <= wrong and (wrong or passed) else "other"


def _wrong_in_one(direction: str, summary: str, having: Document, lacking: Document) -> Iterator[Trend]:
    """Yield the goldens that are wrong in ``having`` but not in ``lacking``."""
    others = {(d["golden"], d["dtype"]) for d in lacking["disagreements"]}
    named = [d for d in having["disagreements"] if (d["golden"], d["dtype"]) not in others]
    if named:
        listed = ", ".join(f"{d['golden']} in {d['dtype']}" for d in named[:_MAX_NAMED])
        more = f", and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
        yield Trend(direction, having["name"], f"{summary}: {listed}{more}")
