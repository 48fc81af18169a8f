"""The end of a run: the exit code from the outcomes of all goldens, after diagnosing failures, and terminal output.

Five failures are printed whole, others in a line each, unless ``-vv`` is given.
"""

import json
import pickle
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any

import pytest

from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.control_characters import visible
from rnn_goldens.diagnosis.summary import WIDTH, general, no_outputs, summary, without_numbers
from rnn_goldens.golden.embedding import larger_sizes
from rnn_goldens.golden.rounding_profile import profile_lines
from rnn_goldens.golden.shapes import is_custom_cell
from rnn_goldens.golden_result import (
    FAILED,
    PASSED,
    REFUSED,
    UNCHECKED,
    Result,
    compared_profiles,
    embed_lines,
    gradient_lines,
    is_compared,
)
from rnn_goldens.plugin.fixture import held_by_threads
from rnn_goldens.plugin.options import MESSAGE, PROPERTY, Message, message_of, result_of, setting
from rnn_goldens.plugin.run_results import RunResults, first_line, first_names, passes_again, run_of
from rnn_goldens.plugin.settings import KNOWN, SKIP, at_least, corpora_of_all, listed
from rnn_goldens.plurals import counted, was_or_were


def end(session: pytest.Session) -> None:
    """Diagnose failures, and fail a run with failed or unchecked goldens; an xdist worker only sends its findings."""
    config, run = session.config, run_of(session.config)
    run.unsent += held_by_threads(run)
    for search in run.searches.values():
        run.failures += search.failures
    if hasattr(config, "workerinput"):
        config.workeroutput[MESSAGE] = _to_controller(run)  # type: ignore[attr-defined] # xdist's
        return
    receive(config, {"late": run.unsent})
    if run.failures or any(map(is_compared, run.with_outcome(FAILED))):
        from rnn_goldens.plugin.run_coverage import explain_all

        explain_all(config, run)
    if any(setting(config, name) for name in (KNOWN, SKIP)):
        from rnn_goldens.plugin.known_failures_report import report_lines

        run.list_lines = report_lines(config, run, int(session.exitstatus))
    not_failed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if session.exitstatus in not_failed and (problems(config, run) or run.with_outcome(FAILED)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if (terminal := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        shorten(terminal, run)


def _to_controller(run: RunResults) -> Message:
    """Return what a worker sends at its end."""
    message: Message = {"late": run.unsent, "program": run.program}
    if "rnn_goldens.cells.custom_cells" in sys.modules:
        from rnn_goldens.cells import named_cells

        message["cells"] = list(named_cells())
    if run.failures:
        message["failures"] = pickle.dumps(run.failures)
    return message


def receive(config: pytest.Config, message: Message) -> None:
    """Take over what a worker sends: late findings, which make goldens fail, wrong results, program and cells."""
    run = run_of(config)
    for found in message.get("late", ()):
        for entry in run.revise(found):
            _report_late(config, entry)
    if program := message.get("program"):
        run.program = program
    if cells := message.get("cells"):
        from rnn_goldens.cells import name_cells

        name_cells(cells)
    if failures := message.get("failures"):
        run.failures += pickle.loads(failures)


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


_MAX_WHOLE = 5
"""The largest number of failures that are printed whole."""


_FULL_VERBOSITY = 2
"""The lowest verbosity at which every failure is printed whole: ``-vv``."""


def write_line(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


def remove_id_from_summary(report: pytest.TestReport, verdict: Verdict) -> None:
    """Remove the golden's id from a failure's line in the short test summary, which begins with the test's id."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)  # these types are private to pytest
    if crash is not None:
        golden, _, text = verdict.message.partition("\n")[0].partition(": ")
        crash.message = f"{golden.partition(', like ')[2]}: {text}".removeprefix(": ")


def shorten(terminal: "pytest.TerminalReporter", run: RunResults) -> None:
    """Choose the failures to print whole, of as many reasons as possible, and leave the others out of pytest's list."""
    config = terminal.config
    if config.get_verbosity() >= _FULL_VERBOSITY or config.option.tbstyle == "no":
        return
    entries = {entry["test"]: entry for entry in run.entries}
    first, others, found = list[pytest.TestReport](), list[pytest.TestReport](), set[object]()
    for report in [*terminal.stats.get("failed", ()), *terminal.stats.get("error", ())]:
        if result_of(report) is not None and report.nodeid in entries:
            reason = _reason(entries[report.nodeid])
            (others if reason in found else first).append(report)
            found.add(reason)
    ordered = [*first, *others]
    run.shortened = ordered[_MAX_WHOLE:]
    for report in run.shortened:
        report._pdbshown = True  # type: ignore[attr-defined] # pytest lists such reports only in its short summary
    for report in ordered[:_MAX_WHOLE] if run.shortened else ():
        # Remove source code and arguments of the test, which are the same for all goldens; keep message and place,
        # which are lines with an E.
        parts: Any = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
        is_compared_only = config.option.tbstyle == "auto" and entries[report.nodeid].get("judged_by") == "comparison"
        if is_compared_only and parts and hasattr(parts[-1], "lines"):
            parts[-1].lines = [line for line in parts[-1].lines if line.startswith("E")]
            parts[-1].reprfuncargs, parts[-1].style = None, "short"


def shortened_lines(terminal: "pytest.TerminalReporter", run: RunResults) -> Iterator[str]:
    """Yield how many failures are not printed whole, and a line for each if the short test summary has none."""
    if run.shortened:
        count = counted(len(run.shortened), "more failure")
        yield f"{count} below in one line each; -vv prints every failure whole"
    for report in () if terminal.hasopt("f") and terminal.hasopt("E") else run.shortened:
        crash = getattr(report.longrepr, "reprcrash", None)
        yield f"{report.nodeid} - {first_line(getattr(crash, 'message', report.longrepr))}"


def _reason(entry: Result) -> object:
    """Return what failures of the same reason have in common: the deviations that explain them, else facts or text."""
    if known := entry.get("explained_by") or [name for name, holds in entry.get("facts", {}).items() if holds]:
        return tuple(known)
    return without_numbers(general(entry.get("reason", ""), entry["golden"], entry["dtype"]))


_NO_TEST_OPTIONS = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test")
"""pytest options that show what would run, instead of running tests."""


def summarize(terminal: "pytest.TerminalReporter") -> None:
    """Print the sections about goldens, and why the run is not complete."""
    config, run = terminal.config, run_of(terminal.config)
    for line in shortened_lines(terminal, run):
        write_line(terminal, line)
    reasons = Counter(message_of(report)["refused"] for report in terminal.getreports("refused"))
    refusals = [f"{count:>5}  {reason}" for reason, count in reasons.items()]
    _print(terminal, "goldens refused by the implementation", refusals)
    _print(terminal, "rnn-goldens: refused call patterns", _wrapped(_refused_patterns(run)))
    _print(terminal, "rnn-goldens: profile", _wrapped(profile_lines(compared_profiles(run.entries))))
    _print(terminal, "rnn-goldens: larger sizes", _wrapped([*embed_lines(run.entries), *_unused_sizes(config, run)]))
    _print(terminal, "rnn-goldens: what is wrong", _what_is_wrong(terminal, run))
    _print(terminal, "rnn-goldens: gradients", _wrapped(gradient_lines(run.entries)))
    if any(map(is_compared, run.entries)):
        from rnn_goldens.plugin.run_coverage import summary_lines

        _print(terminal, "rnn-goldens: what this run can detect", _wrapped(summary_lines(config, run)))
    _print(terminal, "rnn-goldens: known failures", run.list_lines)
    failed = run.with_outcome(FAILED)
    if failed and not any(terminal.stats.get(kind) for kind in ("failed", "error")):
        text = f"{counted(len(failed), 'golden')} failed, although pytest reports otherwise"
        write_line(terminal, f"{text}: {', '.join(first_names(failed, '… and'))}", red=True)
    for line in problems(config, run):
        write_line(terminal, line, red=True)


def _wrapped(lines: Iterable[str]) -> list[str]:
    """Return lines that fit a terminal of 80 columns."""
    return [part for line in lines for part in wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)]


def _print(terminal: "pytest.TerminalReporter", title: str, lines: Sequence[str]) -> None:
    """Print a section; nothing if it has no lines."""
    if lines:
        terminal.section(title)
        for line in lines:
            write_line(terminal, line)


def _refused_patterns(run: RunResults) -> Iterator[str]:
    """Yield the call patterns that the implementation refused for goldens whose single call was compared."""
    of_all = f"of {counted(len(run.called), 'golden')}"
    refused = Counter(pair for patterns in run.called.values() for pair in patterns["refused"].items())
    for (pattern, reason), count in refused.items():
        yield f"{pattern} was refused for {count} {of_all}: {reason}"
    once_only = sum(patterns["run"] == ["once"] for patterns in run.called.values())
    if refused and once_only:
        yield f"{once_only} {of_all} {was_or_were(once_only)} called only once"


def _unused_sizes(config: pytest.Config, run: RunResults) -> Iterator[str]:
    """Yield the larger sizes that no golden of the run has."""
    used = {name for entry in run.entries for name in entry.get("embed", ())}
    has_custom = any(is_custom_cell(cell) for cell in listed(config, "cell"))
    why = "; what custom cells and recurrences return for zeros is unknown" if has_custom else ""
    for name, size in larger_sizes(listed(config, "embed")):
        if name not in used and run.entries:
            yield f"{name}={size}: no golden of this run was embedded in it{why}"


def _what_is_wrong(terminal: "pytest.TerminalReporter", run: RunResults) -> list[str]:
    """Return the text about failures, regardless of ``--tb`` and ``-q``; add causes to the short summary."""
    if not run.with_outcome(FAILED):
        return []
    for report in terminal.stats.get("failed", ()):
        cause, crash = run.single_causes.get(report.nodeid), getattr(report.longrepr, "reprcrash", None)
        if cause is not None and crash is not None:
            crash.message = f"{cause}: {crash.message.removeprefix(f'{cause}: ')}"
    return [*summary(run.diagnoses), *_without_outputs(terminal.config, run)]


def _without_outputs(config: pytest.Config, run: RunResults) -> Iterator[str]:
    """Yield the reasons of goldens that failed before outputs were compared, and the features that they share."""
    failed = [e for e in run.with_outcome(FAILED) if not is_compared(e) and not passes_again(e)]
    if not failed:
        return
    passed = {entry["golden"] for entry in run.with_outcome(PASSED)}
    opened = corpora_of_all(config, run.corpora)
    ids = filter(opened.holds, {*passed, *(entry["golden"] for entry in failed)})
    features = {golden: opened.entry(golden).features for golden in ids}
    yield from no_outputs([(e["golden"], e["dtype"], e.get("reason", "")) for e in failed], features, passed)


def problems(config: pytest.Config, run: RunResults) -> list[str]:
    """Return why a run is not complete, or checked nothing."""
    found: list[str] = []
    refused = {name for patterns in run.called.values() for name in patterns["refused"]}
    for name in run.patterns_not_run:
        why = "it was refused" if name in refused else "no golden of this run supports it"
        found.append(f"calls={name} was not run: {why}")
    if run.nothing_checked:
        counts = {"refused": len(run.with_outcome(REFUSED)), "on the skip list": len(run.on_skip_list)}
        (what, count), *others = [(what, count) for what, count in counts.items() if count]
        why = f"all {counted(count, 'golden')} were {what}" if count > 1 else f"the one golden was {what}"
        if others:
            why = ", ".join(f"{count} {what}" for what, count in counts.items())
        found.append(f"nothing was checked: {why}")
    only_shown = any(config.getoption(name, False) for name in _NO_TEST_OPTIONS)
    if not only_shown and (missing := run.with_outcome(UNCHECKED)):
        of_all = f"{len(missing)} of {counted(len(run.entries), 'golden')} {was_or_were(len(missing))}"
        found.append(f"{of_all} selected and not compared: {', '.join(first_names(missing, '… and'))}")
    least, compared = at_least(config), len({entry["golden"] for entry in run.entries if is_compared(entry)})
    if not only_shown and compared < least:
        found.append(f"only {counted(compared, 'golden')} {was_or_were(compared)} compared, of at least {least}")
    found += [
        f"{'' if late['judged_by'] == UNCHECKED else 'after its test had ended, '}"
        f"{late['golden']} in {late['dtype']}: {late['reason']}"
        for late in run.late
    ]
    return found
