"""The result of one golden in one precision, as shared by plugin, report, pages and results file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NotRequired, TypedDict

from rnn_goldens.plurals import counted

PASSED, REFUSED, SKIPPED = "passed", "refused", "skipped"
FAILED, KNOWN, UNCHECKED = "failed", "known-failure", "unchecked"

WRONG = (FAILED, KNOWN)
"""Outcomes with wrong outputs or no outputs."""

CHECKED = (PASSED, *WRONG)
"""Outcomes of goldens that were checked."""


class FoundGradients(TypedDict):
    """Names of the gradients that passed every comparison, that failed at least one, and that were never compared."""

    right: list[str]
    wrong: list[str]
    not_checked: list[str]
    outputs_wrong: NotRequired[bool]


class Result(TypedDict):
    """One entry of a results file. ``results-1.schema.json`` defines each key and the meaning of its absence."""

    golden: str
    dtype: str
    test: str
    outcome: str
    corpus: NotRequired[str]
    profile: NotRequired[list[str]]
    embed: NotRequired[dict[str, int]]
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
    """Details of a failed result for a page.

    Keys:
        message: the full failure message.
        picture: the fields of a ``comparison.picture.Picture``, or None.
        gradients: the rows of ``comparison.verdict.gradient_rows`` if a gradient is wrong.
    """

    message: str
    picture: dict[str, Any] | None
    gradients: list[dict[str, str]]


def is_compared(result: Result) -> bool:
    """Return whether the outcome is the result of a comparison with the golden."""
    return result.get("judged_by") == "comparison"


def golden_and_precision(result: Result) -> str:
    """Return the golden and its precision, in words."""
    return f"{result['golden']} in {result['dtype']}"


def own_reason(result: Result) -> str:
    """Return the reason why a golden did not pass, without the golden's id and precision; "" if it passed."""
    profile = f" by the profile {','.join(result['profile'])}" if "profile" in result else ""
    sizes = f" with {embedded_in(result)}" if "embed" in result else ""
    reason = result.get("reason", "").removeprefix(f"{golden_and_precision(result)}{profile}{sizes}: ")
    return reason.removeprefix(f"{golden_and_precision(result)}: ")


def embedded_in(result: Result) -> str:
    """Return the larger sizes that a golden was embedded in: ``d_k=128,heads=4``; "" if it was not."""
    return ",".join(f"{name}={size}" for name, size in result.get("embed", {}).items())


def compared_profiles(results: Iterable[Result]) -> Iterator[list[str]]:
    """Yield the profile of each golden that was compared, but for the default."""
    yield from (result["profile"] for result in results if "profile" in result and is_compared(result))


def embed_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield the larger sizes in which goldens were compared, with their number, and what failures may mean."""
    compared = [result for result in results if "embed" in result and is_compared(result)]
    for sizes, count in Counter(map(embedded_in, compared)).items():
        yield f"{counted(count, 'golden')} in larger sizes: {sizes}"
    if any(result["outcome"] == FAILED for result in compared):
        yield "Run those that fail without embed, too: if they pass, something is wrong only beyond their sizes."


def gradient_counts(results: Iterable[Result]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Count, for each gradient, the goldens in which it was right, wrong and not checked."""
    gradients = [result["gradients"] for result in results if "gradients" in result]
    right = Counter(name for one in gradients for name in one["right"])
    wrong = Counter(name for one in gradients for name in one["wrong"])
    return right, wrong, Counter(name for one in gradients for name in one["not_checked"])


RIGHT = "right wherever checked: "


def gradient_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield a line per wrong gradient, one line for all that were always right, and a line per unchecked gradient.

    Yields nothing if all gradients were checked and right in all goldens.
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
