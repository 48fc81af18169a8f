"""What pytest prints for the plugin and of failures: each reason in full once, and nothing that a terminal obeys."""

from typing import Any

import pytest

from rnn_goldens.judging.verdict import Verdict
from rnn_goldens.visible import visible

_LONGEST = 2_000
"""Letters of a line."""

_MOST_CAPTURED = 100_000
"""Letters of what a test printed."""

_MOST_LINES = 1_000
"""Of the text of one error, and of each part of a traceback."""

_TOLD = pytest.StashKey[set[tuple[str, ...]]]()
"""Reasons for failures that were told in full, by this process."""

_IN_FULL = 2
"""From this verbosity on, ``-vv``, every text is told."""

_BEFORE = "E   "
"""As pytest marks the lines of an error."""


def tell(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


def make_tellable(report: pytest.TestReport) -> None:
    """Write out what a terminal would obey in a failure's text, and cut what nobody reads."""
    report.sections = [(title, _last(content)) for title, content in report.sections]
    told: Any = report.longrepr  # pytest keeps these types private
    if isinstance(told, str):
        report.longrepr = _tellable(told)
        return
    if (crash := getattr(told, "reprcrash", None)) is not None:
        crash.message = _tellable(crash.message)
    for traceback in _tracebacks(told):
        for entry in traceback.reprentries:
            if hasattr(entry, "lines"):
                entry.lines = _tellable("\n".join(entry.lines)).split("\n")


def _last(captured: str) -> str:
    """The end of what a test printed, colours and all; a flood hides what failed, in a terminal and in JUnit XML."""
    before = len(captured) - _MOST_CAPTURED
    return captured if before <= 0 else f"{before:,} letters before, and then …\n{captured[before:]}"


def _tracebacks(told: Any) -> list[Any]:  # noqa: ANN401
    """That of an error, and those of its causes."""
    chain = [part[0] for part in getattr(told, "chain", ())] or [getattr(told, "reprtraceback", None)]
    return [traceback for traceback in chain if hasattr(traceback, "reprentries")]


def _tellable(text: str) -> str:
    lines = text.split("\n")
    more = [f"… and {len(lines) - _MOST_LINES:,} lines more"] if len(lines) > _MOST_LINES else []
    return "\n".join([visible(_cut(line)) for line in lines[:_MOST_LINES]] + more)


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} … and {len(line) - _LONGEST:,} letters more"


def shorten(config: pytest.Config, report: pytest.TestReport, verdict: Verdict) -> None:
    """Leave the first line of a failure that has the same reason as one before, and no id twice in its summary."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)  # pytest keeps these types private
    if crash is None:
        return
    first = verdict.message.partition("\n")[0]
    golden, _, said = first.partition(": ")
    crash.message = f"{golden.partition(', like ')[2]}: {said}".removeprefix(": ")
    reason = verdict.explained_by or tuple(code for code, so in verdict.facts.items() if so)
    told = config.stash.setdefault(_TOLD, set())
    if reason not in told or config.get_verbosity() >= _IN_FULL:
        told.add(reason)
        return
    entries: Any = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
    if entries and hasattr(entries[-1], "lines"):
        last = entries[-1]
        last.lines = [f"{_BEFORE}{first}"]
        last.reprlocals = last.reprfuncargs = None
        entries[:] = [last]
