"""Options, marker, fixtures and hooks. In a project that never uses them this file is all that is imported."""

import sys
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from rnn_goldens.plugin.options import (
    CAME_LATE,
    CELLS_NAMED,
    DRAWING,
    FAILURES,
    FAILURES_OF_WORKERS,
    FLAGS,
    LOST,
    MARKER,
    NOT_COLLECTED,
    OPTIONS,
    PROGRAM,
    PROGRAM_SAYS,
    REFUSED_BECAUSE,
    TOLD_LATE,
    flag,
    result_of,
    setting,
)

if TYPE_CHECKING:
    from rnn_goldens.checkable.golden import Golden
    from rnn_goldens.plugin.run_results import Tally


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option has an ini twin with underscores: ``rnn_goldens_dtype = float64``."""
    group = parser.getgroup("rnn-goldens", "golden data for recurrent neural networks")
    for name, text in OPTIONS.items():
        group.addoption(f"--rnn-goldens-{name}", metavar=name.upper(), default=None, help=text)
        parser.addini(f"rnn_goldens_{name.replace('-', '_')}", text, default="")
    for name, text in FLAGS.items():
        group.addoption(f"--rnn-goldens-{name}", action="store_true", help=text)
        parser.addini(f"rnn_goldens_{name.replace('-', '_')}", text, type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """A results file of an earlier run is no longer there once this one may fail to begin."""
    if getattr(early_config.known_args_namespace, "rnn_goldens_report", None):
        from rnn_goldens.plugin.report import not_of_this_run

        not_of_this_run(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse settings that can not be met before any test runs."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(Listener(config), "rnn_goldens_listener")
    if any(setting(config, name) for name in OPTIONS) or any(flag(config, name) for name in FLAGS):
        from rnn_goldens.plugin.settings import check_settings

        check_settings(config)
    if setting(config, "report"):
        from rnn_goldens.plugin.report import begin_report

        begin_report(config)


class Listener:
    """Hands what concerns goldens to the tally, which is made when there are any; xdist's workers have one each."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tally: Tally | None = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests of goldens that are to run."""
        if items := [item for item in session.items if "rnn_golden" in getattr(item, "fixturenames", ())]:
            self._made().ask_items(items)
            from rnn_goldens.plugin.process_state import RestoredState

            self.config.pluginmanager.register(RestoredState(), "rnn_goldens_restored_state")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that can not be collected may have held tests of goldens."""
        if report.failed:
            self.config.stash[NOT_COLLECTED] = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What became of a test, or of a worker that ran it."""
        if hasattr(report, TOLD_LATE):
            return
        if self.tally is not None or result_of(report) is not None:
            self._made().note(report)
            self._revise(getattr(report, CAME_LATE, ()))
        elif report.when not in ("setup", "call", "teardown"):
            self.config.stash[LOST] = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - a worker of xdist
        """What a worker found after its last test, and the outputs that were wrong."""
        said = getattr(node, "workeroutput", {})
        self._revise(said.get(CAME_LATE, ()))
        if PROGRAM_SAYS in said:
            self.config.stash[PROGRAM] = said[PROGRAM_SAYS]
        if cells := said.get(CELLS_NAMED):
            from rnn_goldens.cells import name_cells

            name_cells(cells)
        if FAILURES in said:
            from rnn_goldens.plugin.causes import received

            self.config.stash.setdefault(FAILURES_OF_WORKERS, []).extend(received(said[FAILURES]))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A run that has not shown of every golden what it was to show fails; xdist's controller says so for all."""
        if self.tally is not None:
            from rnn_goldens.plugin.session_finish import end

            end(session, self.tally)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """List what was refused, and why, and what keeps the run from showing that something is right."""
        if self.tally is not None:
            from rnn_goldens.plugin.session_finish import summarize

            summarize(terminalreporter, self.tally)

    def _revise(self, late: Iterable[dict[str, str]]) -> None:
        if late:
            from rnn_goldens.plugin.session_finish import revise

            revise(self.config, self._made(), late)

    def _made(self) -> "Tally":
        if self.tally is None:
            from rnn_goldens.plugin.run_results import TALLY, Tally

            self.tally = self.config.stash[TALLY] = Tally()
        return self.tally


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per selected golden and precision."""
    if "rnn_golden" in metafunc.fixturenames:
        from rnn_goldens.plugin.marker import parametrize

        parametrize(metafunc)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marker that gives goldens to no test is a mistake: its tests would check nothing, and pass."""
    if "rnn_goldens" in item.keywords and "rnn_golden" not in getattr(item, "fixturenames", ()):
        from rnn_goldens.plugin.marker import refuse_marker_without_golden

        refuse_marker_without_golden(item)


@pytest.fixture
def rnn_golden(request: pytest.FixtureRequest) -> "Golden":
    """A golden in the precision under test. Call its ``check``: a test that does not, fails."""
    from rnn_goldens.plugin.fixture import golden_under_test

    return golden_under_test(request)


@pytest.fixture(scope="session")
def rnn_implementation(request: pytest.FixtureRequest) -> Generator[Callable[["Golden"], tuple[Any, ...]]]:
    """The implementation that ``--rnn-goldens-implementation`` names, as a function of a golden."""
    from rnn_goldens.plugin.implementation import implementation

    yield from implementation(request.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that asked for a golden, returned, and never checked anything against it; or drew some, likewise."""
    drawing = sys.modules.get(DRAWING)
    if drawing is None or item.get_closest_marker("hypothesis") is None:
        result = yield
    else:
        with drawing.tested():
            result = yield
    if "rnn_golden" in getattr(item, "fixturenames", ()):
        from rnn_goldens.plugin.fixture import fail_if_unchecked

        fail_if_unchecked(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell refused from wrong, and note what was found for the results file."""
    if "rnn_golden" not in getattr(item, "fixturenames", ()):
        return (yield)
    from rnn_goldens.plugin.report_hooks import note_outcome

    report = yield
    note_outcome(item, call, report)
    return report


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
    """Count goldens that an implementation refused apart from those it passed or failed."""
    return ("refused", "R", "REFUSED") if hasattr(report, REFUSED_BECAUSE) else None
