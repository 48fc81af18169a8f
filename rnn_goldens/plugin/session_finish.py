"""Derives the exit code and the summary of a run from the outcomes of all goldens."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from rnn_goldens.diagnosis.candidate_search import Failure
from rnn_goldens.plugin.check_log import Finding
from rnn_goldens.plugin.fixture import CANDIDATE_SEARCHES, LATE, held_by_threads
from rnn_goldens.plugin.options import MESSAGE, PROGRAM, PROPERTY, Message, message_of, setting
from rnn_goldens.plugin.run_results import RunResults, passes_again
from rnn_goldens.plugin.settings import KNOWN, SKIP, corpora_of_all
from rnn_goldens.plugin.terminal import shorten, shortened_lines, write_line
from rnn_goldens.plurals import counted, was_or_were
from rnn_goldens.result import (
    FAILED,
    PASSED,
    REFUSED,
    UNCHECKED,
    Result,
    golden_and_precision,
    gradient_lines,
    is_compared,
)

_MAX_LISTED = 3

_LIST_LINES = pytest.StashKey[Sequence[str]]()
"""Lines of the summary about known failures."""

_FAILURES = pytest.StashKey[list[Failure]]()
"""Wrong outputs and gradients, also from workers."""


def end(session: pytest.Session, run_results: RunResults) -> None:
    """Diagnose failures, and fail a run with failed or unchecked goldens; an xdist worker only sends its findings."""
    config = session.config
    late = config.stash.get(LATE, [])
    late += held_by_threads(late)
    failures = config.stash.setdefault(_FAILURES, [])
    for search in config.stash.get(CANDIDATE_SEARCHES, {}).values():
        failures += search.failures
    if hasattr(config, "workerinput"):
        config.workeroutput[MESSAGE] = _to_controller(config, late, failures)  # type: ignore[attr-defined] # xdist's
        return
    receive(config, run_results, {"late": late})
    if failures or any(map(is_compared, run_results.with_outcome(FAILED))):
        from rnn_goldens.plugin.causes import explain_all

        explain_all(config, run_results, failures)
    if any(setting(config, name) for name in (KNOWN, SKIP)):
        from rnn_goldens.plugin.known_failures_report import report_lines

        config.stash[_LIST_LINES] = report_lines(config, run_results, int(session.exitstatus))
    not_failed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if session.exitstatus in not_failed and (_problems(config, run_results) or run_results.with_outcome(FAILED)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if (terminal := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        shorten(terminal, run_results.entries)


def _to_controller(config: pytest.Config, late: Sequence[Finding], failures: Sequence[Failure]) -> Message:
    """Return what a worker sends at its end."""
    message: Message = {"late": list(late), "program": config.stash.get(PROGRAM, {})}
    if "rnn_goldens.cells.custom_cells" in sys.modules:
        from rnn_goldens.cells import named_cells

        message["cells"] = list(named_cells())
    if failures:
        from rnn_goldens.plugin.causes import sent

        message["failures"] = sent(failures)
    return message


def receive(config: pytest.Config, run_results: RunResults, message: Message) -> None:
    """Take over what a worker sends: late findings, which make goldens fail, wrong results, program and cells."""
    for found in message.get("late", ()):
        for entry in run_results.revise(found):
            _report_late(config, entry)
    if program := message.get("program"):
        config.stash[PROGRAM] = program
    if cells := message.get("cells"):
        from rnn_goldens.cells import name_cells

        name_cells(cells)
    if failures := message.get("failures"):
        from rnn_goldens.plugin.causes import received

        config.stash.setdefault(_FAILURES, []).extend(received(failures))


def _report_late(config: pytest.Config, entry: Result) -> None:
    """Report to the terminal, JUnit XML and other plugins that a golden failed after its test had ended."""
    if hasattr(config, "workerinput"):
        return
    location = (entry["test"].partition("::")[0], None, entry["test"].rpartition("::")[2])
    properties = [(PROPERTY, json.dumps(entry))]
    message = f"after its test had ended: {entry['reason']}"
    for report in (
        pytest.TestReport(entry["test"], location, {}, "failed", message, "call", user_properties=properties),
        pytest.TestReport(entry["test"], location, {}, "passed", None, "teardown", user_properties=properties),
    ):
        setattr(report, MESSAGE, {"is_late": True})
        config.hook.pytest_runtest_logreport(report=report)


def summarize(terminal: "pytest.TerminalReporter", run_results: RunResults) -> None:
    """Print the sections about goldens, and why the run is not complete."""
    for line in shortened_lines(terminal):
        write_line(terminal, line)
    reasons = Counter(message_of(report)["refused"] for report in terminal.getreports("refused"))
    refusals = [f"{count:>5}  {reason}" for reason, count in reasons.items()]
    _print(terminal, "goldens refused by the implementation", refusals)
    _print_wrapped(terminal, "rnn-goldens: refused call patterns", _refused_patterns(run_results))
    _print_wrapped(terminal, "rnn-goldens: profile", _profiles(run_results))
    _print(terminal, "rnn-goldens: what is wrong", _what_is_wrong(terminal, run_results))
    _print_wrapped(terminal, "rnn-goldens: gradients", gradient_lines(run_results.entries))
    _print_wrapped(terminal, "rnn-goldens: what this run can detect", _run_coverage(terminal.config, run_results))
    _print(terminal, "rnn-goldens: known failures", terminal.config.stash.get(_LIST_LINES, []))
    if (failed := run_results.with_outcome(FAILED)) and not any(
        terminal.stats.get(kind) for kind in ("failed", "error")
    ):
        write_line(
            terminal,
            f"{counted(len(failed), 'golden')} failed, although pytest reports otherwise: {_listed(failed)}",
            red=True,
        )
    for line in _problems(terminal.config, run_results):
        write_line(terminal, line, red=True)


def _profiles(run_results: RunResults) -> Iterator[str]:
    """Yield the profiles of the run's goldens, except the default."""
    if profiles := [entry["profile"] for entry in run_results.entries if "profile" in entry]:
        from rnn_goldens.golden.profile import profile_lines

        yield from profile_lines(profiles)


