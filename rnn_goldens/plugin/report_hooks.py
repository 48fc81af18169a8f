"""What became of one test of a golden: refused is told from wrong, and noted on the report, where xdist carries it."""

from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path

import pytest

from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.judging.gradient_rows import gradient_rows
from rnn_goldens.judging.verdict import GoldenMismatch, Verdict
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.check_log import CHECK_FAILS, Record, entry_of, first_line
from rnn_goldens.plugin.fixture import LATE, RECORD
from rnn_goldens.plugin.marker import Wanted, not_asked, wanted_of
from rnn_goldens.plugin.options import ASKED, CALLED, CAME_LATE, DRAWN, PROPERTY, REFUSED_BECAUSE
from rnn_goldens.plugin.run_results import TALLY
from rnn_goldens.plugin.terminal import shorten
from rnn_goldens.result import FAILED, KNOWN, NOT_JUDGED, PASSED, REFUSED, SKIPPED, Drawn

OUTCOMES = (PASSED, SKIPPED, KNOWN, REFUSED, FAILED)
"""From best to worst: a test of several phases and subtests has the worst outcome of any."""

_ASKED_CARRIED = pytest.StashKey[bool]()

_WORST = pytest.StashKey["Outcome"]()
"""The worst outcome of a test so far."""


@dataclass(frozen=True)
class Outcome:
    """What became of a phase of a test, or of a whole one, in the words of the results file."""

    outcome: str
    judged_by: str
    reason: str = ""
    known: str = ""

    def entry(self) -> dict[str, str]:
        """What is said of it, without what is not."""
        return {name: text for name, text in vars(self).items() if text}


