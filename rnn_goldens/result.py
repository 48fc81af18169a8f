"""What became of one golden in one precision: the row that plugin, report, pages and the results file share."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NotRequired, TypedDict

from rnn_goldens.counted import counted

PASSED, REFUSED, SKIPPED = "passed", "refused", "skipped"
FAILED, KNOWN, NOT_JUDGED = "failed", "known-failure", "not-judged"

WRONG = (FAILED, KNOWN)
"""Outcomes of goldens that an implementation gets wrong."""

CHECKED = (PASSED, *WRONG)
"""Outcomes that show something of an implementation."""


class FoundGradients(TypedDict):
    """Names of the gradients that were right in every comparison, wrong in one, and in none."""

    right: list[str]
    wrong: list[str]
    not_checked: list[str]
    outputs_wrong: NotRequired[bool]


class Result(TypedDict):
    """One entry of a results file; ``results-1.schema.json`` says what each key holds, and what its absence means."""

    golden: str
    dtype: str
    test: str
    outcome: str
    corpus: NotRequired[str]
    judged_by: NotRequired[str]
    reason: NotRequired[str]
    known: NotRequired[str]
    largest_error: NotRequired[float]
    higher_precision: NotRequired[bool]
    outputs: NotRequired[list[str]]
    not_checked: NotRequired[list[str]]
    explained_by: NotRequired[list[str]]
    facts: NotRequired[dict[str, bool | float]]
    gradients: NotRequired[FoundGradients]
    calls: NotRequired[dict[str, bool]]


class Drawn(TypedDict):
    """What a page shows of a wrong result beyond its row.

    Keys:
        message: all of why it did not pass.
        picture: the fields of a ``judging.picture.Picture``, or None.
        gradients: the fields of ``judging.gradient_rows.GradientRow``, of gradients of which one is wrong.
    """

    message: str
    picture: dict[str, Any] | None
    gradients: list[dict[str, str]]


def is_compared(result: Result) -> bool:
    """Whether a comparison with the golden says what became of it."""
    return result.get("judged_by") == "comparison"


def named(result: Result) -> str:
    """The golden and its precision, in words."""
    return f"{result['golden']} in {result['dtype']}"


def own_reason(result: Result) -> str:
    """Why it did not pass, without the golden and its precision; "" if it did."""
    return result.get("reason", "").removeprefix(f"{named(result)}: ")


def gradient_counts(results: Iterable[Result]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By gradient, how many goldens it was right, wrong and not checked in."""
    found = [result["gradients"] for result in results if "gradients" in result]
    right = Counter(name for one in found for name in one["right"])
    wrong = Counter(name for one in found for name in one["wrong"])
    return right, wrong, Counter(name for one in found for name in one["not_checked"])


RIGHT = "right wherever checked: "


def gradient_lines(results: Iterable[Result]) -> Iterator[str]:
    """A line for each gradient that was wrong somewhere, for those that never were, and for what was left out.

    Nothing if all were checked everywhere, and right.
    """
    right, wrong, left_out = gradient_counts(results)
    if not wrong and not left_out:
        return
    for name, count in wrong.most_common():
        yield f"{name}: wrong in {count} of {counted(count + right[name], 'golden')}"
    if always := [name for name in right if not wrong[name]]:
        yield f"{RIGHT}{', '.join(always)}"
    for name, count in left_out.most_common():
        yield f"not checked: {name}, in {counted(count, 'golden')}"
