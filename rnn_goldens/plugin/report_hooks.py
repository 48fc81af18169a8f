"""Derives the outcome of a test, distinguishing refused from wrong, and stores it on the report, which xdist sends."""

from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path

import pytest

from rnn_goldens.comparison.gradient_rows import gradient_rows
from rnn_goldens.comparison.verdict import GoldenMismatch, Verdict
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.check_log import CHECK_FAILS, CheckLog, entry_of, first_line
from rnn_goldens.plugin.fixture import CHECK_LOG, LATE
from rnn_goldens.plugin.marker import SelectedGolden, selected_of, skip_reason
from rnn_goldens.plugin.options import (
    CALL_PATTERNS_TRIED,
    DRAWN,
    LATE_FINDINGS,
    PROPERTY,
    REFUSED_BECAUSE,
    SELECTED,
    SIZES,
)
from rnn_goldens.plugin.run_results import RUN_RESULTS
from rnn_goldens.plugin.terminal import remove_id_from_summary
from rnn_goldens.result import FAILED, KNOWN, PASSED, REFUSED, SKIPPED, UNCHECKED, Drawn

OUTCOMES = (PASSED, SKIPPED, KNOWN, REFUSED, FAILED)
"""Outcomes from best to worst. The outcome of a test is the worst of its phases and subtests."""

_SELECTED_SENT = pytest.StashKey[bool]()

_WORST = pytest.StashKey["Outcome"]()
"""The worst outcome of a test so far."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a phase of a test, or of a whole test, with fields of its entry in the results file."""

    outcome: str
    judged_by: str
    reason: str = ""
    known: str = ""

    def entry(self) -> dict[str, str]:
        """Return the fields that are not empty."""
        return {name: text for name, text in vars(self).items() if text}


