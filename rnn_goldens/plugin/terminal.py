"""Terminal output of the plugin: the list of failures, and the sections of the summary about goldens.

Five failures are printed whole, others in a line each, unless ``-vv`` is given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

import pytest

from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.diagnosis.summary import WIDTH, general, no_outputs, without_numbers
from rnn_goldens.plugin.check_log import first_line
from rnn_goldens.plugin.options import message_of, result_of
from rnn_goldens.plugin.run_results import RunResults, first_names, passes_again
from rnn_goldens.plugin.settings import corpora_of_all
from rnn_goldens.plurals import counted, was_or_were
from rnn_goldens.result import FAILED, PASSED, REFUSED, UNCHECKED, Result, gradient_lines, is_compared
from rnn_goldens.visible import visible

LIST_LINES = pytest.StashKey[Sequence[str]]()
"""Lines of the summary about known failures."""

_MAX_WHOLE = 5
"""The largest number of failures that are printed whole."""

_FULL_VERBOSITY = 2
"""The lowest verbosity at which every failure is printed whole: ``-vv``."""


_CATEGORIES = ("failed", "error")

_ERROR_MARK = "E"
"""Start of pytest's lines of an error; other lines are source code."""

_SHORTENED = pytest.StashKey[list[pytest.TestReport]]()


def write_line(terminal: "pytest.TerminalReporter", line: str, **markup: bool) -> None:
    """Print a line."""
    terminal.line(visible(line), **markup)


def remove_id_from_summary(report: pytest.TestReport, verdict: Verdict) -> None:
    """Remove the golden's id from a failure's line in the short test summary, which begins with the test's id."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)  # these types are private to pytest
    if crash is not None:
        golden, _, text = verdict.message.partition("\n")[0].partition(": ")
        crash.message = f"{golden.partition(', like ')[2]}: {text}".removeprefix(": ")


def shorten(terminal: "pytest.TerminalReporter", results: Iterable[Result]) -> None:
    """Choose the failures to print whole, of as many reasons as possible, and leave the others out of pytest's list."""
    config = terminal.config
    if config.get_verbosity() >= _FULL_VERBOSITY or config.option.tbstyle == "no":
        return
    entries = {entry["test"]: entry for entry in results}
    first, others, found = list[pytest.TestReport](), list[pytest.TestReport](), set[object]()
    for report in [report for category in _CATEGORIES for report in terminal.stats.get(category, ())]:
        if result_of(report) is not None and report.nodeid in entries:
            reason = _reason(entries[report.nodeid])
            (others if reason in found else first).append(report)
            found.add(reason)
    ordered = [*first, *others]
    if not (shortened := ordered[_MAX_WHOLE:]):
        return
    config.stash[_SHORTENED] = shortened
    for report in shortened:
        report._pdbshown = True  # type: ignore[attr-defined] # pytest lists such reports only in its short summary
    for report in ordered[:_MAX_WHOLE]:
        if config.option.tbstyle == "auto" and entries[report.nodeid].get("judged_by") == "comparison":
            _remove_source(report)


def _remove_source(report: pytest.TestReport) -> None:
    """Remove the source code and arguments of the test, which are the same for all goldens; keep message and place."""
    entries: Any = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
    if entries and hasattr(entries[-1], "lines"):
        entries[-1].lines = [line for line in entries[-1].lines if line.startswith(_ERROR_MARK)]
        entries[-1].reprfuncargs, entries[-1].style = None, "short"


def shortened_lines(terminal: "pytest.TerminalReporter") -> Iterator[str]:
    """Yield how many failures are not printed whole, and a line for each if the short test summary has none."""
    if not (shortened := terminal.config.stash.get(_SHORTENED, [])):
        return
    yield f"{counted(len(shortened), 'more failure')} below in one line each; -vv prints every failure whole"
    if not (terminal.hasopt("f") and terminal.hasopt("E")):
        for report in shortened:
            crash = getattr(report.longrepr, "reprcrash", None)
            yield f"{report.nodeid} - {first_line(getattr(crash, 'message', report.longrepr))}"


def _reason(entry: Result) -> object:
    """Return what failures of the same reason have in common: the deviations that explain them, else facts or text."""
    if known := entry.get("explained_by") or [name for name, holds in entry.get("facts", {}).items() if holds]:
        return tuple(known)
    return without_numbers(general(entry.get("reason", ""), entry["golden"], entry["dtype"]))


def summarize(terminal: "pytest.TerminalReporter", run_results: RunResults) -> None:
    """Print the sections about goldens, and why the run is not complete."""
    for line in shortened_lines(terminal):
        write_line(terminal, line)
    reasons = Counter(message_of(report)["refused"] for report in terminal.getreports("refused"))
    refusals = [f"{count:>5}  {reason}" for reason, count in reasons.items()]
    _print(terminal, "goldens refused by the implementation", refusals)
    _print(terminal, "rnn-goldens: refused call patterns", _wrapped(_refused_patterns(run_results)))
    _print(terminal, "rnn-goldens: profile", _wrapped(_profiles(run_results)))
    _print(terminal, "rnn-goldens: what is wrong", _what_is_wrong(terminal, run_results))
    _print(terminal, "rnn-goldens: gradients", _wrapped(gradient_lines(run_results.entries)))
    _print(terminal, "rnn-goldens: what this run can detect", _wrapped(_run_coverage(terminal.config, run_results)))
    _print(terminal, "rnn-goldens: known failures", terminal.config.stash.get(LIST_LINES, []))
    failed = run_results.with_outcome(FAILED)
    if failed and not any(terminal.stats.get(kind) for kind in ("failed", "error")):
        text = f"{counted(len(failed), 'golden')} failed, although pytest reports otherwise"
        write_line(terminal, f"{text}: {', '.join(first_names(failed, '… and'))}", red=True)
    for line in problems(terminal.config, run_results):
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


def _name_the_cause(terminal: "pytest.TerminalReporter", causes: Mapping[str, str]) -> None:
    """Add the cause of each explained failure to pytest's short summary."""
    for report in terminal.stats.get("failed", ()):
        cause, crash = causes.get(report.nodeid, ""), getattr(report.longrepr, "reprcrash", None)
        if cause and crash is not None:
            crash.message = f"{cause}: {crash.message.removeprefix(f'{cause}: ')}"


def problems(config: pytest.Config, run_results: RunResults) -> list[str]:
    """Return why a run is not complete, or checked nothing."""
    found: list[str] = []
    refused = {name for patterns in run_results.called.values() for name in patterns["refused"]}
    for name in run_results.patterns_not_run:
        why = "it was refused" if name in refused else "no golden of this run supports it"
        found.append(f"calls={name} was not run: {why}")
    if run_results.nothing_checked:
        found.append(f"nothing was checked: {_reason_nothing_checked(run_results)}")
    if not runs_no_tests(config) and (missing := run_results.with_outcome(UNCHECKED)):
        of_all = f"{len(missing)} of {counted(len(run_results.entries), 'golden')} {was_or_were(len(missing))}"
        found.append(f"{of_all} selected and not compared: {', '.join(first_names(missing, '… and'))}")
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
