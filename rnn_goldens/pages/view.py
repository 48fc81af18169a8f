"""Prepares the results of a run or report for the HTML page: counted, grouped, and limited to its size."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from json import dumps
from typing import Any

from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.rounding_profile import profile_lines
from rnn_goldens.golden_result import (
    FAILED,
    KNOWN,
    PASSED,
    REFUSED,
    SKIPPED,
    UNCHECKED,
    WRONG,
    Drawn,
    Result,
    compared_profiles,
    embed_lines,
    gradient_counts,
    own_reason,
)
from rnn_goldens.pages import OUTCOMES, About, Checked, Content, Row, in_order, reasons
from rnn_goldens.pages.causes import causes_of
from rnn_goldens.plurals import counted

LISTED_BYTES, PICTURE_BYTES = 2_500_000, 2_100_000
"""Maximum bytes of a page for listed failures and for their pictures."""

COMPACT = (",", ":")
"""JSON separators in a page's data."""

_LONGEST, _LONGEST_MESSAGE = 500, 3_000
"""Maximum characters of a reason, and of a message."""

_MAX_GROUPS = 100

NOTHING_KNOWN = About("", ())

_MAX_GRADIENTS, _LONGEST_NAME = 100, 100


@dataclass(frozen=True)
class Failure:
    """A listed failure: the implementation's number and results, the golden, the result, and the picture's number."""

    number: int
    checked: Checked
    about: About
    result: Result
    pictured: int | None = None

    @property
    def drawn(self) -> Drawn:
        """The failure's message and picture; empty if not stored."""
        return self.checked.drawn.get(self.result["test"]) or Drawn(message="", picture=None, gradients=[])

    @property
    def command(self) -> str:
        """The command that runs the golden again."""
        return self.checked.command(self.result)

    @property
    def shown(self) -> str:
        """The failure's message, else its reason."""
        return _cut(self.drawn["message"] or self.result.get("reason") or "no reason given", _LONGEST_MESSAGE)

    @property
    def short(self) -> str:
        """The text after the golden in the failure's summary."""
        if names := self.result.get("explained_by"):
            return f"like {names[0]}" + (f" and {counted(len(names) - 1, 'equivalent')}" if len(names) > 1 else "")
        return _cut(own_reason(self.result), 120)

    @property
    def size(self) -> int:
        """The number of bytes of the failure's texts."""
        message, reason = self.drawn["message"][:_LONGEST_MESSAGE], self.result.get("reason", "")[:_LONGEST]
        cells = [f"{text}<td></td>" for row in self.drawn["gradients"] for text in row.values()]
        known, causes = self.result.get("known", ""), self.result.get("explained_by", ())
        texts = (self.result["golden"] * 2, message, reason, self.command, known, *causes, *cells)
        return sum(len(escape(text)) for text in texts) + 600  # around the texts


def view(content: Content, share: float) -> dict[str, object]:
    """Return the values for the template; ``share`` is the fraction of the size limit for details."""
    failures, pictures, left_out = _limited(content, share)
    by_outcome = Counter(result["outcome"] for checked in content.checked for result in checked.results)
    counts = {outcome: by_outcome[outcome] for outcome in OUTCOMES}
    verdict, no_cause = _verdict(content, counts)
    return {
        "content": content,
        "several": len(content.checked) > 1,
        "counts": {outcome: count for outcome, count in counts.items() if count},
        "verdict": verdict,
        "no_cause": no_cause,
        "causes": [cause for number, c in enumerate(content.checked) for cause in causes_of(number, c)],
        "gradients": list(_of_gradients(content)),
        "failures": failures,
        "left_out": left_out,
        "profiles": [
            *profile_lines(compared_profiles(one for c in content.checked for one in c.results)),
            *embed_lines(one for c in content.checked for one in c.results),
        ],
        "known": _grouped(content, KNOWN),
        "refused": _grouped(content, REFUSED),
        "skipped": [*_grouped(content, SKIPPED), *_grouped(content, UNCHECKED)],
        "data": {**_table_data(content), "pictures": pictures},
    }


