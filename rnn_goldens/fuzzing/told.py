"""What a search ends with, as it is read: what is wrong, why, how small it is, where it is kept, how to check it."""

import shlex
import traceback
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from rnn_goldens.counted import counted, was_or_were
from rnn_goldens.errors import ProgramFailed
from rnn_goldens.fuzzing.causes import causes
from rnn_goldens.fuzzing.drawn import DrawnGolden
from rnn_goldens.fuzzing.found import kept_and_said
from rnn_goldens.fuzzing.judged import Judged, TookTooLong, WroteIntoInputs, size
from rnn_goldens.fuzzing.search import INTERRUPTED, TIME, Search
from rnn_goldens.judging.failure_text import to_see

_OURS = Path(__file__).parents[1]
_MOST_FRAMES = 3
_MOST_REASONS = 5


def told(found: Search, implementation: str, folder: str | PathLike[str], seed: int) -> Iterator[str]:
    """Lines; the smallest golden that failed is kept in a folder.

    Args:
        found: the search.
        implementation: what was searched, as ``rnn-goldens check`` takes it.
        folder: where.
        seed: what it was drawn from.
    """
    if (smallest := found.smallest) is None:
        yield from _nothing(found, seed)
        return
    kept, said_of_it = kept_and_said(smallest.golden, folder, implementation)
    yield from _how_it_fails(smallest, implementation, kept)
    if why := list(causes(found.failed, list(found.lately))):
        yield from ("", *why)
    number = f"example {found.drawn:,}" if found.is_counted else "one"
    how = "a golden that was found before" if found.found_before else f"{number} of seed {seed}"
    most = f"; the smallest of {len(found.failed):,} that do has" if len(found.failed) > 1 else ", and has"
    yield from ("", f"{how} fails{most} {_spelled(smallest)}{_ended(found)}")
    if found.is_flaky:
        yield "asked once more it was right: the implementation does not always give the same"
    yield said_of_it


def _nothing(found: Search, seed: int) -> Iterator[str]:
    refused, before = sum(found.refused.values()), found.right_before
    right = f"{counted(found.drawn, 'golden')} of seed {seed}{_ended(found)}: {found.passed - before:,} right"
    found_before = f"{before:,} that {was_or_were(before)} found before {'is' if before == 1 else 'are'} right now"
    yield right + (f", {refused:,} refused" if refused else "") + (f"; and {found_before}" if before else "")
    reasons = sorted(found.refused.items(), key=lambda one: -one[1])
    for reason, count in reasons[:_MOST_REASONS]:
        yield f"  refused {count:,}: {reason}"
    if more := reasons[_MOST_REASONS:]:
        yield f"  refused {sum(count for _, count in more):,} for {counted(len(more), 'other reason')}"
    if not found.passed:
        yield "nothing was compared, so nothing is known to be right"


def _ended(found: Search) -> str:
    return {TIME: ", when the time was over", INTERRUPTED: ", when it was interrupted"}.get(found.ended, "")


def _spelled(judged: Judged) -> str:
    _, steps, rows, units, inputs, _ = size(judged.golden)
    directions = " in 2 directions" if judged.golden.config.bidirectional else ""
    sizes = ((steps, "step"), (rows, "row"), (units, "unit"), (inputs, "input"))
    layers = counted(judged.golden.config.num_layers, "layer")
    return f"{layers}{directions}, {', '.join(counted(*one) for one in sizes)}"


def _how_it_fails(judged: Judged, implementation: str, kept: str) -> Iterator[str]:
    golden, crash = judged.golden, judged.crash
    if crash is None:
        yield from DrawnGolden.of(golden, kept).compare(*judged.outputs).message.splitlines()
        return
    if isinstance(crash, ProgramFailed):
        protocol = f"protocol {golden.id}"
        found = f"{protocol} --corpus {shlex.quote(kept)}"
        yield from (line.replace(protocol, found) for line in str(crash).splitlines() if kept or protocol not in line)
    else:
        how = str(crash) if isinstance(crash, TookTooLong | WroteIntoInputs) else _raised(crash)
        yield f"{golden.id} in {golden.dtype}: {implementation} {how}"
        frames = [frame for frame in traceback.extract_tb(crash.__traceback__) if not _is_ours(frame.filename)]
        yield from "".join(traceback.format_list(frames[-_MOST_FRAMES:])).rstrip().splitlines()
    if kept:
        yield to_see(golden, kept)


def _raised(crash: BaseException) -> str:
    return f"raised {''.join(traceback.format_exception_only(crash)).strip()}"


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(_OURS)
