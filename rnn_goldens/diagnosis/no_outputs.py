"""What failed before outputs were compared: an error for one reason is said once."""

import re
import textwrap
from collections.abc import Iterable, Iterator

from rnn_goldens.counted import counted

WIDTH = 80
LONGEST_REASON = 300
_MOST_REASONS = 4


def by_reason(failed: Iterable[tuple[str, str, str]]) -> list[tuple[str, int]]:
    """Each reason once, its numbers aside, and how many goldens failed for it; from ids, precisions and first lines."""
    goldens, first = dict[str, set[str]](), dict[str, str]()
    for golden, dtype, reason in failed:
        said = reason.replace(f"{golden} in {dtype}: ", "").replace(golden, "…")[:LONGEST_REASON] or "no reason given"
        but_for_numbers = re.sub(r"0x[0-9a-fA-F]+|\d+", "#", said)
        goldens.setdefault(but_for_numbers, set()).add(golden)
        first.setdefault(but_for_numbers, said)
    return [(first[alike], len(some)) for alike, some in sorted(goldens.items(), key=lambda item: -len(item[1]))]


def no_outputs(failed: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Lines of at most 80 columns."""
    ranked = by_reason(failed)
    for reason, count in ranked[:_MOST_REASONS]:
        said = f"{counted(count, 'golden')} failed before outputs were compared: {reason}"
        yield from textwrap.wrap(said, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    if rest := ranked[_MOST_REASONS:]:
        yield f"… and {counted(sum(count for _, count in rest), 'golden')} for {counted(len(rest), 'other reason')}"