def note_outcome(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn ``Unsupported`` into a refusal; put on a test's last report what goes into the results file."""
    if (wanted := wanted_of(item)) is None:
        return
    record = item.stash.get(RECORD, None)
    if record is not None and call.when == "call":
        record.ran = True
    outcome = _judged(item, wanted, call, report, record)
    before = item.stash.get(_WORST, None) if call.when != "setup" else None
    if before is None or OUTCOMES.index(outcome.outcome) > OUTCOMES.index(before.outcome):
        item.stash[_WORST] = outcome
    entry = {"golden": wanted.id, "dtype": wanted.dtype, "test": report.nodeid, **entry_of(record)}
    if wanted.corpus:
        entry["corpus"] = wanted.corpus
    if call.when == "teardown":
        entry |= _of_whole_test(item.stash[_WORST], record)
        if record is not None:
            _carry_drawn(record, report)
            setattr(report, CALLED, record.ways)
        _end(item)
        _carry_late(item.config, report)
    else:
        entry |= {"outcome": NOT_JUDGED}  # until the test has come to its end
        _carry_asked(item.config, report)
    report.user_properties.append((PROPERTY, dumps(entry)))


def _verdict_of(error: BaseException | None) -> Verdict | None:
    """That of a mismatch, if it is one that a comparison found."""
    verdict = getattr(error, "verdict", None) if isinstance(error, GoldenMismatch) else None
    return verdict if isinstance(verdict, Verdict) else None


def _is_of_comparison(error: BaseException) -> bool:
    """Whether something was compared, and was wrong: of gradients it may be that none was given."""
    verdict = _verdict_of(error)
    return verdict is not None and bool(verdict.differences)


def _judged_by(error: BaseException | None) -> str:
    return "comparison" if error is None or _is_of_comparison(error) else "test"


def _judged(
    item: pytest.Item,
    wanted: Wanted,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    record: Record | None,
) -> Outcome:
    """What became of one phase, or one subtest; mends the report where pytest took it for something else."""
    error = call.excinfo.value if call.excinfo is not None else None
    if record is not None and (verdict := _verdict_of(error)) is not None:
        record.told.append(verdict)
        shorten(item.config, report, verdict)
    if record is not None and record.went_on and report.failed:
        report.longrepr = str(error)  # no line of the test, which went on, has anything to say
    if isinstance(error, WrongUse) or (record is not None and record.unchecked and call.when == "call"):
        _fail(report)
        return Outcome(FAILED, "test", _reason(error, report))
    if record is not None and _passes_over_a_mismatch(item, call, report, record):
        _fail(report, str(record.swallowed_mismatch()))
        return Outcome(FAILED, "comparison", record.swallowed.partition("\n")[0])
    if isinstance(error, Unsupported) and call.when != "teardown" and call.excinfo is not None:
        if record is not None:
            record.refused = True
        reason = _refuse(call.excinfo, report)
        return Outcome(REFUSED, "refusal", reason)
    if report.skipped:
        return _skipped(item.config, wanted, error, report)
    judged_by = _judged_by(error) if report.passed or error is not None else "test"
    return Outcome(report.outcome, judged_by, _reason(error, report))


def _skipped(config: pytest.Config, wanted: Wanted, error: BaseException | None, report: pytest.TestReport) -> Outcome:
    """A skip, a golden that is on a list, or one that a mark of the test's says is known to fail."""
    reason = _reason(error, report)
    if not hasattr(report, "wasxfail"):
        return Outcome(SKIPPED, "skip", reason)
    place = wanted.id, wanted.dtype, wanted.corpus
    skip = settings.first_listed(config, settings.SKIP, *place)
    if skip is not None and report.wasxfail.endswith(not_asked(skip)):
        return Outcome(KNOWN, "skip", not_asked(skip), skip.reason)
    known = settings.first_listed(config, settings.KNOWN, *place)
    return Outcome(KNOWN, _judged_by(error), reason, "" if known is None else known.reason)


def _passes_over_a_mismatch(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, record: Record
) -> bool:
    """Whether a test skips, refuses or ends well though something was wrong that it was not told to expect."""
    if hasattr(report, "wasxfail") or not record.swallowed:
        return False
    if report.skipped or isinstance(call.excinfo and call.excinfo.value, Unsupported):
        return True
    worst = item.stash.get(_WORST, None)
    ended_well = worst is None or worst.outcome in (PASSED, SKIPPED, REFUSED)
    return call.when == "teardown" and report.passed and ended_well


def _of_whole_test(worst: Outcome, record: Record | None) -> dict[str, str]:
    """What is said of a test that has come to its end: passed only if a comparison says so."""
    if worst.outcome != PASSED:
        return worst.entry()
    if record is not None and record.ran and record.shown_right:
        return worst.entry()
    if record is not None and record.ran and record.asked_to_fail:
        reason = record.asked_to_fail[0].message.partition("\n")[0]
        return Outcome(KNOWN, "comparison", reason, CHECK_FAILS).entry()
    return {"outcome": NOT_JUDGED}


def _end(item: pytest.Item) -> None:
    """Forget what was noted, for another attempt at the same test begins anew; what comes from now on is late."""
    del item.stash[_WORST]
    if (record := item.stash.get(RECORD, None)) is not None:
        record.ended = True
        del item.stash[RECORD]


def _carry_asked(config: pytest.Config, report: pytest.TestReport) -> None:
    """A worker of xdist tells its controller once which tests of goldens there are: it only knows their names."""
    tally = config.stash.get(TALLY, None)
    if hasattr(config, "workerinput") and tally is not None and not config.stash.get(_ASKED_CARRIED, False):
        setattr(report, ASKED, tally.asked)
        config.stash[_ASKED_CARRIED] = True


def _carry_drawn(record: Record, report: pytest.TestReport) -> None:
    """Put on a test's last report what its golden's first mismatch said and looks like; of gradients, as rows."""
    if record.drawn and record.wrong:
        picture = None if record.picture is None else asdict(record.picture)
        rows = [
            asdict(row) for _, verdict in record.of_gradients if not verdict.passed for row in gradient_rows(verdict)
        ]
        drawn: Drawn = {"message": record.wrong[0].message, "picture": picture, "gradients": rows}
        setattr(report, DRAWN, drawn)


def _carry_late(config: pytest.Config, report: pytest.TestReport) -> None:
    late = config.stash.get(LATE, [])
    if late:
        setattr(report, CAME_LATE, list(late))
        late.clear()


def _refuse(excinfo: pytest.ExceptionInfo[BaseException], report: pytest.TestReport) -> str:
    place = excinfo.traceback[-1]
    report.outcome = "skipped"
    reason = _reason(excinfo.value, report)
    report.longrepr = (str(Path(place.path)), place.lineno + 1, f"refused: {reason}")
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
    """First line of why it did not pass; of a known failure that passed, pytest has the text on the report."""
    if report.passed:
        return ""
    if isinstance(error, SystemExit):
        return f"the test called sys.exit({first_line(repr(error.code))})"
    return first_line(report.longrepr if error is None else error)
