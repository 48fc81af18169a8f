"""The results of an implementation as text: counts, causes and the first failures."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rnn_goldens.diagnosis.summary import WIDTH, wrapped
from rnn_goldens.golden_result import FAILED, KNOWN, PASSED, REFUSED, RIGHT, SKIPPED, Result, gradient_lines
from rnn_goldens.pages import Checked
from rnn_goldens.pages.causes import Cause, causes_of
from rnn_goldens.plurals import counted

_MAX_CAUSES = 8
_MAX_GOLDENS = 5

_OUTCOMES = (PASSED, REFUSED, KNOWN, FAILED, SKIPPED)
"""The outcomes, in the order in which they are counted."""


def terminal_text(found: Checked) -> str:
    """Return counts, a paragraph per cause, some failing goldens, each once, and the gradients."""
    results = found.results
    lines = [_counted(found.name, results)]
    causes = causes_of(0, found)
    for cause in causes[:_MAX_CAUSES]:
        lines += _of_cause(cause)
    if len(causes) > _MAX_CAUSES:
        lines.append(f"  … and {counted(len(causes) - _MAX_CAUSES, 'more cause')}")
    lines += _goldens([result for result in results if result["outcome"] == FAILED])
    return "\n".join([*lines, *_gradients(found.gradients)])


def _counted(name: str, results: Sequence[Result]) -> str:
    counts = Counter(result["outcome"] for result in results)
    summary = [f"{count} {outcome}" for outcome in _OUTCOMES if (count := counts[outcome])]
    return f"{name:<15} {', '.join(summary) or 'no golden selected'}"


def _gradients(gradients: Checked | None) -> Iterator[str]:
    """Yield counts, a reason if all are refused, wrong and unchecked gradients by name, and some failing goldens."""
    if gradients is None:
        return
    results = gradients.results
    yield _counted("  gradients", results)
    if results and all(result["outcome"] == REFUSED for result in results):
        reason, _ = Counter(result.get("reason", "") for result in results).most_common(1)[0]
        yield from wrapped(reason, "    ")
    for line in gradient_lines(results):
        if not line.startswith(RIGHT):
            yield from wrapped(line, "    ")
    yield from _goldens([result for result in results if result["outcome"] == FAILED], with_cause=True)


def _of_cause(cause: Cause) -> Iterator[str]:
    yield from wrapped(f"{cause.heading}: {cause.certainty}")
    for named in cause.deviations:
        yield from wrapped(f"{named.name}: {named.sentence}", "    ")
        if named.fix:
            yield from wrapped(f"to fix: {named.fix}", "    ")
        if cause.is_explained:
            yield from wrapped(f"to see the code: rnn-goldens explain {named.name}", "    ")
    for note in cause.notes:
        yield from wrapped(note, "    ")


def _goldens(wrong: Sequence[Result], *, with_cause: bool = False) -> Iterator[str]:
    """Yield a line per golden: its failure in one precision, the number of other failures, and optionally the cause."""
    by_golden: dict[str, list[Result]] = {}
    for result in wrong:
        by_golden.setdefault(result["golden"], []).append(result)
    for golden, (first, *others) in list(by_golden.items())[:_MAX_GOLDENS]:
        like, reason = _like_and_reason(first)
        also = f" and {len(others)} more" if others else ""
        line = f"  {golden} in {first['dtype']}{also}{like if with_cause else ''}: {reason}"
        if with_cause and like:
            yield from wrapped(line.strip())
        else:
            yield line if len(line) <= WIDTH else f"{line[: WIDTH - 1].rstrip()}…"
    if len(by_golden) > _MAX_GOLDENS:
        yield f"  … and {counted(len(by_golden) - _MAX_GOLDENS, 'more golden')}"


def _like_and_reason(wrong: Result) -> tuple[str, str]:
    """Split ``ID in float32, like NAME: 6 right; x wrong`` into ``, like NAME`` (may be "") and the text after it."""
    reason = wrong.get("reason", "")
    found = re.match(rf"{re.escape(wrong['golden'])} in {wrong['dtype']}(, like [^:]*)?: ", reason)
    return (found[1] or "", reason[found.end() :]) if found else ("", reason)
