"""What became better or worse since an earlier report, for people; what counts as a finding ``change.py`` says."""

from collections.abc import Iterator
from typing import Any

from rnn_goldens.pages.content import Moved
from rnn_goldens.report.change import parts

Document = dict[str, Any]

_MOST_NAMED = 5


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
                yield Moved("other", name, f"{_said(now[name])}, was {_said(earlier[name])}")
            for was, part in zip(parts(earlier[name]), parts(now[name]), strict=False):
                yield from _of_one(was, part)
            if ("gradients" in earlier[name]) != ("gradients" in now[name]):
                asked_then = "gradients" in earlier[name]
                said = "were asked then, and are not now" if asked_then else "are asked now, and were not then"
                yield Moved("other", f"{name}, gradients", said)


def _said(implementation: Document) -> str:
    return (
        ", ".join(f"{name} {version}".strip() for name, version in implementation["versions"].items()) or "no version"
    )


def _of_one(before: Document, after: Document) -> Iterator[Moved]:
    was = {(r["cell"], r["dtype"]): r for r in before["results"]}
    for result in after["results"]:
        old = was.get((result["cell"], result["dtype"]))
        counts = [name for name in ("wrong", "passed", "refused") if old and old[name] != result[name]]
        if old is None or not counts:
            continue
        said = ", ".join(f"{result[name]} {name} (was {old[name]})" for name in counts)
        yield Moved(_direction(old, result), f"{after['name']}, {result['cell']}, {result['dtype']}", said)
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
