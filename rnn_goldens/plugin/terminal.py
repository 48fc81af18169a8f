"""Terminal output of the plugin; the full text of a failure is printed once per reason, or always with ``-vv``."""

from typing import Any

import pytest

from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.visible import visible

_PRINTED = pytest.StashKey[set[tuple[str, ...]]]()
"""Reasons of failures that this process has printed in full."""

_FULL_VERBOSITY = 2
"""The lowest verbosity at which every failure is printed in full: ``-vv``."""

_ERROR_PREFIX = "E   "
"""Prefix of pytest's error lines."""


def write_line(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


def shorten(config: pytest.Config, report: pytest.TestReport, verdict: Verdict) -> None:
    """Shorten a failure to its first line if its reason was printed before; remove the golden's id from its summary."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)  # these types are private to pytest
    if crash is None:
        return
    first = verdict.message.partition("\n")[0]
    golden, _, text = first.partition(": ")
    crash.message = f"{golden.partition(', like ')[2]}: {text}".removeprefix(": ")
    reason = verdict.explained_by or tuple(code for code, holds in verdict.facts.items() if holds)
    printed = config.stash.setdefault(_PRINTED, set())
    if reason not in printed or config.get_verbosity() >= _FULL_VERBOSITY:
        printed.add(reason)
        return
    entries: Any = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
    if entries and hasattr(entries[-1], "lines"):
        last = entries[-1]
        last.lines = [f"{_ERROR_PREFIX}{first}"]
        last.reprlocals = last.reprfuncargs = None
        entries[:] = [last]
