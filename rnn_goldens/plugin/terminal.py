"""What the terminal shows: lines of the plugin, and each reason of a failure in full once."""

from typing import Any

import pytest

from rnn_goldens.judging.verdict import Verdict
from rnn_goldens.visible import visible

_TOLD = pytest.StashKey[set[tuple[str, ...]]]()
"""Reasons for failures that this process has printed in full."""

_IN_FULL = 2
"""From this verbosity on, ``-vv``, every text is printed in full."""

_BEFORE = "E   "
"""As pytest marks the lines of an error."""


def tell(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


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
