"""Options, marker, fixtures and hooks. In a project that never uses them this file is all that is imported."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rnn_goldens.golden import Golden

OPTIONS = {
    "dtype": "precisions to check in, comma-separated: float64, float32, bfloat16, float16 (default: float32)",
    "cell": "only goldens of these cells, comma-separated: rnn_tanh, rnn_relu, lstm, gru",
    "features": "only goldens that have all of these features, comma-separated: state, lengths, core, ...",
    "without": "only goldens that have none of these features, comma-separated: bidirectional, unbatched, ...",
    "calls": "ways to call an implementation besides once, comma-separated: twice, rows, chunks, weights, views",
    "corpus": "a corpus version, or a folder that holds an index.json (default: the newest version)",
    "implementation": "what the rnn_implementation fixture is: a built-in name, package.module:callable, or "
    "'-- COMMAND', a program",
    "time-limit": "seconds that a program has for one golden (default: 10)",
    "known-failures": "a file of lines 'ID-pattern  # reason or issue URL'; an entry that passes is an error",
    "report": "write what was found, golden by golden, to this JSON file",
}
PROPERTY = "rnn_goldens"
"""The user property of a report that holds what was found so far, as JSON; xdist carries it, and JUnit XML shows it."""

REFUSED_BECAUSE = "rnn_goldens_refused"
"""The attribute of the report in which an implementation refused: its reason."""

MARKER = (
    "rnn_goldens(ids=..., cell=..., features=..., without=..., dtypes=..., calls=...): which goldens the rnn_golden "
    "fixture gives to this test, one at a time, and in which ways its check_calls calls an implementation; each "
    "argument is a name or a list of names"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option has an ini twin with underscores: ``rnn_goldens_dtype = float64``."""
    group = parser.getgroup("rnn-goldens", "golden data for recurrent neural networks")
    for name, text in OPTIONS.items():
        group.addoption(f"--rnn-goldens-{name}", metavar=name.upper(), default=None, help=text)
        parser.addini(f"rnn_goldens_{name.replace('-', '_')}", text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse settings that can not be met before any test runs."""
    config.addinivalue_line("markers", MARKER)
    if any(setting(config, name) for name in OPTIONS):
        from rnn_goldens.plugin.settings import check_settings

        check_settings(config)
    config.stash[TALLY] = Tally()
    config.pluginmanager.register(config.stash[TALLY], "rnn_goldens_tally")


def result_of(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """What was noted on a test's report, as an entry of the results file; empty if the test had no golden."""
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            import json

            result: dict[str, Any] = json.loads(value)
            return result
    return {}


class Tally:
    """Counts goldens that were refused and checked, from reports, which xdist brings from its workers."""

    def __init__(self) -> None:
        self.refused = self.checked = 0
        self.calls: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The report of a tear-down, the last one, says what became of a golden."""
        if report.when == "teardown" and (result := result_of(report)):
            self.refused += result["outcome"] == "refused"
            for name, made in result.get("calls", {}).items():
                if made or result["outcome"] == "passed":  # a single call that fails keeps the others from being made
                    self.calls[name] = self.calls.get(name, False) or made
            self.checked += "largest_error" in result or result["outcome"] not in ("refused", "skipped")

    @property
    def calls_never_made(self) -> list[str]:
        """Ways of calling that were asked for, and that no golden of the run could be asked."""
        return [name for name, made in self.calls.items() if not made]

    @property
    def nothing_checked(self) -> bool:
        """Whether goldens were refused and none was checked: such a run has not shown that anything is right."""
        return self.refused > 0 and self.checked == 0


TALLY = pytest.StashKey[Tally]()


def setting(config: pytest.Config, name: str) -> str:
    """An option's value, or its ini twin's, or ""."""
    ini_name = f"rnn_goldens_{name.replace('-', '_')}"
    return str(config.getoption(ini_name) or config.getini(ini_name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per selected golden and precision."""
    if "rnn_golden" in metafunc.fixturenames:
        from rnn_goldens.plugin.selection import parametrize

        parametrize(metafunc)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marker that gives goldens to no test is a mistake: its tests would check nothing, and pass."""
    if "rnn_goldens" in item.keywords and "rnn_golden" not in getattr(item, "fixturenames", ()):
        from rnn_goldens.plugin.selection import refuse_marker_without_golden

        refuse_marker_without_golden(item)


@pytest.fixture
def rnn_golden(request: pytest.FixtureRequest) -> "Golden":
    """A golden in the precision under test. Call its ``check``: a test that does not, fails."""
    from rnn_goldens.plugin.golden_under_test import golden_under_test

    return golden_under_test(request)


@pytest.fixture(scope="session")
def rnn_implementation(request: pytest.FixtureRequest) -> Generator[Callable[["Golden"], tuple[Any, ...]]]:
    """The implementation that ``--rnn-goldens-implementation`` names, as a function of a golden."""
    from rnn_goldens.plugin.implementation import implementation

    yield from implementation(request.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that asked for a golden, returned, and never checked anything against it."""
    result = yield
    if "rnn_golden" in getattr(item, "fixturenames", ()):
        from rnn_goldens.plugin.golden_under_test import fail_if_unchecked

        fail_if_unchecked(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell refused from wrong, and note what was found for the results file."""
    report = yield
    if "rnn_golden" in getattr(item, "fixturenames", ()):
        from rnn_goldens.plugin.outcomes import note_outcome

        note_outcome(item, call, report)
    return report


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
    """Count goldens that an implementation refused apart from those it passed or failed."""
    return ("refused", "R", "REFUSED") if hasattr(report, REFUSED_BECAUSE) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which every golden was refused fails; xdist's workers leave that to their controller."""
    is_worker = hasattr(session.config, "workerinput")
    tally = session.config.stash[TALLY]
    if session.exitstatus == pytest.ExitCode.OK and (tally.nothing_checked or tally.calls_never_made) and not is_worker:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """List what was refused, and why."""
    reasons = [getattr(report, REFUSED_BECAUSE) for report in terminalreporter.getreports("refused")]
    if reasons:
        terminalreporter.section("goldens refused by the implementation")
        for reason in dict.fromkeys(reasons):
            terminalreporter.line(f"{reasons.count(reason):>5}  {reason}")
    tally = terminalreporter.config.stash[TALLY]
    for name in tally.calls_never_made:
        terminalreporter.line(f"calls={name} was never made: no golden of this run can be asked so", red=True)
    if tally.nothing_checked:
        terminalreporter.line(f"nothing was checked: all {tally.refused} goldens were refused", red=True)
