"""What a run says in the end of its list of known failures; and that list as the run finds it.

What holds stays, what passes again goes, what is new comes in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from rnn_goldens.corpus import Entry
from rnn_goldens.counted import counted
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.known_failures import Listed
from rnn_goldens.plugin.options import flag
from rnn_goldens.plugin.run_results import NOT_CHECKED, Tally, passes_again
from rnn_goldens.result import FAILED, PASSED, WRONG, Result, named, own_reason
from rnn_goldens.writing import write_whole

UNEXPLAINED = "not looked at yet: "
"""How the reason of a new entry begins, which a person is to replace."""

_Goldens = Sequence[tuple[Entry, str]]
"""Goldens, each in a precision."""

_LONGEST = 100
_MOST_LISTED = 3
_GOES = "\0"


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
    came = [entry for entry in ran if _of(entry) not in both]
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


@dataclass(frozen=True)
class Renewed:
    """The file as it is to be.

    Attributes:
        text: all of it.
        gone: lines of which nothing fails any more.
        narrowed: lines of which some pass, and that name now what they speak of.
        new: the goldens and precisions that had no line.
    """

    text: str
    gone: Sequence[Listed]
    narrowed: Sequence[Listed]
    new: Sequence[Result]


def renewed(text: str, listed: Sequence[Listed], entries: Iterable[Entry], came: Sequence[Result]) -> Renewed:
    """The file after a run, comments and order as they were. What did not run stays listed.

    Args:
        text: the file; "" if there is none.
        listed: its entries.
        entries: all goldens of the corpora.
        came: what became of those that were compared or raised.
    """
    by_id = {entry.id: entry for entry in entries}
    passed = {_of(result) for result in came if not _fails(result)}
    failed = [result for result in came if _fails(result)]
    known_to_fail = set(map(_of, failed))
    gone, narrowed = list[Listed](), list[Listed]()
    lines = text.removeprefix("\ufeff").splitlines()
    for one in listed:
        covered = [(e, dtype) for e in by_id.values() for dtype in e.precisions if one.matches(e, dtype)]
        passing = [(e, dtype) for e, dtype in covered if (e.id, dtype) in passed]
        if not passing:
            continue
        failing = [(e, dtype) for e, dtype in covered if (e.id, dtype) in known_to_fail]
        lines[one.line - 1] = "\n".join(_narrowed(one, covered, passing, failing)) or _GOES
        (gone if len(passing) == len(covered) else narrowed).append(one)
    new = [r for r in failed if not any(one.matches(by_id[r["golden"]], r["dtype"]) for one in listed)]
    reasons = {result["golden"]: f"{UNEXPLAINED}{_short(result)}" for result in reversed(new)}
    lines += _lines([(by_id[result["golden"]], result["dtype"]) for result in new], reasons)
    kept = [line for line in lines if line != _GOES]
    return Renewed("".join(f"{line}\n" for line in kept), gone, narrowed, new)


def _narrowed(one: Listed, covered: _Goldens, passing: _Goldens, failing: _Goldens) -> list[str]:
    """What is left of a line: the line without what passes; or what fails, where all of it ran and that is shorter."""
    keeps, excepted, shorter = list[str](), list[tuple[Entry, str]](), list[tuple[Entry, str]]()
    for dtype in PRECISIONS:
        of, passes, fails = (_in(dtype, goldens) for goldens in (covered, passing, failing))
        if len(fails) + len(passes) == len(of) and len(fails) <= len(passes):
            shorter += fails
        else:
            keeps.append(dtype)
            excepted += passes
    kept = [(entry, dtype) for entry, dtype in covered if dtype in keeps]
    before = [f"{_with(one, kept, covered, excepted)}  # {one.reason}"] if keeps else []
    return before + _lines(shorter, dict.fromkeys((entry.id for entry, _ in shorter), one.reason))


def _in(dtype: str, goldens: _Goldens) -> _Goldens:
    return [golden for golden in goldens if golden[1] == dtype]


def _with(one: Listed, kept: _Goldens, covered: _Goldens, excepted: _Goldens) -> str:
    """The text of a line in the precisions that it keeps, with exceptions."""
    words = one.text.split()
    if len(kept) != len(covered):
        precisions = [dtype for dtype in PRECISIONS if _in(dtype, kept)]
        words = [word for word in words if not word.startswith("dtype=")] + [f"dtype={','.join(precisions)}"]
    if not excepted:
        return " ".join(words)
    of_each = {entry.id: [d for e, d in kept if e.id == entry.id] for entry, _ in excepted}
    out = {golden_id: [d for e, d in excepted if e.id == golden_id] for golden_id in of_each}
    names = [name for i, of in of_each.items() for name in ([i] if out[i] == of else [f"{i}-{d}" for d in out[i]])]
    there = next((word for word in words if word.startswith("except=")), "")
    return " ".join([*(word for word in words if word != there), ",".join([there or f"except={names.pop(0)}", *names])])


def _lines(goldens: _Goldens, reasons: Mapping[str, str]) -> list[str]:
    """One entry a golden, with its precisions where it is not in all that it has."""
    precisions: dict[str, list[str]] = {}
    held = {entry.id: entry.precisions for entry, _ in goldens}
    for entry, dtype in goldens:
        precisions.setdefault(entry.id, []).append(dtype)
    said = {
        golden_id: golden_id if set(dtypes) >= set(held[golden_id]) else f"{golden_id} dtype={','.join(dtypes)}"
        for golden_id, dtypes in precisions.items()
    }
    width = max(map(len, said.values()), default=0)
    return [f"{text:<{width}}  # {reasons[golden_id]}" for golden_id, text in said.items()]


def _short(result: Result) -> str:
    line = " ".join(own_reason(result).split()) or "it failed"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
