"""Options, marker, fixtures and hooks. In a project that never uses them this file is all that is imported."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rnn_goldens.golden import Golden

OPTIONS = {
    "dtype": "precisions to check in, comma-separated: float64, float32, bfloat16, float16 (default: float32)",
    "corpus": "a corpus version, or a folder that holds an index.json (default: the newest version)",
    "implementation": "what the rnn_implementation fixture is: a built-in name, or package.module:callable",
    "known-failures": "a file of lines 'ID-pattern  # reason or issue URL'; an entry that passes is an error",
    "report": "write what was found, golden by golden, to this JSON file",
}
PROPERTY = "rnn_goldens"
"""The user property of a report that holds what was found; xdist carries it, and JUnit XML shows it."""

MARKER = (
    "rnn_goldens(ids=..., cell=..., features=..., without=..., dtypes=...): which goldens the rnn_golden fixture gives "
    "to this test, one at a time; each argument is a name or a list of names"
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


def result_of(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """What was noted on a test's report, as an entry of the results file; empty if the test had no golden."""
    result: dict[str, Any] = dict(getattr(report, "user_properties", ())).get(PROPERTY, {})
    return result


def setting(config: pytest.Config, name: str) -> str:
    """An option's value, or its ini twin's, or ""."""
    ini_name = f"rnn_goldens_{name.replace('-', '_')}"
    return str(config.getoption(ini_name) or config.getini(ini_name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per selected golden and precision."""
    if "rnn_golden" in metafunc.fixturenames:
        from rnn_goldens.plugin.selection import parametrize

        parametrize(metafunc)
    elif any(marker.name == "rnn_goldens" for marker in metafunc.definition.own_markers):
        from rnn_goldens.plugin.selection import refuse_marker_without_golden

        refuse_marker_without_golden(metafunc)


@pytest.fixture
def rnn_golden(request: pytest.FixtureRequest) -> "Golden":
    """A golden in the precision under test. Call its ``check``: a test that does not, fails."""
    from rnn_goldens.plugin.golden_under_test import golden_under_test

    return golden_under_test(request)


@pytest.fixture(scope="session")
def rnn_implementation(request: pytest.FixtureRequest) -> Callable[["Golden"], tuple[Any, ...]]:
    """The implementation that ``--rnn-goldens-implementation`` names, as a function of a golden."""
    from rnn_goldens.plugin.settings import implementation

    return implementation(request.config)


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
    return ("refused", "R", "REFUSED") if result_of(report).get("outcome") == "refused" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was refused, and why."""
    reasons = [result_of(report)["reason"] for report in terminalreporter.getreports("refused")]
    if reasons:
        terminalreporter.section("goldens refused by the implementation")
        for reason in dict.fromkeys(reasons):
            terminalreporter.line(f"{reasons.count(reason):>5}  {reason}")
