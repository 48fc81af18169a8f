"""Options, marker, fixtures and hooks. In a project that never uses them this file is all that is imported."""

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rnn_goldens.golden import Golden
    from rnn_goldens.plugin.tally import Tally

OPTIONS = {
    "dtype": "precisions to check in, comma-separated: float64, float32, bfloat16, float16 (default: float32)",
    "cell": "only goldens of these cells, comma-separated: rnn_tanh, rnn_relu, lstm, gru",
    "features": "only goldens that have all of these features, comma-separated: state, lengths, core, ...",
    "without": "only goldens that have none of these features, comma-separated: bidirectional, unbatched, ...",
    "calls": "ways to call an implementation besides once, comma-separated: twice, rows, chunks, weights, views",
    "corpus": "a corpus version, or a folder that holds an index.json (default: the newest version)",
    "implementation": "what the rnn_implementation fixture is: a built-in name, package.module:callable, or "
    "'-- COMMAND', a program",
    "time-limit": "seconds that rnn_implementation has for one golden (default: 10 for a program, 60 in Python)",
    "known-failures": "a file of lines 'ID-pattern  # reason or issue URL'; an entry that passes is an error",
    "report": "write what was found, golden by golden, to this JSON file",
}
PROPERTY = "rnn_goldens"
"""The user property of a report that holds an entry of the results file, as JSON; JUnit XML shows it."""

ASKED = "rnn_goldens_asked"
"""The attribute of a worker's first report of a golden that lists the tests of goldens it collected."""

CAME_LATE = "rnn_goldens_late"
"""The attribute of a report, and the name among a worker's last words, of what was found after a test had ended."""

TOLD_LATE = "rnn_goldens_told_late"
"""The attribute of a report that says such a thing to other plugins."""

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
    config.stash[LISTENER] = Listener(config)
    config.pluginmanager.register(config.stash[LISTENER], "rnn_goldens_listener")
    if any(setting(config, name) for name in OPTIONS):
        from rnn_goldens.plugin.settings import check_settings

        check_settings(config)


def result_of(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """What was noted on a test's report, as an entry of the results file; empty if the test had no golden."""
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            import json

            result: dict[str, Any] = json.loads(value)
            return result
    return {}


class Listener:
    """Hands what concerns goldens to the tally, which is made when there are any; xdist's workers have one each."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tally: Tally | None = None
        self.lost = False
        """Whether a worker died before it said which tests of goldens there are."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests of goldens that are to run."""
        if items := [item for item in session.items if "rnn_golden" in getattr(item, "fixturenames", ())]:
            self._made().ask_items(items)
            from rnn_goldens.plugin.exits import WatchedExit

            watched = WatchedExit()
            watched.begin()
            self.config.add_cleanup(watched.end)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What became of a test, or of a worker that ran it."""
        if hasattr(report, TOLD_LATE):
            return
        if self.tally is not None or result_of(report):
            self._made().note(report)
            self.revise(getattr(report, CAME_LATE, ()))
        elif report.when not in ("setup", "call", "teardown"):
            self.lost = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - a worker of xdist
        """What a worker found after its last test."""
        self.revise(getattr(node, "workeroutput", {}).get(CAME_LATE, ()))

    def revise(self, late: Iterable[dict[str, str]]) -> None:
        """Take back what was said of goldens that turned out wrong after their tests had ended, and say so to all."""
        for found in late:
            for entry in self._made().revise(found):
                from rnn_goldens.plugin.ending import tell_late

                tell_late(self.config, entry)

    def _made(self) -> "Tally":
        if self.tally is None:
            from rnn_goldens.plugin.tally import Tally

            self.tally = Tally()
        return self.tally


LISTENER = pytest.StashKey[Listener]()


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
    """A run that has not shown of every golden what it was to show fails; xdist's controller says so for all."""
    tally = session.config.stash[LISTENER].tally
    if tally is None:
        return
    from rnn_goldens.plugin.ending import end

    end(session, tally)


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """List what was refused, and why, and what keeps the run from showing that something is right."""
    tally = terminalreporter.config.stash[LISTENER].tally
    if tally is None:
        return
    from rnn_goldens.plugin.ending import summarize

    summarize(terminalreporter, tally)
