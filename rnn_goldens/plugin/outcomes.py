"""Derives the outcome of a test, distinguishing refused from wrong, and stores it on the report, which xdist sends."""

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Any, Literal

import pytest

from rnn_goldens.comparison.verdict import GoldenMismatch, gradient_rows
from rnn_goldens.corpus.detectable_deviations import sizes_of
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden_result import FAILED, KNOWN, PASSED, REFUSED, SKIPPED, UNCHECKED, Drawn
from rnn_goldens.plugin.check_log import CHECK_FAILS, CheckLog, entry_of
from rnn_goldens.plugin.fixture import CHECK_LOG
from rnn_goldens.plugin.options import MESSAGE, PROPERTY, Message, message_of
from rnn_goldens.plugin.run_results import SelectedGolden, first_line, run_of, selected_of
from rnn_goldens.plugin.session_finish import remove_id_from_summary
from rnn_goldens.plugin.settings import skip_reason

OUTCOMES = (PASSED, SKIPPED, KNOWN, REFUSED, FAILED)
"""Outcomes from best to worst. The outcome of a test is the worst of its phases and subtests."""

_WORST = pytest.StashKey[dict[str, str]]()
"""The worst outcome of a test so far."""


def outcome_of(outcome: str, judged_by: str, reason: str = "", known: str = "") -> dict[str, str]:
    """Return the outcome of a phase of a test, or of a whole test: fields of its entry in the results file."""
    found = {"outcome": outcome, "judged_by": judged_by, "reason": reason, "known": known}
    return {name: text for name, text in found.items() if text}