def _refused_patterns(run_results: RunResults) -> Iterator[str]:
    """Yield the call patterns that the implementation refused for goldens whose single call was compared."""
    of_all = f"of {counted(len(run_results.called), 'golden')}"
    refused = Counter(pair for patterns in run_results.called.values() for pair in patterns["refused"].items())
    for (pattern, reason), count in refused.items():
        yield f"{pattern} was refused for {count} {of_all}: {reason}"
    once_only = sum(patterns["run"] == ["once"] for patterns in run_results.called.values())
    if refused and once_only:
        yield f"{once_only} {of_all} {was_or_were(once_only)} called only once"


def _what_is_wrong(terminal: "pytest.TerminalReporter", run_results: RunResults) -> list[str]:
    """Return the text about failures, regardless of ``--tb`` and ``-q``; add causes to the short summary."""
    if not run_results.with_outcome(FAILED):
        return []
    from rnn_goldens.diagnosis.summary import summary
    from rnn_goldens.plugin.causes import diagnoses, single_causes

    _name_the_cause(terminal, single_causes(terminal.config))
    return [*summary(diagnoses(terminal.config)), *_without_outputs(terminal.config, run_results)]


def _without_outputs(config: pytest.Config, run_results: RunResults) -> Iterator[str]:
    """Yield the reasons of goldens that failed before outputs were compared, and the features that they share."""
    from rnn_goldens.diagnosis.missing_outputs import no_outputs

    failed = [e for e in run_results.with_outcome(FAILED) if not is_compared(e) and not passes_again(e)]
    if not failed:
        return
    passed = {entry["golden"] for entry in run_results.with_outcome(PASSED)}
    opened = corpora_of_all(config, run_results.corpora)
    ids = filter(opened.holds, {*passed, *(entry["golden"] for entry in failed)})
    features = {golden: opened.entry(golden).features for golden in ids}
    yield from no_outputs([(e["golden"], e["dtype"], e.get("reason", "")) for e in failed], features, passed)


def _run_coverage(config: pytest.Config, run_results: RunResults) -> Iterable[str]:
    """Return how many known deviations the compared goldens can detect, and which outputs were not compared."""
    if not any(map(is_compared, run_results.entries)):
        return ()
    from rnn_goldens.plugin.run_coverage import summary_lines

    return summary_lines(config, run_results)


def _print_wrapped(terminal: "pytest.TerminalReporter", title: str, lines: Iterable[str]) -> None:
    """Print a section in lines that fit a terminal of 80 columns."""
    from textwrap import wrap

    from rnn_goldens.diagnosis.missing_outputs import WIDTH

    wrapped = [part for line in lines for part in wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)]
    _print(terminal, title, wrapped)


def _print(terminal: "pytest.TerminalReporter", title: str, lines: Sequence[str]) -> None:
    """Print a section; nothing if it has no lines."""
    if lines:
        terminal.section(title)
        for line in lines:
            write_line(terminal, line)


def _name_the_cause(terminal: "pytest.TerminalReporter", causes: Mapping[str, str]) -> None:
    """Add the cause of each explained failure to pytest's short summary."""
    for report in terminal.stats.get("failed", ()):
        cause, crash = causes.get(report.nodeid, ""), getattr(report.longrepr, "reprcrash", None)
        if cause and crash is not None:
            crash.message = f"{cause}: {crash.message.removeprefix(f'{cause}: ')}"


def _problems(config: pytest.Config, run_results: RunResults) -> list[str]:
    found: list[str] = []
    refused = {name for patterns in run_results.called.values() for name in patterns["refused"]}
    for name in run_results.patterns_not_run:
        why = "it was refused" if name in refused else "no golden of this run supports it"
        found.append(f"calls={name} was not run: {why}")
    if run_results.nothing_checked:
        found.append(f"nothing was checked: {_reason_nothing_checked(run_results)}")
    if not runs_no_tests(config) and (missing := run_results.with_outcome(UNCHECKED)):
        of_all = f"{len(missing)} of {counted(len(run_results.entries), 'golden')} {was_or_were(len(missing))}"
        found.append(f"{of_all} selected and not compared: {_listed(missing)}")
    found += [
        f"{'' if late['judged_by'] == UNCHECKED else 'after its test had ended, '}"
        f"{late['golden']} in {late['dtype']}: {late['reason']}"
        for late in run_results.late
    ]
    return found


_NO_TEST_OPTIONS = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test")
"""pytest options that show what would run, instead of running tests."""


def runs_no_tests(config: pytest.Config) -> bool:
    """Return whether pytest only shows what it would run."""
    return any(config.getoption(name, False) for name in _NO_TEST_OPTIONS)


def _reason_nothing_checked(run_results: RunResults) -> str:
    refused, skipped = len(run_results.with_outcome(REFUSED)), len(run_results.on_skip_list)
    if not skipped:
        return f"{_all_of(refused)} refused"
    return f"{_all_of(skipped)} on the skip list" if not refused else f"{refused} refused, {skipped} on the skip list"


def _all_of(count: int) -> str:
    return "the one golden was" if count == 1 else f"all {counted(count, 'golden')} were"


def _listed(entries: list[Result]) -> str:
    names = list(map(golden_and_precision, entries[:_MAX_LISTED]))
    more = f", … and {len(entries) - len(names)} more" if len(entries) > len(names) else ""
    return ", ".join(names) + more