def note_outcome(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn ``Unsupported`` into a refusal, and store the entry of the results file on the report."""
    if (selected := selected_of(item)) is None:
        return
    check_log = item.stash.get(CHECK_LOG, None)
    if check_log is not None and call.when == "call":
        check_log.ran = True
    outcome = _outcome(item, selected, call, report, check_log)
    before = item.stash.get(_WORST, None) if call.when != "setup" else None
    if before is None or OUTCOMES.index(outcome.outcome) > OUTCOMES.index(before.outcome):
        item.stash[_WORST] = outcome
    entry = {"golden": selected.id, "dtype": selected.dtype, "test": report.nodeid, **entry_of(check_log)}
    if selected.corpus:
        entry["corpus"] = selected.corpus
    if selected.profile.parts:
        entry["profile"] = list(selected.profile.parts)
    if call.when == "teardown":
        entry |= _of_whole_test(item.stash[_WORST], check_log)
        if check_log is not None:
            _store_picture(check_log, report)
            setattr(report, CALL_PATTERNS_TRIED, check_log.call_patterns)
            setattr(report, SIZES, check_log.sizes)
        _end(item)
        _store_late_findings(item.config, report)
    else:
        entry |= {"outcome": UNCHECKED}  # until the test has ended
        _send_selected(item.config, report)
    report.user_properties.append((PROPERTY, dumps(entry)))


def _verdict_of(error: BaseException | None) -> Verdict | None:
    """Return the verdict of a mismatch that a comparison raised."""
    verdict = getattr(error, "verdict", None) if isinstance(error, GoldenMismatch) else None
    return verdict if isinstance(verdict, Verdict) else None


def _is_of_comparison(error: BaseException) -> bool:
    """Return whether an error is a mismatch of compared values; ``check_gradients`` without gradients compares none."""
    verdict = _verdict_of(error)
    return verdict is not None and bool(verdict.differences)


def _judged_by(error: BaseException | None) -> str:
    return "comparison" if error is None or _is_of_comparison(error) else "test"


def _outcome(
    item: pytest.Item,
    selected: SelectedGolden,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    check_log: CheckLog | None,
) -> Outcome:
    """Return the outcome of a phase or subtest, and correct the report if pytest's outcome differs."""
    error = call.excinfo.value if call.excinfo is not None else None
    if check_log is not None and (verdict := _verdict_of(error)) is not None:
        check_log.reported.append(verdict)
        remove_id_from_summary(report, verdict)
    if check_log is not None and check_log.went_on and report.failed:
        report.longrepr = str(error)  # the test continued, so the traceback is not of the failure
    if isinstance(error, WrongUse) or (check_log is not None and check_log.unchecked and call.when == "call"):
        _fail(report)
        return Outcome(FAILED, "test", _reason(error, report))
    if check_log is not None and _passes_over_a_mismatch(item, call, report, check_log):
        _fail(report, str(check_log.swallowed_mismatch()))
        return Outcome(FAILED, "comparison", check_log.swallowed.partition("\n")[0])
    if isinstance(error, Unsupported) and call.when != "teardown" and call.excinfo is not None:
        if check_log is not None:
            check_log.refused = True
        reason = _refuse(call.excinfo, report)
        return Outcome(REFUSED, "refusal", reason)
    if report.skipped:
        return _skipped(item.config, selected, error, report)
    judged_by = _judged_by(error) if report.passed or error is not None else "test"
    return Outcome(report.outcome, judged_by, _reason(error, report))


def _skipped(
    config: pytest.Config, selected: SelectedGolden, error: BaseException | None, report: pytest.TestReport
) -> Outcome:
    """Return the outcome of what pytest reports as skipped: a skipped test, a listed golden, or a known failure."""
    reason = _reason(error, report)
    if not hasattr(report, "wasxfail"):
        return Outcome(SKIPPED, "skip", reason)
    golden = selected.id, selected.dtype, selected.corpus
    skip = settings.first_listed(config, settings.SKIP, *golden)
    if skip is not None and report.wasxfail.endswith(skip_reason(skip)):
        return Outcome(KNOWN, "skip", skip_reason(skip), skip.reason)
    known = settings.first_listed(config, settings.KNOWN, *golden)
    return Outcome(KNOWN, _judged_by(error), reason, "" if known is None else known.reason)


def _passes_over_a_mismatch(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, check_log: CheckLog
) -> bool:
    """Return whether a test skips, refuses or passes in spite of a mismatch that it did not expect."""
    if hasattr(report, "wasxfail") or not check_log.swallowed:
        return False
    if report.skipped or isinstance(call.excinfo and call.excinfo.value, Unsupported):
        return True
    worst = item.stash.get(_WORST, None)
    ended_well = worst is None or worst.outcome in (PASSED, SKIPPED, REFUSED)
    return call.when == "teardown" and report.passed and ended_well


def _of_whole_test(worst: Outcome, check_log: CheckLog | None) -> dict[str, str]:
    """Return the outcome of a test that has ended: passed only if a comparison passed."""
    if worst.outcome != PASSED:
        return worst.entry()
    if check_log is not None and check_log.ran and check_log.shown_right:
        return worst.entry()
    if check_log is not None and check_log.ran and check_log.expected_to_fail:
        reason = check_log.expected_to_fail[0].message.partition("\n")[0]
        return Outcome(KNOWN, "comparison", reason, CHECK_FAILS).entry()
    return {"outcome": UNCHECKED}


def _end(item: pytest.Item) -> None:
    """Clear the state of a test, so that a rerun starts anew; further findings are late findings."""
    del item.stash[_WORST]
    if (check_log := item.stash.get(CHECK_LOG, None)) is not None:
        check_log.ended = True
        del item.stash[CHECK_LOG]


def _send_selected(config: pytest.Config, report: pytest.TestReport) -> None:
    """Send the worker's list of tests of goldens to xdist's controller, once: it knows only the tests' names."""
    run_results = config.stash.get(RUN_RESULTS, None)
    if hasattr(config, "workerinput") and run_results is not None and not config.stash.get(_SELECTED_SENT, False):
        setattr(report, SELECTED, run_results.selected)
        config.stash[_SELECTED_SENT] = True


def _store_picture(check_log: CheckLog, report: pytest.TestReport) -> None:
    """Store the message and picture of the first mismatch, and rows of wrong gradients, on the last report."""
    if check_log.drawn and check_log.wrong:
        picture = None if check_log.picture is None else asdict(check_log.picture)
        rows = [
            asdict(row) for _, verdict in check_log.of_gradients if not verdict.passed for row in gradient_rows(verdict)
        ]
        drawn: Drawn = {"message": check_log.wrong[0].message, "picture": picture, "gradients": rows}
        setattr(report, DRAWN, drawn)


def _store_late_findings(config: pytest.Config, report: pytest.TestReport) -> None:
    late = config.stash.get(LATE, [])
    if late:
        setattr(report, LATE_FINDINGS, list(late))
        late.clear()


def _refuse(excinfo: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> str:
    frame = excinfo.traceback[-1]
    report.outcome = "skipped"
    reason = _reason(excinfo.value, report)
    report.longrepr = (str(Path(frame.path)), frame.lineno + 1, f"refused: {reason}")
    setattr(report, REFUSED_BECAUSE, reason)
    _forget_xfail(report)
    return reason


def _fail(report: pytest.TestReport, text: str = "") -> None:
    report.outcome = "failed"
    if text:
        report.longrepr = text
    _forget_xfail(report)


def _forget_xfail(report: pytest.TestReport) -> None:
    if hasattr(report, "wasxfail"):
        del report.wasxfail


def _reason(error: BaseException | None, report: pytest.TestReport) -> str:
    """Return the first line of the reason why a test did not pass; for a known failure that passed, pytest's text."""
    if report.passed:
        return ""
    if isinstance(error, SystemExit):
        return f"the test called sys.exit({first_line(repr(error.code))})"
    return first_line(report.longrepr if error is None else error)
