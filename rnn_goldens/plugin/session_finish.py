"""The end of a run: whether it has shown of every golden what it was to show, as exit code and in words."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from rnn_goldens.counted import counted, was_or_were
from rnn_goldens.plugin.check_log import Finding
from rnn_goldens.plugin.fixture import LATE, SUSPECTS
from rnn_goldens.plugin.options import (
    CAME_LATE,
    CELLS_NAMED,
    FAILURES,
    FAILURES_OF_WORKERS,
    PROGRAM,
    PROGRAM_SAYS,
    PROPERTY,
    REFUSED_BECAUSE,
    TOLD_LATE,
    setting,
)
from rnn_goldens.plugin.run_results import Tally, passes_again
from rnn_goldens.plugin.settings import KNOWN, SKIP, corpora_of_all
from rnn_goldens.plugin.terminal import tell
from rnn_goldens.result import FAILED, NOT_JUDGED, PASSED, REFUSED, Result, gradient_lines, is_compared, named

_MOST_LISTED = 3

_OF_LISTS = pytest.StashKey[Sequence[str]]()
"""What is to be said of the lists that a run was given."""


def _tell_late(config: pytest.Config, entry: Result) -> None:
    """Tell the terminal, JUnit XML and whoever listens of a golden that turned out wrong after its test had ended."""
    if hasattr(config, "workerinput"):
        return
    place = (entry["test"].partition("::")[0], None, entry["test"].rpartition("::")[2])
    said = f"after its test had ended: {entry['reason']}"
    for when, outcome, text in (("call", "failed", said), ("teardown", "passed", None)):
        report = pytest.TestReport(
            entry["test"],
            place,
            {},
            outcome,  # type: ignore[arg-type]
            text,
            when,  # type: ignore[arg-type]
            user_properties=[(PROPERTY, json.dumps(entry))],
        )
        setattr(report, TOLD_LATE, True)
        config.hook.pytest_runtest_logreport(report=report)


def revise(config: pytest.Config, tally: Tally, late: Iterable[Finding]) -> None:
    """Take back what was said of goldens that turned out wrong after their tests had ended, and say so to all."""
    for found in late:
        for entry in tally.revise(found):
            _tell_late(config, entry)


def end(session: pytest.Session, tally: Tally) -> None:
    """Fail a run that would exit with 0 though a golden of it was wrong, or not judged, or nothing was checked."""
    late = session.config.stash.get(LATE, [])
    failures = [f for suspects in session.config.stash.get(SUSPECTS, {}).values() for f in suspects.failures]
    if hasattr(session.config, "workerinput"):
        session.config.workeroutput[CAME_LATE] = list(late)  # type: ignore[attr-defined] # xdist's
        if "rnn_goldens.cells.own" in sys.modules:
            from rnn_goldens.cells import named_cells

            session.config.workeroutput[CELLS_NAMED] = list(named_cells())  # type: ignore[attr-defined]
        if PROGRAM in session.config.stash:
            session.config.workeroutput[PROGRAM_SAYS] = session.config.stash[PROGRAM]  # type: ignore[attr-defined]
        if failures:
            from rnn_goldens.plugin.causes import sent

            session.config.workeroutput[FAILURES] = sent(failures)  # type: ignore[attr-defined]
        return
    revise(session.config, tally, late)
    late.clear()
    failures = [*failures, *session.config.stash.get(FAILURES_OF_WORKERS, [])]
    if failures or any(map(is_compared, tally.with_outcome(FAILED))):
        from rnn_goldens.plugin.causes import explain_all

        explain_all(session.config, tally, failures)
    if any(setting(session.config, name) for name in (KNOWN, SKIP)):
        from rnn_goldens.plugin.known_failures_report import told

        session.config.stash[_OF_LISTS] = told(session.config, tally, int(session.exitstatus))
    good = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if session.exitstatus in good and (_problems(session.config, tally) or tally.with_outcome(FAILED)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def summarize(terminal: "pytest.TerminalReporter", tally: Tally) -> None:
    """List what was refused, and why, and what keeps the run from showing that something is right."""
    reasons = Counter(getattr(report, REFUSED_BECAUSE) for report in terminal.getreports("refused"))
    refusals = [f"{count:>5}  {reason}" for reason, count in reasons.items()]
    _print(terminal, "goldens refused by the implementation", refusals)
    _print_wrapped(terminal, "rnn-goldens: ways of calling that were refused", _ways_refused(tally))
    _print(terminal, "rnn-goldens: what is wrong", _what_is_wrong(terminal, tally))
    _print_wrapped(terminal, "rnn-goldens: gradients", gradient_lines(tally.entries))
    _print_wrapped(terminal, "rnn-goldens: what this run can show", _what_can_show(terminal.config, tally))
    _print(terminal, "rnn-goldens: known failures", terminal.config.stash.get(_OF_LISTS, []))
    if (failed := tally.with_outcome(FAILED)) and not any(terminal.getreports(kind) for kind in ("failed", "error")):
        tell(
            terminal,
            f"{counted(len(failed), 'golden')} failed, whatever pytest was told afterwards: {_listed(failed)}",
            red=True,
        )
    for line in _problems(terminal.config, tally):
        tell(terminal, line, red=True)


def _ways_refused(tally: Tally) -> Iterator[str]:
    """Which ways of calling an implementation refused, of goldens whose single call was compared."""
    of_all = f"of {counted(len(tally.called), 'golden')}"
    refused = Counter(pair for ways in tally.called.values() for pair in ways["refused"].items())
    for (way, reason), count in refused.items():
        yield f"{way} was refused for {count} {of_all}: {reason}"
    once_only = sum(ways["made"] == ["once"] for ways in tally.called.values())
    if refused and once_only:
        yield f"{once_only} {of_all} {was_or_were(once_only)} called once only"


def _what_is_wrong(terminal: "pytest.TerminalReporter", tally: Tally) -> list[str]:
    """One paragraph for one cause, whatever ``--tb`` and ``-q`` say; nothing if no output was wrong."""
    if not tally.with_outcome(FAILED):
        return []
    from rnn_goldens.diagnosis.summary import summary
    from rnn_goldens.plugin.causes import diagnoses, settled_causes

    _name_the_cause(terminal, settled_causes(terminal.config))
    return [*summary(diagnoses(terminal.config)), *_without_outputs(terminal.config, tally)]


def _without_outputs(config: pytest.Config, tally: Tally) -> Iterator[str]:
    """What failed before outputs were compared, and which option those goldens share."""
    from rnn_goldens.diagnosis.no_outputs import no_outputs

    failed = [e for e in tally.with_outcome(FAILED) if not is_compared(e) and not passes_again(e)]
    if not failed:
        return
    passed = {entry["golden"] for entry in tally.with_outcome(PASSED)}
    opened = corpora_of_all(config, tally.corpora)
    ids = filter(opened.holds, {*passed, *(entry["golden"] for entry in failed)})
    features = {golden: opened.entry(golden).features for golden in ids}
    yield from no_outputs([(e["golden"], e["dtype"], e.get("reason", "")) for e in failed], features, passed)


def _what_can_show(config: pytest.Config, tally: Tally) -> Iterable[str]:
    """How much of what may be wrong shows in what was compared, and what of it was not."""
    if not any(map(is_compared, tally.entries)):
        return ()
    from rnn_goldens.plugin.run_coverage import summary_lines

    return summary_lines(config, tally)


def _print_wrapped(terminal: "pytest.TerminalReporter", title: str, lines: Iterable[str]) -> None:
    """A section, in lines that fit a terminal of 80 columns."""
    from textwrap import wrap

    from rnn_goldens.diagnosis.no_outputs import WIDTH

    wrapped = [part for line in lines for part in wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)]
    _print(terminal, title, wrapped)


def _print(terminal: "pytest.TerminalReporter", title: str, lines: Sequence[str]) -> None:
    """A section; nothing if it has no lines."""
    if lines:
        terminal.section(title)
        for line in lines:
            tell(terminal, line)


def _name_the_cause(terminal: "pytest.TerminalReporter", causes: Mapping[str, str]) -> None:
    """What explains the run stands in the short summary of each failure too, where several were alike."""
    for report in terminal.getreports("failed"):
        cause, crash = causes.get(report.nodeid, ""), getattr(report.longrepr, "reprcrash", None)
        if cause and crash is not None:
            crash.message = f"{cause}: {crash.message.removeprefix(f'{cause}: ')}"


def _problems(config: pytest.Config, tally: Tally) -> list[str]:
    found: list[str] = []
    refused = {way for ways in tally.called.values() for way in ways["refused"]}
    for name in tally.calls_never_made:
        why = "it was refused" if name in refused else "no golden of this run can be asked so"
        found.append(f"calls={name} was never made: {why}")
    if tally.nothing_checked:
        found.append(f"nothing was checked: {_why_nothing(tally)}")
    if not looks_only(config) and (missing := tally.with_outcome(NOT_JUDGED)):
        of_all = f"{len(missing)} of {counted(len(tally.entries), 'golden')} {was_or_were(len(missing))}"
        found.append(f"{of_all} asked for and not judged: {_listed(missing)}")
    found += [f"after its test had ended, {late['golden']} in {late['dtype']}: {late['reason']}" for late in tally.late]
    return found


_LOOKING = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test")
"""Options, as pytest stores them, by which it runs no test."""


def looks_only(config: pytest.Config) -> bool:
    """Whether pytest was asked to run no test, but to show what there is."""
    return any(config.getoption(name, False) for name in _LOOKING)


def _why_nothing(tally: Tally) -> str:
    refused, skipped = len(tally.with_outcome(REFUSED)), len(tally.on_skip_list)
    if not skipped:
        return f"{_all_of(refused)} refused"
    return f"{_all_of(skipped)} on the skip list" if not refused else f"{refused} refused, {skipped} on the skip list"


def _all_of(count: int) -> str:
    return "the one golden was" if count == 1 else f"all {counted(count, 'golden')} were"


def _listed(entries: list[Result]) -> str:
    names = list(map(named, entries[:_MOST_LISTED]))
    more = f", … and {len(entries) - len(names)} more" if len(entries) > len(names) else ""
    return ", ".join(names) + more
