"""Reports at the end of a run which known failures pass; if requested, updates the list of known failures.

An update removes entries whose goldens all pass, narrows entries of which some goldens pass, and adds new failures, in
one entry for each cause if conditions can tell its goldens from all others.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.corpus import Entry
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import DTYPES
from rnn_goldens.golden_result import FAILED, PASSED, WRONG, Result, embedded_in, golden_and_precision, own_reason
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.known_failures import EMBED, ListEntry, first_matching
from rnn_goldens.plugin.options import flag
from rnn_goldens.plugin.run_results import NOT_CHECKED, RunResults, first_names, golden_of, passes_again
from rnn_goldens.plurals import counted

UNEXPLAINED = "not looked at yet: "
"""Start of the reason of a new entry. A person must replace this reason."""

_Goldens = Sequence[tuple[Entry, str]]
"""Goldens, each in a precision."""

_LONGEST = 100
_REMOVED = "\0"


def report_lines(config: pytest.Config, run_results: RunResults, exitstatus: int) -> list[str]:
    """Return the lines to print; rewrites the file if that is requested and the run is complete."""
    is_updated = flag(config, settings.UPDATE)
    return list(_updated(config, run_results, exitstatus) if is_updated else _passing(config, run_results))


def _passing(config: pytest.Config, run_results: RunResults) -> Iterator[str]:
    """Yield lines about each entry of the list that matches a passing golden."""
    ran = [e for e in run_results.entries if e["outcome"] not in NOT_CHECKED and e.get("judged_by") != "skip"]
    by_line: dict[int, tuple[ListEntry, list[Result]]] = {}
    for entry in ran:
        about = settings.corpora_of(config, entry.get("corpus", "")).entry(entry["golden"])
        listed = settings.listed_in(config, settings.KNOWN)
        if one := first_matching(listed, about, entry["dtype"], entry.get("embed", {})):
            by_line.setdefault(one.line, (one, []))[1].append(entry)
    for one, entries in by_line.values():
        passes = [entry for entry in entries if passes_again(entry)]
        if len(passes) == len(entries):
            yield f"{one.place}: {one.text} passes: remove the line"
        elif passes:
            fails = f"{len(entries) - len(passes)} of {counted(len(entries), 'golden')}"
            yield f"{one.place}: {one.text} fails for {fails} that ran. These pass:"
            yield from (f"  {name}" for name in first_names(passes))
            yield f"  narrow the line to the goldens that fail, or use --rnn-goldens-{settings.UPDATE}"


def _updated(config: pytest.Config, run_results: RunResults, exitstatus: int) -> Iterator[str]:
    path = settings.path_setting(config, settings.KNOWN)
    if path is None:
        return
    if run_results.unfinished or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        yield f"{path.name} was not changed: the run did not check every selected golden"
        return
    about = settings.corpora_of(config)  # the list is read with the corpora of the settings, before any marker is known
    compared = [entry for entry in run_results.entries if _is_compared(entry)]
    ran = [entry for entry in compared if about.holds(entry["golden"])]
    passed, failed = ({golden_of(entry) for entry in ran if _fails(entry) is fails} for fails in (False, True))
    both = passed & failed
    results = [entry for entry in ran if golden_of(entry) not in both]
    before = path.read_text("utf-8-sig") if path.exists() else ""
    after = updated_list(before, settings.listed_in(config, settings.KNOWN), about.entries, results)
    changed = after.text != before or not path.exists()  # an empty file is written, so that the next run can read it
    if changed:
        try:
            write_whole(path, after.text.encode("utf-8"))
        except OSError as error:  # the results are still reported
            yield f"{path.name} was not changed, because it cannot be written: {error.strerror}"
            return
    counts = f"{after.new} new, {after.narrowed} narrowed, {after.gone} gone"
    yield f"{'wrote' if changed else 'unchanged:'} {path.name}: {counts}"
    if after.new:
        yield f"  replace each reason that starts with “{UNEXPLAINED.strip(': ')}”"
    for golden, dtype in sorted(both):
        text = "passes in one test and fails in another, which a list cannot express: use two runs"
        yield f"  {golden} in {dtype} {text}"
    elsewhere = [e for e in compared if not about.holds(e["golden"]) and _fails(e) and e["outcome"] == FAILED]
    for golden, dtype in dict.fromkeys(map(golden_of, elsewhere)):
        yield f"  {golden} in {dtype} is in a corpus that a marker names; the list covers the corpora of the settings"
    for entry in run_results.with_outcome(FAILED):
        if entry.get("judged_by") == "crash":
            yield f"  {golden_and_precision(entry)} ended its process: add it to a --rnn-goldens-skip file"


def _is_compared(entry: Result) -> bool:
    """Return whether an entry shows that a golden passes or fails; False if it was refused, skipped or crashed."""
    by_itself = _fails(entry) and entry.get("judged_by") in ("comparison", "test")
    return by_itself or entry["outcome"] == PASSED or passes_again(entry)


def _fails(entry: Result) -> bool:
    return entry["outcome"] in WRONG and not passes_again(entry)


class UpdatedList(NamedTuple):
    """The text of the updated file, and its numbers of new, narrowed and removed entries."""

    text: str
    new: int
    narrowed: int
    gone: int


def updated_list(
    text: str, listed: Sequence[ListEntry], entries: Iterable[Entry], results: Sequence[Result]
) -> UpdatedList:
    """Return the file after a run; keeps comments, order, and entries of goldens that did not run.

    A run in larger sizes changes only entries of larger sizes, and any other run only the others. ``results`` are those
    of goldens that were compared or raised an error.
    """
    by_id = {entry.id: entry for entry in entries}
    failed = [result for result in results if _fails(result)]
    narrowed = gone = 0
    lines = text.removeprefix("\ufeff").splitlines()
    for one in listed:
        covered, of_sizes = _matched(one, by_id), [r for r in results if one.is_of_larger_sizes == ("embed" in r)]
        ran = [r for r in of_sizes if one.is_for(by_id[r["golden"]].cell, r.get("embed", {}))]
        known_to_fail = {golden_of(result) for result in ran if _fails(result)}
        passed = {*map(golden_of, ran)} - known_to_fail
        passing, failing = ([(e, d) for e, d in covered if (e.id, d) in some] for some in (passed, known_to_fail))
        if passing:
            lines[one.line - 1] = "\n".join(_narrowed(one, covered, passing, failing)) or _REMOVED
            gone += len(passing) == len(covered)
            narrowed += len(passing) != len(covered)
    new = [r for r in failed if not first_matching(listed, by_id[r["golden"]], r["dtype"], r.get("embed", {}))]
    for sizes in dict.fromkeys(map(embedded_in, new)):
        lines += _with_embed(_new_lines([result for result in new if embedded_in(result) == sizes], by_id), sizes)
    return UpdatedList("".join(f"{line}\n" for line in lines if line != _REMOVED), len(new), narrowed, gone)


def _with_embed(lines: Iterable[str], sizes: str) -> list[str]:
    """Return entries with the condition of larger sizes; unchanged if ``sizes`` is empty."""
    return [line.replace("  # ", f" {EMBED}={sizes}  # ", 1) if sizes else line for line in lines]


def _matched(one: ListEntry, by_id: Mapping[str, Entry]) -> _Goldens:
    return [(entry, dtype) for entry in by_id.values() for dtype in entry.precisions if one.matches(entry, dtype)]


def _new_lines(new: Sequence[Result], by_id: Mapping[str, Entry]) -> list[str]:
    """Return the entries of new failures: one for each cause that several have, if that is shorter, else one each."""
    by_cause: dict[str, list[Result]] = {}
    for result in new:
        by_cause.setdefault(re.sub(r"[\d\W]+", " ", _cause(result)), []).append(result)  # numbers in errors differ
    lines, others = list[str](), list[Result]()
    for results in by_cause.values():
        cause = _cause(results[0])
        text = _one_entry([(by_id[result["golden"]], result["dtype"]) for result in results], by_id) if cause else ""
        if text:
            lines.append(f"{text}  # {UNEXPLAINED}{cause}")
        else:
            others += results
    reasons = {r["golden"]: f"{UNEXPLAINED}{_cause(r) or _short(r)}" for r in reversed(others)}
    return lines + _lines([(by_id[result["golden"]], result["dtype"]) for result in others], reasons)


def _cause(result: Result) -> str:
    """Return what caused a failure: a deviation, or an error of the implementation; "" if it is not known."""
    if explained := result.get("explained_by"):
        return explained[0]
    return _short(result) if result.get("judged_by") == "test" else ""


def _one_entry(failing: _Goldens, by_id: Mapping[str, Entry]) -> str:
    """Return the text of one entry that matches these goldens and no others; "" if it would be longer than their ids.

    It has every condition that the goldens share, except those without which it matches the same goldens.
    """
    features = [set(entry.features) for entry, _ in failing]
    conditions = {
        "cell": list(dict.fromkeys(entry.cell for entry, _ in failing)),
        "features": [name for name in FEATURES if all(name in of for of in features)],
        "without": [name for name in FEATURES if not any(name in of for of in features)],
        "dtype": [dtype for dtype in DTYPES if _in(dtype, failing)],
    }

    def entry_of(conditions: Mapping[str, Sequence[str]]) -> ListEntry:
        given = {name: names for name, names in conditions.items() if names}
        text = " ".join(f"{name}={','.join(names)}" for name, names in given.items())
        return ListEntry(text, "", Path(), 0, conditions=given)

    matched = _matched(entry_of(conditions), by_id)
    parts = [(name, {feature}) for name in ("without", "features") for feature in conditions[name]]
    for name, part in [*parts, ("dtype", {*DTYPES}), ("cell", {*conditions["cell"]})]:
        fewer = conditions | {name: [other for other in conditions[name] if other not in part]}
        if any(fewer.values()) and len(_matched(entry_of(fewer), by_id)) == len(matched):
            conditions = fewer
    one = entry_of(conditions)
    fails = _by_id(failing)
    excepted = [(entry, dtype) for entry, dtype in matched if dtype not in fails.get(entry.id, ())]
    text = _with(one, matched, matched, excepted)
    return text if len(text) < sum(map(len, fails)) else ""


def _narrowed(one: ListEntry, covered: _Goldens, passing: _Goldens, failing: _Goldens) -> list[str]:
    """Return the lines that replace an entry: per precision, the entry with exceptions, or one entry per failure."""
    keeps, excepted, shorter = list[str](), list[tuple[Entry, str]](), list[tuple[Entry, str]]()
    for dtype in DTYPES:
        of, passes, fails = (_in(dtype, goldens) for goldens in (covered, passing, failing))
        if len(fails) + len(passes) == len(of) and len(fails) <= len(passes):
            shorter += fails
        else:
            keeps.append(dtype)
            excepted += passes
    ran = {dtype for _, dtype in (*passing, *failing)}
    kept = [(entry, dtype) for entry, dtype in covered if dtype in keeps]
    before = [f"{_with(one, kept, covered, excepted, ran)}  # {one.reason}"] if keeps else []
    lines = _lines(shorter, dict.fromkeys((entry.id for entry, _ in shorter), one.reason))
    return before + _with_embed(lines, ",".join(one.conditions.get(EMBED, ())))


def _in(dtype: str, goldens: _Goldens) -> _Goldens:
    return [golden for golden in goldens if golden[1] == dtype]


def _with(one: ListEntry, kept: _Goldens, covered: _Goldens, excepted: _Goldens, ran: Collection[str] = DTYPES) -> str:
    """Return the text of an entry, restricted to the precisions of ``kept``, with ``excepted`` as exceptions.

    A restriction to precisions that did not run is written as an exception of those that ran.
    """
    words, names = one.text.split(), list[str]()
    if len(kept) != len(covered):
        precisions = [dtype for dtype in DTYPES if _in(dtype, kept)]
        if "dtype" in one.conditions or set(precisions) <= set(ran):
            words = [word for word in words if not word.startswith("dtype=")] + [f"dtype={','.join(precisions)}"]
        else:
            names = [f"*-{dtype}" for dtype in DTYPES if _in(dtype, covered) and dtype not in precisions]
    of_each = _by_id(kept)
    for golden_id, out in _by_id(excepted).items():
        names += [golden_id] if out == of_each.get(golden_id) else [f"{golden_id}-{dtype}" for dtype in out]
    if not names:
        return " ".join(words)
    there = next((word for word in words if word.startswith("except=")), "")
    return " ".join([*(word for word in words if word != there), ",".join([there or f"except={names.pop(0)}", *names])])


def _lines(goldens: _Goldens, reasons: Mapping[str, str]) -> list[str]:
    """Return one entry per golden, with its precisions unless it fails in all precisions."""
    available = {entry.id: set(entry.precisions) for entry, _ in goldens}
    keys = {
        golden_id: golden_id if set(dtypes) >= available[golden_id] else f"{golden_id} dtype={','.join(dtypes)}"
        for golden_id, dtypes in _by_id(goldens).items()
    }
    width = max(map(len, keys.values()), default=0)
    return [f"{text:<{width}}  # {reasons[golden_id]}" for golden_id, text in keys.items()]


def _by_id(goldens: _Goldens) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry, dtype in goldens:
        found.setdefault(entry.id, []).append(dtype)
    return found


def _short(result: Result) -> str:
    line = " ".join(own_reason(result).split()) or "it failed"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
