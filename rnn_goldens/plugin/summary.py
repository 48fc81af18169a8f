"""Prints the sections of the summary about goldens, and why a run is not complete."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap

import pytest

from rnn_goldens.diagnosis.missing_outputs import WIDTH, no_outputs
from rnn_goldens.plugin.options import message_of
from rnn_goldens.plugin.run_results import RunResults, first_names, passes_again
from rnn_goldens.plugin.session_finish import LIST_LINES, problems
from rnn_goldens.plugin.settings import corpora_of_all
from rnn_goldens.plugin.terminal import shortened_lines, write_line
from rnn_goldens.plurals import counted, was_or_were
from rnn_goldens.result import FAILED, PASSED, gradient_lines, is_compared


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
