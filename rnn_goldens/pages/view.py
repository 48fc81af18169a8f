"""Content → what the template and the script are given: counted, grouped, and cut to what a page can hold."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from html import escape
from json import dumps
from typing import Any

from rnn_goldens.counted import counted
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.pages.causes import causes_of
from rnn_goldens.pages.content import OUTCOMES, About, Checked, Content
from rnn_goldens.result import (
    FAILED,
    KNOWN,
    NOT_JUDGED,
    PASSED,
    REFUSED,
    SKIPPED,
    WRONG,
    Drawn,
    Result,
    gradient_counts,
    own_reason,
)

LISTED_BYTES, PICTURE_BYTES = 2_500_000, 2_100_000
"""What failures, one by one, and their pictures may have of a page."""

COMPACT = (",", ":")
"""What stands between numbers in a page's data."""

_FRAME = 600
"""Bytes around the texts of a failure."""

_LONGEST, _LONGEST_MESSAGE = 500, 3_000
"""Letters of a reason, and of a message."""

_MOST_GROUPS = 100

_CELL = "<td></td>"

_MOST_GRADIENTS, _LONGEST_NAME = 100, 100


@dataclass(frozen=True)
class Failure:
    """One that is listed: the implementation and its number, what there is to filter by, and its picture's number."""

    number: int
    checked: Checked
    about: About
    result: Result
    pictured: int | None = None

    @property
    def drawn(self) -> Drawn:
        """What is shown of it; nothing, if nothing was kept."""
        return self.checked.drawn.get(self.result["test"]) or Drawn(message="", picture=None, gradients=[])

    @property
    def command(self) -> str:
        """What runs it again."""
        return self.checked.command(self.result)

    @property
    def shown(self) -> str:
        """Its message; the reason, where there is no more."""
        return _cut(self.drawn["message"] or self.result.get("reason") or "no reason given", _LONGEST_MESSAGE)

    @property
    def short(self) -> str:
        """What its summary says after the golden."""
        if names := self.result.get("explained_by"):
            return f"like {names[0]}" + (f" and {counted(len(names) - 1, 'other')} alike" if len(names) > 1 else "")
        return _cut(own_reason(self.result), 120)

    @property
    def size(self) -> int:
        """How many bytes of a page its texts take."""
        message, reason = self.drawn["message"][:_LONGEST_MESSAGE], self.result.get("reason", "")[:_LONGEST]
        cells = [text + _CELL for row in self.drawn["gradients"] for text in row.values()]
        known, causes = self.result.get("known", ""), self.result.get("explained_by", ())
        told = (self.result["golden"] * 2, message, reason, self.command, known, *causes, *cells)
        return _FRAME + sum(len(escape(text)) for text in told)


@dataclass(frozen=True)
class OfGradient:
    """A gradient over all goldens of an implementation: how many were right, wrong and not checked."""

    implementation: str
    name: str
    right: int
    wrong: int
    not_checked: int


@dataclass(frozen=True)
class Group:
    """Goldens of one implementation with the same reason: how many, in which cells and precisions."""

    name: str
    reason: str
    count: int
    cells: str
    dtypes: str


def view(content: Content, share: float) -> dict[str, object]:
    """All that the template needs; ``share`` of the bytes that details may have."""
    failures, pictures, left_out = _fitted(content, share)
    came = Counter(result["outcome"] for checked in content.checked for result in checked.results)
    counts = {outcome: came[outcome] for outcome in OUTCOMES}
    return {
        "content": content,
        "several": len(content.checked) > 1,
        "counts": {outcome: count for outcome, count in counts.items() if count},
        "verdict": _verdict(content, counts),
        "no_cause": _no_cause(content, counts),
        "causes": [cause for number, c in enumerate(content.checked) for cause in causes_of(number, c)],
        "gradients": list(_of_gradients(content)),
        "failures": failures,
        "left_out": left_out,
        "known": _grouped(content, KNOWN),
        "refused": _grouped(content, REFUSED),
        "skipped": [*_grouped(content, SKIPPED), *_grouped(content, NOT_JUDGED)],
        "data": {**_table_data(content), "pictures": pictures},
    }


def _verdict(content: Content, counts: dict[str, int]) -> str:
    if any(checked.why for checked in content.checked):
        return "not complete"
    if counts[FAILED]:
        return f"{counted(counts[FAILED], 'golden')} failed"
    return "nothing failed" if counts[PASSED] else "nothing was checked"


def _no_cause(content: Content, counts: dict[str, int]) -> str:
    """What to say where no cause is told."""
    if any(checked.why for checked in content.checked):
        return "Not known: causes are looked for when a run ends."
    if counts[FAILED]:
        return "What failed is below; no cause of it was looked for."
    return "Nothing but what is known to fail." if counts[KNOWN] else "Nothing failed."


