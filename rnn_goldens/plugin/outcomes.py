"""What became of one test of a golden: refused is told from wrong, and noted on the report, where xdist carries it."""

import math
from pathlib import Path

import pytest

from rnn_goldens.errors import Unsupported
from rnn_goldens.plugin.golden_under_test import GOLDEN
from rnn_goldens.plugin.selection import Wanted


def note_outcome(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn ``Unsupported`` into a refusal; put what the results file says of this test on its report."""
    if call.excinfo is not None and isinstance(call.excinfo.value, Unsupported):
        _refuse(call.excinfo, report)
    wanted = getattr(item, "callspec", None) and item.callspec.params.get("rnn_golden")  # type: ignore[attr-defined]
    if isinstance(wanted, Wanted):
        golden = item.stash.get(GOLDEN, None)
        errors = [verdict.largest_error for verdict in golden.verdicts] if golden is not None else []
        largest = max(errors, default=math.inf)
        report.rnn_goldens_result = {
            "golden": wanted.id,
            "dtype": wanted.dtype,
            "test": report.nodeid,
            "outcome": _outcome(report),
            **({"largest_error": largest} if math.isfinite(largest) else {}),
            **({"reason": reason} if (reason := _reason(call, report)) else {}),
        }


def _refuse(excinfo: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> None:
    reason = str(excinfo.value) or "no reason given"
    place = excinfo.traceback[-1]
    report.outcome = "skipped"
    report.longrepr = (str(Path(place.path)), place.lineno + 1, f"refused: {reason}")
    report.rnn_goldens_refused = reason
    if hasattr(report, "wasxfail"):
        del report.wasxfail


def _outcome(report: pytest.TestReport) -> str:
    if getattr(report, "rnn_goldens_refused", None):
        return "refused"
    if report.skipped:
        return "known-failure" if hasattr(report, "wasxfail") else "skipped"
    return report.outcome


def _reason(call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
    if report.passed or call.excinfo is None:
        return ""
    lines = str(getattr(report, "rnn_goldens_refused", None) or call.excinfo.value).splitlines()
    return lines[0] if lines else type(call.excinfo.value).__name__
