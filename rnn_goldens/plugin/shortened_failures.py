"""Shortens pytest's own report of failures: many are printed in one line each."""

from collections.abc import Iterator
from typing import Any

import pytest

from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.control_characters import visible
from rnn_goldens.diagnosis.summary import general, without_numbers
from rnn_goldens.golden_result import Result
from rnn_goldens.plugin.report_message import result_of
from rnn_goldens.plugin.run_results import RunResults, first_line
from rnn_goldens.plurals import counted

_MAX_WHOLE = 5
"""The largest number of failures that are printed whole."""


_FULL_VERBOSITY = 2
"""The lowest verbosity at which every failure is printed whole: ``-vv``."""


def write_line(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


def remove_id_from_summary(report: pytest.TestReport, verdict: Verdict) -> None:
    """Remove the golden's id from a failure's line in the short test summary, which begins with the test's id."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)  # these types are private to pytest
    if crash is not None:
        golden, _, text = verdict.message.partition("\n")[0].partition(": ")
        crash.message = f"{golden.partition(', like ')[2]}: {text}".removeprefix(": ")


def shorten(terminal: "pytest.TerminalReporter", run: RunResults) -> None:
    """Choose the failures to print whole, of as many reasons as possible, and leave the others out of pytest's list."""
    config = terminal.config
    if config.get_verbosity() >= _FULL_VERBOSITY or config.option.tbstyle == "no":
        return
    entries = {entry["test"]: entry for entry in run.entries}
    first, others, found = list[pytest.TestReport](), list[pytest.TestReport](), set[object]()
    for report in [*terminal.stats.get("failed", ()), *terminal.stats.get("error", ())]:
        if result_of(report) is not None and report.nodeid in entries:
            reason = _reason(entries[report.nodeid])
            (others if reason in found else first).append(report)
            found.add(reason)
    ordered = [*first, *others]
    run.shortened = ordered[_MAX_WHOLE:]
    for report in run.shortened:
        report._pdbshown = True  # type: ignore[attr-defined] # pytest lists such reports only in its short summary
    for report in ordered[:_MAX_WHOLE] if run.shortened else ():
        # Remove source code and arguments of the test, which are the same for all goldens; keep message and place,
        # which are lines with an E.
        parts: Any = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
        is_compared_only = config.option.tbstyle == "auto" and entries[report.nodeid].get("judged_by") == "comparison"
        if is_compared_only and parts and hasattr(parts[-1], "lines"):
            parts[-1].lines = [line for line in parts[-1].lines if line.startswith("E")]
            parts[-1].reprfuncargs, parts[-1].style = None, "short"


def shortened_lines(terminal: "pytest.TerminalReporter", run: RunResults) -> Iterator[str]:
    """Yield how many failures are not printed whole, and a line for each if the short test summary has none."""
    if run.shortened:
        count = counted(len(run.shortened), "more failure")
        yield f"{count} below in one line each; -vv prints every failure whole"
    for report in () if terminal.hasopt("f") and terminal.hasopt("E") else run.shortened:
        crash = getattr(report.longrepr, "reprcrash", None)
        yield f"{report.nodeid} - {first_line(getattr(crash, 'message', report.longrepr))}"


def _reason(entry: Result) -> object:
    """Return what failures of the same reason have in common: the deviations that explain them, else facts or text."""
    if known := entry.get("explained_by") or [name for name, holds in entry.get("facts", {}).items() if holds]:
        return tuple(known)
    return without_numbers(general(entry.get("reason", ""), entry["golden"], entry["dtype"]))
