"""Summarizes goldens that failed before outputs were compared, grouped by reason."""

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping

from rnn_goldens.diagnosis.failure_patterns import OPTIONS
from rnn_goldens.diagnosis.finding_text import IN_WORDS, exclusion_hint
from rnn_goldens.plurals import counted

WIDTH = 80
LONGEST_REASON = 300
_MAX_REASONS = 4


def general(reason: str, golden: str, dtype: str) -> str:
    """Return the first line of a reason without the golden that it names."""
    return reason.replace(f"{golden} in {dtype}: ", "").replace(golden, "…")[:LONGEST_REASON] or "no reason given"


def without_numbers(reason: str) -> str:
    """Return a reason in a form that is the same for other numbers and addresses."""
    return re.sub(r"0x[0-9a-fA-F]+|\d+", "#", reason)


def by_reason(failed: Iterable[tuple[str, str, str]]) -> list[tuple[str, set[str]]]:
    """Group ids by reason, ignoring numbers in the reasons. Takes ids, precisions and first lines of reasons."""
    goldens, first = dict[str, set[str]](), dict[str, str]()
    for golden, dtype, reason in failed:
        text = general(reason, golden, dtype)
        key = without_numbers(text)
        goldens.setdefault(key, set()).add(golden)
        first.setdefault(key, text)
    return [(first[key], ids) for key, ids in sorted(goldens.items(), key=lambda item: -len(item[1]))]


def no_outputs(
    failed: Iterable[tuple[str, str, str]], features: Mapping[str, Collection[str]], passed: Iterable[str]
) -> Iterator[str]:
    """Yield the summary in lines of at most 80 columns.

    Args:
        failed: ids, precisions and first lines of reasons.
        features: features by id.
        passed: ids of the goldens that passed.
    """
    ranked, passed = by_reason(failed), list(passed)
    supported = {feature for golden in passed for feature in features.get(golden, ())}
    for reason, goldens in ranked[:_MAX_REASONS]:
        text = f"{counted(len(goldens), 'golden')} failed before outputs were compared: {reason}"
        in_all = set.intersection(*(set(features.get(golden, ())) for golden in goldens))
        if passed and len(goldens) > 1 and (missing := [option for option in OPTIONS if option in in_all - supported]):
            words = " and ".join(IN_WORDS[option][0] for option in missing)
            text += f"; all {words}, unlike all passed goldens: {exclusion_hint(missing)}"
        yield from textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    if rest := ranked[_MAX_REASONS:]:
        count = sum(len(goldens) for _, goldens in rest)
        yield f"… and {counted(count, 'golden')} for {counted(len(rest), 'other reason')}"