def note_outcome(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn ``Unsupported`` into a refusal, and store the entry of the results file on the report."""
    if (selected := selected_of(item)) is None:
        return
    check_log = item.stash.get(CHECK_LOG, None)
    if check_log is not None and call.when == "call":
        check_log.ran = True
    setattr(report, MESSAGE, {})
    outcome = _outcome(item, selected, call, report, check_log)
    before = item.stash.get(_WORST, None) if call.when != "setup" else None
    if before is None or OUTCOMES.index(outcome["outcome"]) > OUTCOMES.index(before["outcome"]):
        item.stash[_WORST] = outcome
    entry: dict[str, Any] = {**selected.entry(report.nodeid), **entry_of(check_log)}
    if check_log is not None and check_log.golden.embedding is None:
        entry.pop("embed", None)  # none of the sizes is one of this golden
    if call.when == "teardown":
        entry |= _of_whole_test(item.stash[_WORST], check_log)
        _end(item, check_log, message_of(report))
    else:
        entry |= {"outcome": UNCHECKED}  # until the test has ended
        run = run_of(item.config)
        if hasattr(item.config, "workerinput") and not run.is_sent:  # xdist's controller knows only the tests' names
            run.is_sent, message_of(report)["selected"] = True, list(run.selected.values())
    report.user_properties.append((PROPERTY, dumps(entry)))


def _judged_by(error: BaseException | None) -> str:
    """Return what an error is of; ``check_gradients`` without gradients compares no values."""
    is_compared = error is None or (isinstance(error, GoldenMismatch) and error.verdict.differences)
    return "comparison" if is_compared else "test"


def _outcome(
    item: pytest.Item,
    selected: SelectedGolden,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    check_log: CheckLog | None,
) -> dict[str, str]:
    """Return the outcome of a phase or subtest, and correct the report if pytest's outcome differs."""
    error = call.excinfo.value if call.excinfo is not None else None
    if check_log is not None and isinstance(error, GoldenMismatch):
        check_log.reported.append(error.verdict)
        remove_id_from_summary(report, error.verdict)
    if check_log is not None and check_log.went_on and report.failed:
        report.longrepr = str(error)  # the test continued, so the traceback is not of the failure
    if isinstance(error, WrongUse) or (check_log is not None and check_log.unchecked and call.when == "call"):
        _set_outcome(report, "failed")
        return outcome_of(FAILED, "test", _reason(error, report))
    if (swallowed := _passed_over(item, call, report, check_log)) is not None:
        report.longrepr = str(swallowed)
        _set_outcome(report, "failed")
        return outcome_of(FAILED, "comparison", str(swallowed).partition("\n")[0])
    if isinstance(error, Unsupported) and call.when != "teardown" and call.excinfo is not None:
        if check_log is not None:
            check_log.refused = True
        return outcome_of(REFUSED, "refusal", _refuse(call.excinfo, report))
    if report.skipped:
        return _skipped(selected, error, report)
    judged_by = _judged_by(error) if report.passed or error is not None else "test"
    return outcome_of(report.outcome, judged_by, _reason(error, report))


def _skipped(selected: SelectedGolden, error: BaseException | None, report: pytest.TestReport) -> dict[str, str]:
    """Return the outcome of what pytest reports as skipped: a skipped test, a listed golden, or a known failure."""
    reason, known, skip = _reason(error, report), selected.known, selected.skip
    if not hasattr(report, "wasxfail"):
        return outcome_of(SKIPPED, "skip", reason)
    if skip is not None and report.wasxfail.endswith(skip_reason(skip)):
        return outcome_of(KNOWN, "skip", skip_reason(skip), skip.reason)
    return outcome_of(KNOWN, _judged_by(error), reason, "" if known is None else known.reason)


def _passed_over(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, check_log: CheckLog | None
) -> AssertionError | None:
    """Return the error for a mismatch in spite of which a test skips, refuses or passes, unless it is expected."""
    if check_log is None or hasattr(report, "wasxfail"):
        return None
    worst = item.stash.get(_WORST, None)
    ended_well = worst is None or worst["outcome"] in (PASSED, SKIPPED, REFUSED)
    refuses = isinstance(call.excinfo and call.excinfo.value, Unsupported)
    if report.skipped or refuses or (call.when == "teardown" and report.passed and ended_well):
        return check_log.swallowed
    return None


def _of_whole_test(worst: dict[str, str], check_log: CheckLog | None) -> dict[str, str]:
    """Return the outcome of a test that has ended: passed only if a comparison passed."""
    if worst["outcome"] != PASSED:
        return worst
    if check_log is not None and check_log.ran and check_log.shown_right:
        return worst
    if check_log is not None and check_log.ran and check_log.expected_to_fail:
        reason = check_log.expected_to_fail[0].message.partition("\n")[0]
        return outcome_of(KNOWN, "comparison", reason, CHECK_FAILS)
    return {"outcome": UNCHECKED}


def _end(item: pytest.Item, check_log: CheckLog | None, message: Message) -> None:
    """Send what a test found; clear its state, so that a rerun starts anew; further findings are late findings."""
    del item.stash[_WORST]
    if check_log is not None:
        if check_log.patterns_run:
            message["calls"] = {"run": sorted(check_log.patterns_run), "refused": check_log.patterns_refused}
        message["sizes"] = sizes_of(check_log.golden)
        if check_log.run.drawn and check_log.wrong:
            message["drawn"] = _drawn(check_log)
        check_log.ended = True
        del item.stash[CHECK_LOG]
    if unsent := run_of(item.config).unsent:
        message["late"] = list(unsent)
        unsent.clear()


def _drawn(check_log: CheckLog) -> Drawn:
    """Return the message and picture of the first mismatch, and rows of wrong gradients."""
    wrong = [one.verdict for one in check_log.wrong if one.of == GRADIENTS]
    rows = [row for verdict in wrong for row in gradient_rows(verdict.differences.values(), verdict.not_checked)]
    picture = None if check_log.picture is None else asdict(check_log.picture)
    return {"message": check_log.wrong[0].verdict.message, "picture": picture, "gradients": rows}


def _refuse(excinfo: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> str:
    frame = excinfo.traceback[-1]
    _set_outcome(report, "skipped")
    reason = message_of(report)["refused"] = _reason(excinfo.value, report)
    report.longrepr = (str(Path(frame.path)), frame.lineno + 1, f"refused: {reason}")
    return reason


def _set_outcome(report: pytest.TestReport, outcome: Literal["failed", "skipped"]) -> None:
    """Set the outcome, also of an expected failure."""
    report.outcome = outcome
    if hasattr(report, "wasxfail"):
        del report.wasxfail


def _reason(error: BaseException | None, report: pytest.TestReport) -> str:
    """Return the first line of the reason why a test did not pass; for a known failure that passed, pytest's text."""
    if report.passed:
        return ""
    if isinstance(error, SystemExit):
        return f"the test called sys.exit({first_line(repr(error.code))})"
    return first_line(report.longrepr if error is None else error)
