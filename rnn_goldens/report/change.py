"""What became otherwise since a report was written: for an exit code and a line each, and as better or worse."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.pages.content import Moved
from rnn_goldens.schema import problems

Document = dict[str, Any]

_MOST_NAMED = 5


@dataclass(frozen=True)
class Change:
    """One line for people, and whether it can come from other versions of the implementation or another machine."""

    line: str
    by_versions: bool


def read(path: Path) -> Document:
    """A report; raises InvalidFile if it is none."""
    document: Document = json_file.read_document(path)
    if wrong := problems(document, "conformance") or _twice(document):
        raise InvalidFile(path, wrong)
    return document


def _twice(document: Document) -> list[str]:
    """What the schema can not say: an implementation has one result for a cell and a precision."""
    found = []
    for implementation in document["implementations"]:
        for part in parts(implementation):
            counts = Counter((result["cell"], result["dtype"]) for result in part["results"])
            found += [f"{_place(part, *of)} stands there twice" for of, count in counts.items() if count > 1]
    return found


def parts(implementation: Document) -> list[Document]:
    """What a report says of its outputs and, if they were asked, of its gradients, each with a name."""
    if "gradients" not in implementation:
        return [implementation]
    return [implementation, {"name": f"{implementation['name']}, gradients", **implementation["gradients"]}]


def changes(before: Document, after: Document) -> Iterator[Change]:
    """Every implementation, cell and precision that fares otherwise; the largest errors are not compared."""
    if before["corpus"] != after["corpus"]:
        yield Change(f"corpus {after['corpus']}, was {before['corpus']}", by_versions=False)
    earlier = {i["name"]: i for i in before["implementations"]}
    for name in earlier.keys() - {i["name"] for i in after["implementations"]}:
        yield Change(f"{name}: is in the file and was not checked", by_versions=False)
    for now in after["implementations"]:
        if (was := earlier.get(now["name"])) is None:
            yield Change(f"{now['name']}: is not in the file", by_versions=False)
            continue
        other = was["versions"] != now["versions"] or before["made_with"]["machine"] != after["made_with"]["machine"]
        yield from _changes_of_parts(was, now, other_versions=other)


def _changes_of_parts(was: Document, now: Document, *, other_versions: bool) -> Iterator[Change]:
    earlier, later = ({part["name"]: part for part in parts(one)} for one in (was, now))
    for name in earlier.keys() - later.keys():
        yield Change(f"{name}: are in the file and were not checked", by_versions=False)
    for name, part in later.items():
        if name not in earlier:
            yield Change(f"{name}: are not in the file", by_versions=False)
            continue
        yield from _changes_of(earlier[name], part, other_versions=other_versions)


def _changes_of(was: Document, now: Document, *, other_versions: bool) -> Iterator[Change]:
    """Every cell and precision in which one implementation fares otherwise."""
    earlier, results = _by_cell_and_dtype(was), _by_cell_and_dtype(now)
    for of in earlier:
        if of not in results:
            yield Change(f"{_place(now, *of)}: is in the file and was not checked", by_versions=False)
    for of, new in results.items():
        if (old := earlier.get(of)) is None:
            yield Change(f"{_place(now, *of)}: is not in the file", by_versions=False)
            continue
        for outcome in ("passed", "refused", "wrong"):
            if old[outcome] != new[outcome]:
                line = f"{_place(now, *of)}: {new[outcome]} {outcome}, was {old[outcome]}"
                yield Change(line, other_versions and outcome != "wrong")


def _by_cell_and_dtype(implementation: Document) -> dict[tuple[str, str], Document]:
    return {(result["cell"], result["dtype"]): result for result in implementation["results"]}


def _place(implementation: Document, cell: str, dtype: str) -> str:
    return f"{implementation['name']}, {cell}, {dtype}"


def trend(before: Document, after: Document) -> Iterator[Moved]:
    """By implementation, cell and precision, what fares otherwise; what became worse first."""
    moved = list(_moved(before, after))
    yield from sorted(moved, key=lambda one: ("worse", "better", "other").index(one.direction))


def _moved(before: Document, after: Document) -> Iterator[Moved]:
    if before["corpus"] != after["corpus"]:
        yield Moved("other", "corpus", f"{after['corpus']}, was {before['corpus']}")
    earlier = {i["name"]: i for i in before["implementations"]}
    now = {i["name"]: i for i in after["implementations"]}
    for name in [*earlier, *(name for name in now if name not in earlier)]:
        if name not in now:
            yield Moved("other", name, "was checked then, and is not now")
        elif name not in earlier:
            yield Moved("other", name, "is checked now, and was not then")
        else:
            if earlier[name]["versions"] != now[name]["versions"]:
                yield Moved("other", name, f"{_versions(now[name])}, was {_versions(earlier[name])}")
            for was, part in zip(parts(earlier[name]), parts(now[name]), strict=False):
                yield from _trend_of(was, part)
            if ("gradients" in earlier[name]) != ("gradients" in now[name]):
                asked_then = "gradients" in earlier[name]
                said = "were asked then, and are not now" if asked_then else "are asked now, and were not then"
                yield Moved("other", f"{name}, gradients", said)


def _versions(implementation: Document) -> str:
    return (
        ", ".join(f"{name} {version}".strip() for name, version in implementation["versions"].items()) or "no version"
    )


def _trend_of(before: Document, after: Document) -> Iterator[Moved]:
    earlier = _by_cell_and_dtype(before)
    for of, new in _by_cell_and_dtype(after).items():
        old = earlier.get(of, new)
        counts = [name for name in ("wrong", "passed", "refused") if old[name] != new[name]]
        if counts:
            said = ", ".join(f"{new[name]} {name} (was {old[name]})" for name in counts)
            yield Moved(_direction(old, new), _place(after, *of), said)
    yield from _by_name("worse", "wrong now", after, before)
    yield from _by_name("better", "not wrong any more", before, after)


def _direction(old: Document, new: Document) -> str:
    """Less wrong is better, and so is more that passed; where one speaks against the other, neither."""
    wrong, passed = new["wrong"] - old["wrong"], new["passed"] - old["passed"]
    if wrong <= 0 <= passed and (wrong or passed):
        return "better"
    return "worse" if passed <= 0 <= wrong and (wrong or passed) else "other"


def _by_name(direction: str, said: str, having: Document, lacking: Document) -> Iterator[Moved]:
    """The goldens that are wrong in one report and not in the other."""
    others = {(d["golden"], d["dtype"]) for d in lacking["disagreements"]}
    named = [d for d in having["disagreements"] if (d["golden"], d["dtype"]) not in others]
    if named:
        listed = ", ".join(f"{d['golden']} in {d['dtype']}" for d in named[:_MOST_NAMED])
        more = f", and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        yield Moved(direction, having["name"], f"{said}: {listed}{more}")
