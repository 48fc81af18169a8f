"""What failed before outputs were compared: an error for one reason is said once."""

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping

from rnn_goldens.counted import counted
from rnn_goldens.diagnosis.fact_list import IN_WORDS, leave_out
from rnn_goldens.diagnosis.in_common import OPTIONS

WIDTH = 80
LONGEST_REASON = 300
_MOST_REASONS = 4


def by_reason(failed: Iterable[tuple[str, str, str]]) -> list[tuple[str, set[str]]]:
    """Each reason once, its numbers aside, and which goldens failed for it; from ids, precisions and first lines."""
    goldens, first = dict[str, set[str]](), dict[str, str]()
    for golden, dtype, reason in failed:
        said = reason.replace(f"{golden} in {dtype}: ", "").replace(golden, "…")[:LONGEST_REASON] or "no reason given"
        but_for_numbers = re.sub(r"0x[0-9a-fA-F]+|\d+", "#", said)
        goldens.setdefault(but_for_numbers, set()).add(golden)
        first.setdefault(but_for_numbers, said)
    return [(first[alike], some) for alike, some in sorted(goldens.items(), key=lambda item: -len(item[1]))]


def no_outputs(
    failed: Iterable[tuple[str, str, str]], features: Mapping[str, Collection[str]], passed: Iterable[str]
) -> Iterator[str]:
    """Lines of at most 80 columns.

    Args:
        failed: ids, precisions and first lines.
        features: by id.
        passed: ids of the goldens that passed.
    """
    ranked, passed = by_reason(failed), list(passed)
    had = {feature for golden in passed for feature in features.get(golden, ())}
    for reason, goldens in ranked[:_MOST_REASONS]:
        said = f"{counted(len(goldens), 'golden')} failed before outputs were compared: {reason}"
        in_all = set.intersection(*(set(features.get(golden, ())) for golden in goldens))
        if passed and len(goldens) > 1 and (alone := [option for option in OPTIONS if option in in_all - had]):
            words = " and ".join(IN_WORDS[option][0] for option in alone)
            said += f"; all {words}, and nothing that passes does: {leave_out(alone)}"
        yield from textwrap.wrap(said, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    if rest := ranked[_MOST_REASONS:]:
        count = sum(len(goldens) for _, goldens in rest)
        yield f"… and {counted(count, 'golden')} for {counted(len(rest), 'other reason')}"
