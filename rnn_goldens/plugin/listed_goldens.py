"""What a run says in the end of lists of goldens: which lines hold for some only, and the file as it is now."""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from rnn_goldens.counted import counted
from rnn_goldens.encoding.whole_file import write_whole
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.known_failures import Listed
from rnn_goldens.plugin.known_failures_update import UNEXPLAINED, Came, renewed
from rnn_goldens.plugin.names import flag
from rnn_goldens.plugin.tally import NOT_CHECKED, Tally, passes_again
from rnn_goldens.result import FAILED, PASSED, WRONG, Result, named

_MOST_LISTED = 3


def told(config: pytest.Config, tally: Tally, exitstatus: int) -> list[str]:
    """What is to be said; writes the file, if that is asked for and the run has judged all that it asked."""
    if flag(config, settings.UPDATE):
        return list(_updated(config, tally, exitstatus))
    return list(_that_pass(config, tally))


def _that_pass(config: pytest.Config, tally: Tally) -> Iterator[str]:
    """Of each line of which something passes, how much of it does."""
    by_line: dict[int, tuple[Listed, list[Result], list[Result]]] = {}
    for entry in tally.entries:
        ran = entry["outcome"] not in NOT_CHECKED and entry.get("judged_by") != "skip"
        if ran and (one := _line_of(config, entry)) is not None:
            _, passes, fails = by_line.setdefault(one.line, (one, [], []))
            (passes if passes_again(entry) else fails).append(entry)
    for one, passes, fails in by_line.values():
        if not passes:
            continue
        if not fails:
            yield f"{one.place}: {one.text} passes: take the line out"
            continue
        all_of_it = counted(len(passes) + len(fails), "golden")
        yield f"{one.place}: {one.text} holds for {len(fails)} of {all_of_it} that ran. These pass:"
        yield from (f"  {name}" for name in _few(passes))
        yield f"  let it name those that fail, or let --rnn-goldens-{settings.UPDATE} do so"


def _line_of(config: pytest.Config, entry: Result) -> Listed | None:
    return settings.first_listed(config, settings.KNOWN, entry["golden"], entry["dtype"], entry.get("corpus", ""))


def _few(entries: Sequence[Result]) -> list[str]:
    names = list(map(named, entries[:_MOST_LISTED]))
    return [*names, *([f"and {len(entries) - len(names)} more"] if len(entries) > len(names) else [])]


def _updated(config: pytest.Config, tally: Tally, exitstatus: int) -> Iterator[str]:
    path = settings.path_setting(config, settings.KNOWN)
    if path is None:
        return
    if tally.unfinished or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        yield f"{path.name} is as it was, for the run did not judge all that it asked"
        return
    about = settings.corpora(config)  # what the list is read with before a marker is seen
    judged = [entry for entry in tally.entries if _is_judged(entry)]
    ran = [entry for entry in judged if about.holds(entry["golden"])]
    both = _pass_and_fail(ran)
    came = [
        Came(about.entry(e["golden"]), e["dtype"], _fails(e), e.get("reason", "")) for e in ran if _of(e) not in both
    ]
    before = path.read_text("utf-8-sig") if path.exists() else ""
    after = renewed(before, settings.listed_in(config, settings.KNOWN), about.entries, came)
    changed = after.text != before or not path.exists()  # an empty list is one that the next run can read
    if changed:
        try:
            write_whole(path, after.text.encode("utf-8"))
        except OSError as error:  # what the run found is to be seen all the same
            yield f"{path.name} is as it was, for it can not be written: {error.strerror}"
            return
    counts = f"{len(after.new)} new, {len(after.narrowed)} narrowed, {len(after.gone)} gone"
    yield f"{'wrote' if changed else 'unchanged:'} {path.name}: {counts}"
    if after.new:
        yield f"  write why beside each that says “{UNEXPLAINED.strip(': ')}”"
    elsewhere = [e for e in judged if not about.holds(e["golden"]) and _fails(e) and e["outcome"] == FAILED]
    yield from _not_listed(both, elsewhere, tally)


def _pass_and_fail(ran: Sequence[Result]) -> set[tuple[str, str]]:
    """Goldens that pass in one test and fail in another."""
    passed, failed = ({_of(entry) for entry in ran if _fails(entry) is fails} for fails in (False, True))
    return passed & failed


def _not_listed(both: Iterable[tuple[str, str]], elsewhere: Iterable[Result], tally: Tally) -> Iterator[str]:
    """What is left out of the list, and why."""
    for golden, dtype in sorted(both):
        said = "passes in one test and fails in another, which no list can say: ask them in two runs"
        yield f"  {golden} in {dtype} {said}"
    for golden, dtype in dict.fromkeys(map(_of, elsewhere)):
        yield f"  {golden} in {dtype} is of a corpus that a marker names, which the list is not of"
    for entry in tally.with_outcome(FAILED):
        if entry.get("judged_by") == "crash":
            yield f"  {named(entry)} ended its process: it belongs into a --rnn-goldens-skip file"


def _of(entry: Result) -> tuple[str, str]:
    return entry["golden"], entry["dtype"]


def _is_judged(entry: Result) -> bool:
    """Whether it shows that a golden passes, or that it fails: not if it was refused, left out or ended its process."""
    by_itself = _fails(entry) and entry.get("judged_by") in ("comparison", "test")
    return by_itself or entry["outcome"] == PASSED or passes_again(entry)


def _fails(entry: Result) -> bool:
    return entry["outcome"] in WRONG and not passes_again(entry)
