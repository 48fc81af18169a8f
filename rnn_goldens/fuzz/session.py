"""Runs ``rnn-goldens fuzz``: pytest with one test. Hypothesis does the search, shrinking and statistics."""

import os
import shlex
import traceback
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import GoldenMismatch
from rnn_goldens.control_characters import visible
from rnn_goldens.errors import FINDING, WRONG_USE, ProgramFailed, RnnGoldensError
from rnn_goldens.fuzz.strategy import SearchRequest, goldens_of
from rnn_goldens.fuzz.worker import Started
from rnn_goldens.plugin.builtin_check.supervisor import NOT_INHERITED
from rnn_goldens.plugin.implementation import ImplementationFailed
from rnn_goldens.programs.program import Program

_PROFILE = "rnn-goldens"
_TEST = Path(__file__).with_name("test_drawn.py")
_INI = Path(__file__).parents[1] / "plugin" / "builtin_check" / "pytest.ini"

_EXIT_CODES = {0: 0, 1: FINDING, 2: FINDING}
"""Exit code by pytest's exit code: passed, failed, interrupted. Any other exit code of pytest means wrong use."""


def run(tested: Started, request: SearchRequest, examples: int, arguments: Sequence[str]) -> int:
    """Test an implementation with at most ``examples`` drawn goldens, and arguments of pytest; return the exit code."""
    settings.register_profile(
        _PROFILE,
        max_examples=examples,
        derandomize=False,
        deadline=None,
        phases=[phase for phase in Phase if phase is not Phase.explain],  # it would explain lines of this package
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    options = [
        *("-c", str(_INI), "--rootdir", str(_TEST.parent)),
        *("-p", "no:cacheprovider", "-p", "no:xdist"),
        *("-q", "-rN", "--disable-warnings", "--hypothesis-show-statistics"),
        f"--hypothesis-profile={_PROFILE}",
    ]
    code = pytest.main([*options, *arguments, str(_TEST)], plugins=[_Session(request, tested)])
    return _EXIT_CODES.get(int(code), WRONG_USE)


class _Session:
    """A pytest plugin for the test: provides fixtures, and removes lines of this package from failure reports."""

    def __init__(self, request: SearchRequest, tested: Started) -> None:
        self._request, self._tested = request, tested

    @pytest.fixture(scope="session")
    def drawn_goldens(self) -> SearchStrategy[Golden]:
        """Return the strategy of the goldens."""
        return goldens_of(self._request)

    @pytest.fixture(scope="session")
    def drawn_implementation(self) -> Iterator[Started]:
        """Yield the implementation. At the end, raises ProgramFailed if a program misbehaved after an answer."""
        yield self._tested
        if isinstance(self._tested, Program):
            self._tested.close()
            for late in self._tested.late:
                raise ProgramFailed(f"{late['golden']} in {late['dtype']}: {late['reason']}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report the failure without the code of the test."""
        report = yield
        if call.excinfo is not None and isinstance(error := call.excinfo.value, Exception):
            here = f"rnn-goldens protocol --corpus {shlex.quote(str(self._request.folder))} "
            report.longrepr = visible("\n".join(_report_lines(error)).replace("rnn-goldens protocol ", here))
        return report


def _report_lines(error: Exception) -> Iterator[str]:
    if isinstance(error, GoldenMismatch | ImplementationFailed | ProgramFailed | RnnGoldensError):
        yield str(error)
        yield from getattr(error, "__notes__", ())[-1:]  # the other notes are from Hypothesis and repeat the golden
        return
    if isinstance(error, Unsatisfiable):
        yield "nothing was compared, so nothing passed: every golden was refused, or none could be drawn"
        return
    yield "".join(traceback.format_exception_only(error)).rstrip()
    if isinstance(error, BaseExceptionGroup):  # a failure that did not repeat
        yield from map(str, error.exceptions)