def _verdict(content: Content, counts: dict[str, int]) -> tuple[str, str]:
    """Return the verdict, and the sentence in place of causes if there are none."""
    if any(checked.why for checked in content.checked):
        return "not complete", "Not known: causes are searched for at the end of a run."
    if failed := counts[FAILED]:
        not_searched = "The failures are listed below; their causes were not searched for."
        return f"{counted(failed, 'golden')} failed", not_searched
    verdict = "nothing failed" if counts[PASSED] else "nothing was checked"
    return verdict, "Only known failures." if counts[KNOWN] else "Nothing failed."


def _limited(content: Content, share: float) -> tuple[list[Failure], list[Any], list[str]]:
    """Return the failures to list, their pictures, and a text about what is left out.

    The first failing test of every golden comes before the second failing test of any golden.
    """
    wrong = list(_wrong(content))
    times = Counter[tuple[int, str, str]]()
    repeated = list[int]()
    for failure in wrong:
        repeated.append(times[same := (failure.number, failure.result["golden"], failure.result["dtype"])])
        times[same] += 1
    listed, pictures = dict[int, Failure](), list[Any]()
    size, drawn, undrawn = 0.0, 0.0, 0
    for position in sorted(range(len(wrong)), key=repeated.__getitem__):
        failure = wrong[position]
        size += failure.size
        if size > share * LISTED_BYTES:
            break
        if (picture := failure.drawn["picture"]) is not None:
            drawn += len(dumps(picture, separators=COMPACT))
            undrawn += drawn > share * PICTURE_BYTES
            if drawn <= share * PICTURE_BYTES:
                failure = replace(failure, pictured=len(pictures))
                pictures.append(picture)
        listed[position] = failure
    unlisted = len(wrong) - len(listed)
    left_out = [f"{counted(unlisted, 'more failure')}, which are counted but not listed"] if unlisted else []
    left_out += [f"the pictures of {counted(undrawn, 'failure')} that are listed"] if undrawn else []
    return [listed[position] for position in sorted(listed)], pictures, left_out


def _wrong(content: Content) -> Iterator[Failure]:
    for outcome in WRONG:
        for number, checked in enumerate(content.checked):
            for result in checked.results:
                if result["outcome"] == outcome:
                    yield Failure(number, checked, content.about.get(result["golden"], NOTHING_KNOWN), result)


def _of_gradients(content: Content) -> Iterator[Row]:
    """Yield how often each gradient was right, wrong or not checked, from most to fewest wrong results."""
    for checked in content.checked:
        right, wrong, left_out = gradient_counts(checked.results)
        names = sorted(dict.fromkeys([*right, *wrong, *left_out]), key=lambda name: -wrong[name])
        for name in names[:_MAX_GRADIENTS]:
            counts = {"right": right[name], "wrong": wrong[name], "not_checked": left_out[name]}
            yield {"implementation": checked.name, "name": _cut(name, _LONGEST_NAME), **counts}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} …"


def _grouped(content: Content, outcome: str) -> list[Row]:
    """Return the reasons of an outcome, with how many goldens of an implementation have them, and where."""
    cells = {golden: about.cell for golden, about in content.about.items()}
    found: list[Row] = [
        {
            "name": checked.name,
            "reason": _cut(one["reason"] or outcome, _LONGEST),
            "count": one["count"],
            "where": f"({', '.join(one['cells'])}; {', '.join(one['dtypes'])})" if one["cells"] else "",
        }
        for checked in content.checked
        for one in reasons(checked.results, outcome, cells)
    ]
    if more := found[_MAX_GROUPS:]:
        rest = {"name": "", "reason": f"… and {counted(len(more), 'more reason')}", "where": ""}
        found[_MAX_GROUPS:] = [{**rest, "count": sum(group["count"] for group in more)}]
    return found


def _table_data(content: Content) -> dict[str, Any]:
    """Return the data for the script: each name once, and four numbers for each golden of each implementation."""
    golden_ids = {result["golden"]: None for checked in content.checked for result in checked.results}
    numbers = {golden: number for number, golden in enumerate(golden_ids)}
    about = [content.about.get(golden, NOTHING_KNOWN) for golden in golden_ids]
    cells = in_order({one.cell for one in about if one.cell})
    features = [feature for feature in FEATURES if any(feature in one.features for one in about)]
    checked_in = {result["dtype"] for checked in content.checked for result in checked.results}
    dtypes = [dtype for dtype in NUMBER_TYPES if dtype in checked_in]
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
