"""What became of one test of a golden: refused is told from wrong, and noted on the report, where xdist carries it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.errors import Unsupported
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.golden_under_test import GOLDEN, REFUSED, UNCHECKED
from rnn_goldens.plugin.hooks import PROPERTY, REFUSED_BECAUSE
from rnn_goldens.plugin.selection import Wanted

OUTCOMES = ("passed", "skipped", "known-failure", "refused", "failed")
"""From best to worst: a test of several phases and subtests has the worst outcome of any."""

_WORST = pytest.StashKey[dict[str, str]]()
"""The worst outcome of a test so far, with its reason."""


def note_outcome(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn ``Unsupported`` into a refusal; put what the results file says of this test so far on its report."""
    callspec: Any = getattr(item, "callspec", None)  # of a parametrized function; pytest keeps its type private
    wanted = callspec.params.get("rnn_golden") if callspec is not None else None
    if not isinstance(wanted, Wanted):
        return
    error = call.excinfo.value if call.excinfo is not None else None
    refused = isinstance(error, Unsupported) and call.when != "teardown"
    if refused and call.excinfo is not None:
        item.stash[REFUSED] = True
        _refuse(call.excinfo, report)
    elif item.stash.get(UNCHECKED, False) and call.when == "call":
        report.outcome = "failed"
        _forget_xfail(report)
    golden = item.stash.get(GOLDEN, None)
    errors = [verdict.largest_error for verdict in golden.verdicts] if golden is not None else []
    largest = max(errors, default=math.inf)
    result = {
        "golden": wanted.id,
        "dtype": wanted.dtype,
        "test": report.nodeid,
        **({"largest_error": largest} if math.isfinite(largest) else {}),
        **(
            {"calls": {name: name in golden.made for name in golden.calls}}
            if golden is not None and golden.calls
            else {}
        ),
        **_worst(item, call, "refused" if refused else _outcome(report), _reason(error, report)),
    }
    report.user_properties.append((PROPERTY, json.dumps(result)))


def _worst(item: pytest.Item, call: pytest.CallInfo[None], outcome: str, reason: str) -> dict[str, str]:
    """The worst outcome of this attempt at a test; the first of several that are as bad."""
    before = item.stash.get(_WORST, None) if call.when != "setup" else None
    if before is None or OUTCOMES.index(outcome) > OUTCOMES.index(before["outcome"]):
        known = _known(item) if outcome == "known-failure" else ""
        said = {"reason": reason, "known": known}
        item.stash[_WORST] = {"outcome": outcome, **{name: text for name, text in said.items() if text}}
    return item.stash[_WORST]


def _known(item: pytest.Item) -> str:
    """Why a golden is known to fail, where that stands in the known-failures file; it may be a mark of the test's."""
    wanted: Wanted = item.callspec.params["rnn_golden"]  # type: ignore[attr-defined] # pytest keeps its type private
    found = (known for known in settings.known_failures(item.config) if known.matches(wanted.id, wanted.dtype))
    return next((known.reason for known in found), "")


def _refuse(excinfo: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> None:
    place = excinfo.traceback[-1]
    report.outcome = "skipped"
    reason = _reason(excinfo.value, report)
    report.longrepr = (str(Path(place.path)), place.lineno + 1, f"refused: {reason}")
    setattr(report, REFUSED_BECAUSE, reason)
    _forget_xfail(report)


def _forget_xfail(report: pytest.TestReport) -> None:
    if hasattr(report, "wasxfail"):
        del report.wasxfail


def _outcome(report: pytest.TestReport) -> str:
    if report.skipped:
        return "known-failure" if hasattr(report, "wasxfail") else "skipped"
    return report.outcome


def _reason(error: BaseException | None, report: pytest.TestReport) -> str:
    """First line of why it did not pass; of a known failure that passed, pytest has the text on the report."""
    if report.passed:
        return ""
    text = str(error) if error is not None else str(report.longrepr)
    return text.partition("\n")[0] or f"{type(error).__name__}, no reason given"
