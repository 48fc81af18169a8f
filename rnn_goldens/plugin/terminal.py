"""Terminal output of the plugin: five failures are printed whole, others in a line each, unless ``-vv`` is given."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.plugin.check_log import first_line
from rnn_goldens.plugin.options import result_of
from rnn_goldens.plurals import counted
from rnn_goldens.result import Result
from rnn_goldens.visible import visible

_MAX_WHOLE = 5
"""The largest number of failures that are printed whole."""

_FULL_VERBOSITY = 2
"""The lowest verbosity at which every failure is printed whole: ``-vv``."""


_CATEGORIES = ("failed", "error")

_ERROR_MARK = "E"
"""Start of pytest's lines of an error; other lines are source code."""

_SHORTENED = pytest.StashKey[list[pytest.TestReport]]()


def write_line(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


def remove_id_from_summary(report: pytest.TestReport, verdict: Verdict) -> None:
    """Remove the golden's id from a failure's line in the short test summary, which begins with the test's id."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)  # these types are private to pytest
    if crash is not None:
        golden, _, text = verdict.message.partition("\n")[0].partition(": ")
        crash.message = f"{golden.partition(', like ')[2]}: {text}".removeprefix(": ")


def shorten(terminal: "pytest.TerminalReporter", results: Iterable[Result]) -> None:
    """Choose the failures to print whole, of as many reasons as possible, and leave the others out of pytest's list."""
    config = terminal.config
    if config.get_verbosity() >= _FULL_VERBOSITY or config.option.tbstyle == "no":
        return
    entries = {entry["test"]: entry for entry in results}
    first, others, found = list[pytest.TestReport](), list[pytest.TestReport](), set[object]()
    for report in [report for category in _CATEGORIES for report in terminal.stats.get(category, ())]:
        if result_of(report) is not None and report.nodeid in entries:
            reason = _reason(entries[report.nodeid])
            (others if reason in found else first).append(report)
            found.add(reason)
    ordered = [*first, *others]
    if not (shortened := ordered[_MAX_WHOLE:]):
        return
    config.stash[_SHORTENED] = shortened
    for report in shortened:
        report._pdbshown = True  # type: ignore[attr-defined] # pytest lists such reports only in its short summary
    for report in ordered[:_MAX_WHOLE]:
        if config.option.tbstyle == "auto" and entries[report.nodeid].get("judged_by") == "comparison":
            _remove_source(report)


def _remove_source(report: pytest.TestReport) -> None:
    """Remove the source code and arguments of the test, which are the same for all goldens; keep message and place."""
    entries: Any = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
    if entries and hasattr(entries[-1], "lines"):
        entries[-1].lines = [line for line in entries[-1].lines if line.startswith(_ERROR_MARK)]
        entries[-1].reprfuncargs, entries[-1].style = None, "short"


def shortened_lines(terminal: "pytest.TerminalReporter") -> Iterator[str]:
    """Yield how many failures are not printed whole, and a line for each if the short test summary has none."""
    if not (shortened := terminal.config.stash.get(_SHORTENED, [])):
        return
    yield f"{counted(len(shortened), 'more failure')} below in one line each; -vv prints every failure whole"
    if not (terminal.hasopt("f") and terminal.hasopt("E")):
        for report in shortened:
            crash = getattr(report.longrepr, "reprcrash", None)
            yield f"{report.nodeid} - {first_line(getattr(crash, 'message', report.longrepr))}"


def _reason(entry: Result) -> object:
    """Return what failures of the same reason have in common: the deviations that explain them, else facts or text."""
    from rnn_goldens.diagnosis.missing_outputs import general, without_numbers

    if known := entry.get("explained_by") or [name for name, holds in entry.get("facts", {}).items() if holds]:
        return tuple(known)
    return without_numbers(general(entry.get("reason", ""), entry["golden"], entry["dtype"]))
