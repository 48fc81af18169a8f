"""Content → what the template and the script are given: counted, grouped, and cut to what a page can hold."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from html import escape
from json import dumps
from typing import Any

from rnn_goldens.counted import counted
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.pages.causes import causes_of
from rnn_goldens.pages.content import FAILED, KNOWN, OUTCOMES, REFUSED, WRONG, About, Content, Judged

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
    """One that is listed: the implementation's number and name, what there is to filter by, and what is told."""

    number: int
    name: str
    about: About
    judged: Judged
    pictured: int | None

    @property
    def shown(self) -> str:
        """Its message; the reason, where there is no more."""
        return _cut(self.judged.message or self.judged.reason or "no reason given", _LONGEST_MESSAGE)

    @property
    def short(self) -> str:
        """What its summary says after the golden."""
        if self.judged.explained_by:
            names = self.judged.explained_by
            return f"like {names[0]}" + (f" and {counted(len(names) - 1, 'other')} alike" if len(names) > 1 else "")
        return _cut(self.judged.reason.removeprefix(f"{self.judged.golden} in {self.judged.dtype}: "), 120)


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
    counts = {outcome: sum(j.outcome == outcome for c in content.checked for j in c.judged) for outcome in OUTCOMES}
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
        "skipped": [*_grouped(content, "skipped"), *_grouped(content, "not-judged")],
        "data": {**_table_data(content), "pictures": pictures},
    }


def _verdict(content: Content, counts: dict[str, int]) -> str:
    if any(checked.why for checked in content.checked):
        return "not complete"
    if counts[FAILED]:
        return f"{counted(counts[FAILED], 'golden')} failed"
    return "nothing failed" if counts["passed"] else "nothing was checked"


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
        number, name, about, judged = wrong[place]
        listed += _FRAME + sum(len(escape(text)) for text in _told(judged))
        if listed > share * LISTED_BYTES:
            break
        pictured = None
        if judged.picture is not None:
            drawn += len(dumps(judged.picture, separators=COMPACT))
            undrawn += drawn > share * PICTURE_BYTES
            if drawn <= share * PICTURE_BYTES:
                pictured = len(pictures)
                pictures.append(dict(judged.picture))
        told[place] = Failure(number, name, about, judged, pictured)
    unlisted = len(wrong) - len(told)
    left_out = [f"{counted(unlisted, 'failure')} more, which are counted and not listed"] if unlisted else []
    left_out += [f"the pictures of {counted(undrawn, 'failure')} that are listed"] if undrawn else []
    return [told[place] for place in sorted(told)], pictures, left_out


_Wrong = tuple[int, str, About, Judged]
"""The number and the name of an implementation, and what it failed."""


def _wrong(content: Content) -> Iterator[_Wrong]:
    """What failed, and then what is known to fail."""
    for outcome in WRONG:
        for number, checked in enumerate(content.checked):
            for judged in checked.judged:
                if judged.outcome == outcome:
                    yield number, checked.name, content.about.get(judged.golden, About("", ())), judged


def _firsts_before_seconds(wrong: Sequence[_Wrong]) -> list[int]:
    """Places in the order in which they are to be told, while there is room."""
    times: Counter[tuple[int, str, str]] = Counter()
    before = []
    for number, _, _, judged in wrong:
        same = (number, judged.golden, judged.dtype)
        before.append(times[same])
        times[same] += 1
    return sorted(range(len(wrong)), key=before.__getitem__)


def _told(judged: Judged) -> tuple[str, ...]:
    message, reason = judged.message[:_LONGEST_MESSAGE], judged.reason[:_LONGEST]
    cells = [text + _CELL for row in judged.rows for text in row.values()]
    return (judged.golden * 2, message, reason, judged.command, judged.known, *judged.explained_by, *cells)


def _of_gradients(content: Content) -> Iterator[OfGradient]:
    """Those that were wrong somewhere first, of each implementation."""
    for checked in content.checked:
        right, wrong, left_out = (
            Counter(name for judged in checked.judged for name in judged.gradients.get(key, ()))
            for key in ("right", "wrong", "not_checked")
        )
        names = sorted(dict.fromkeys([*right, *wrong, *left_out]), key=lambda name: -wrong[name])
        for name in names[:_MOST_GRADIENTS]:
            yield OfGradient(checked.name, _cut(name, _LONGEST_NAME), right[name], wrong[name], left_out[name])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} …"


def _grouped(content: Content, outcome: str) -> list[Group]:
    found = []
    for checked in content.checked:
        groups: dict[str, list[Judged]] = {}
        for judged in checked.judged:
            if judged.outcome == outcome:
                groups.setdefault(judged.known or judged.reason or outcome, []).append(judged)
        for reason, of_reason in groups.items():
            cells = {content.about[j.golden].cell for j in of_reason if j.golden in content.about}
            dtypes = {j.dtype for j in of_reason}
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
    seen = {judged.golden: None for checked in content.checked for judged in checked.judged}
    numbers = {golden: number for number, golden in enumerate(seen)}
    about = [content.about.get(golden, About("", ())) for golden in seen]
    cells = _ours_first({one.cell for one in about if one.cell})
    features = [feature for feature in FEATURES if any(feature in one.features for one in about)]
    came = {judged.dtype for checked in content.checked for judged in checked.judged}
    dtypes = [dtype for dtype in PRECISIONS if dtype in came]
    entries: list[int] = []
    for number, checked in enumerate(content.checked):
        for j in checked.judged:
            entries += (number, numbers[j.golden], dtypes.index(j.dtype), OUTCOMES.index(j.outcome))
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