def _fitted(content: Content, share: float) -> tuple[list[Failure], list[Any], list[str]]:
    """The failures that are told one by one, the pictures of those, and what is left out, in words.

    Of several tests of the same golden each first one comes before any second.
    """
    wrong = list(_wrong(content))
    told, pictures = dict[int, Failure](), list[Any]()
    listed, drawn, undrawn = 0.0, 0.0, 0
    for place in _firsts_before_seconds(wrong):
        failure = wrong[place]
        listed += failure.size
        if listed > share * LISTED_BYTES:
            break
        if (picture := failure.drawn["picture"]) is not None:
            drawn += len(dumps(picture, separators=COMPACT))
            undrawn += drawn > share * PICTURE_BYTES
            if drawn <= share * PICTURE_BYTES:
                failure = replace(failure, pictured=len(pictures))
                pictures.append(picture)
        told[place] = failure
    unlisted = len(wrong) - len(told)
    left_out = [f"{counted(unlisted, 'failure')} more, which are counted and not listed"] if unlisted else []
    left_out += [f"the pictures of {counted(undrawn, 'failure')} that are listed"] if undrawn else []
    return [told[place] for place in sorted(told)], pictures, left_out


def _wrong(content: Content) -> Iterator[Failure]:
    """What failed, and then what is known to fail."""
    for outcome in WRONG:
        for number, checked in enumerate(content.checked):
            for result in checked.results:
                if result["outcome"] == outcome:
                    yield Failure(number, checked, content.about.get(result["golden"], About("", ())), result)


def _firsts_before_seconds(wrong: Sequence[Failure]) -> list[int]:
    """Places in the order in which they are to be told, while there is room."""
    times: Counter[tuple[int, str, str]] = Counter()
    before = []
    for failure in wrong:
        same = (failure.number, failure.result["golden"], failure.result["dtype"])
        before.append(times[same])
        times[same] += 1
    return sorted(range(len(wrong)), key=before.__getitem__)


def _of_gradients(content: Content) -> Iterator[OfGradient]:
    """Those that were wrong somewhere first, of each implementation."""
    for checked in content.checked:
        right, wrong, left_out = gradient_counts(checked.results)
        names = sorted(dict.fromkeys([*right, *wrong, *left_out]), key=lambda name: -wrong[name])
        for name in names[:_MOST_GRADIENTS]:
            yield OfGradient(checked.name, _cut(name, _LONGEST_NAME), right[name], wrong[name], left_out[name])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} …"


def _grouped(content: Content, outcome: str) -> list[Group]:
    found = []
    for checked in content.checked:
        groups: dict[str, list[Result]] = {}
        for result in checked.results:
            if result["outcome"] == outcome:
                groups.setdefault(result.get("known") or result.get("reason") or outcome, []).append(result)
        for reason, of_reason in groups.items():
            cells = {content.about[r["golden"]].cell for r in of_reason if r["golden"] in content.about}
            dtypes = {result["dtype"] for result in of_reason}
            found.append(
                Group(
                    checked.name,
                    _cut(reason, _LONGEST),
                    len(of_reason),
                    _in_order(cells, _ours_first(cells)),
                    _in_order(dtypes, PRECISIONS),
                )
            )
    more = found[_MOST_GROUPS:]
    rest = [Group("", f"… and {len(more)} reasons more", sum(g.count for g in more), "", "")] if more else []
    return found[:_MOST_GROUPS] + rest


def _in_order(names: set[str], order: Sequence[str] | Any) -> str:  # noqa: ANN401 - any iterable of names
    return ", ".join(name for name in order if name in names)


def _ours_first(cells: Set[str]) -> list[str]:
    """Our cells in their order, then those of someone's own."""
    return [*(cell for cell in CELLS if cell in cells), *sorted(cells - set(CELLS))]


def _table_data(content: Content) -> dict[str, Any]:
    """What the script counts: names once, and four numbers for each golden of each implementation."""
    seen = {result["golden"]: None for checked in content.checked for result in checked.results}
    numbers = {golden: number for number, golden in enumerate(seen)}
    about = [content.about.get(golden, About("", ())) for golden in seen]
    cells = _ours_first({one.cell for one in about if one.cell})
    features = [feature for feature in FEATURES if any(feature in one.features for one in about)]
    came = {result["dtype"] for checked in content.checked for result in checked.results}
    dtypes = [dtype for dtype in PRECISIONS if dtype in came]
    entries: list[int] = []
    for number, checked in enumerate(content.checked):
        for r in checked.results:
            entries += (number, numbers[r["golden"]], dtypes.index(r["dtype"]), OUTCOMES.index(r["outcome"]))
    return {
        "implementations": [checked.name for checked in content.checked],
        "cells": cells,
        "features": features,
        "dtypes": dtypes,
        "outcomes": list(OUTCOMES),
        "goldens": [
            [
                cells.index(one.cell) if one.cell in cells else -1,
                [features.index(f) for f in one.features if f in features],
            ]
            for one in about
        ],
        "entries": entries,
    }
