"""The hooks of pytest. A project that does not use goldens imports only them and ``options``."""

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from rnn_goldens.plugin import FLAGS, NAMES, OPTIONS
from rnn_goldens.plugin.options import (
    DRAWING,
    INCOMPLETE,
    MARKER,
    MESSAGE,
    RUN_RESULTS,
    flag,
    ini_name,
    message_of,
    result_of,
    setting,
)

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options. Each can also be set in the ini file, with underscores: ``rnn_goldens_dtype = float64``."""
    group = parser.getgroup("rnn-goldens", "golden data for recurrent neural networks")
    for name, text in OPTIONS.items():
        metavar = "NAME=SIZE,..." if name == "embed" else "NAME,..." if name in NAMES else name.upper()
        group.addoption(f"--rnn-goldens-{name}", metavar=metavar, default=None, help=text)
        parser.addini(ini_name(name), text, default="")
    for name, text in FLAGS.items():
        group.addoption(f"--rnn-goldens-{name}", action="store_true", help=text)
        parser.addini(ini_name(name), text, type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Replace the results file of an earlier run, because this run may fail before it starts."""
    if getattr(early_config.known_args_namespace, "rnn_goldens_report", None):
        from rnn_goldens.plugin.report_file import reset_report

        reset_report(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and check the settings before any test runs."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(Listener(config), "rnn_goldens_listener")
    if any(setting(config, name) for name in OPTIONS) or any(flag(config, name) for name in FLAGS):
        from rnn_goldens.plugin.settings import check_settings

        check_settings(config)
    if setting(config, "report"):
        from rnn_goldens.plugin.report_file import begin_report

        begin_report(config)


class Listener:
    """Passes reports of goldens to the run results; each xdist worker has its own run results."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record that a file could not be collected."""
        if report.failed:
            self.config.stash[INCOMPLETE] = "a file could not be collected; it may contain tests of goldens"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the outcome of a test, or the death of the worker that ran it."""
        if message_of(report).get("is_late"):
            return
        run = self.config.stash.get(RUN_RESULTS, None)
        if (run is not None and run.selected) or result_of(report) is not None:
            from rnn_goldens.plugin.run_results import run_of
            from rnn_goldens.plugin.session_finish import receive

            run_of(self.config).note(report)
            receive(self.config, message_of(report))
        elif report.when not in ("setup", "call", "teardown"):
            self.config.stash[INCOMPLETE] = "a worker died before it reported its tests"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - a worker of xdist
        """Collect what a worker sends at its end."""
        if message := getattr(node, "workeroutput", {}).get(MESSAGE):
            from rnn_goldens.plugin.session_finish import receive

            receive(self.config, message)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Record which tests of goldens will run."""
    if items := list(filter(_takes_golden, session.items)):
        from rnn_goldens.plugin.run_results import run_of

        run_of(session.config).add_items(items)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that did not check every selected golden; with xdist the controller does this for all workers."""
    if RUN_RESULTS in session.config.stash:
        from rnn_goldens.plugin.session_finish import end

        end(session)


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """Print the sections about goldens, and why the run is not complete."""
    if RUN_RESULTS in terminalreporter.config.stash:
        from rnn_goldens.plugin.session_finish import summarize

        summarize(terminalreporter)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test with the selected goldens, in each precision."""
    if "rnn_golden" in metafunc.fixturenames:
        from rnn_goldens.plugin.settings import parametrize

        parametrize(metafunc)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test without ``rnn_golden`` that is marked, or whose marked class or module has no test of goldens."""
    if "rnn_goldens" in item.keywords and not _takes_golden(item):
        from rnn_goldens.plugin.settings import refuse_marker_without_golden

        refuse_marker_without_golden(item)


@pytest.fixture
def rnn_golden(request: pytest.FixtureRequest) -> "Golden":
    """Return a golden in the precision under test. A test that checks nothing against it fails."""
    from rnn_goldens.plugin.fixture import golden_under_test

    return golden_under_test(request)


@pytest.fixture(scope="session")
def rnn_implementation(request: pytest.FixtureRequest) -> Generator[Callable[["Golden"], tuple[Any, ...]]]:
    """Return the implementation that ``--rnn-goldens-implementation`` names, as a function of a golden."""
    from rnn_goldens.plugin.implementation import implementation

    yield from implementation(request.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that requested or drew a golden and checked nothing against it; restore settings that it changed."""
    drawing = sys.modules.get(DRAWING)
    with ExitStack() as around:
        if _takes_golden(item):
            from rnn_goldens.plugin.fixture import checked, restored

            around.enter_context(checked(item))
            around.enter_context(restored())
        if drawing is not None and item.get_closest_marker("hypothesis") is not None:
            around.enter_context(drawing.tested(getattr(item, "obj", None)))
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Distinguish refusals from failures, and store the outcome on the report for the results file."""
    report = yield
    if _takes_golden(item):
        from rnn_goldens.plugin.outcomes import note_outcome

        note_outcome(item, call, report)
    return report


def _takes_golden(item: pytest.Item) -> bool:
    return "rnn_golden" in getattr(item, "fixturenames", ())


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
    """Report refused goldens as a separate category."""
    return ("refused", "R", "REFUSED") if "refused" in message_of(report) else None
