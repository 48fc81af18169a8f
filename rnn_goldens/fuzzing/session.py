"""A session of ``rnn-goldens fuzz``: pytest with one test; search, shrinking, statistics are Hypothesis' own."""

import os
import shlex
import traceback
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import ProgramFailed, RnnGoldensError
from rnn_goldens.exit_codes import FINDING, WRONG_USE
from rnn_goldens.fuzzing.strategy import Asked, goldens_of
from rnn_goldens.fuzzing.worker import Started
from rnn_goldens.judging.verdict import GoldenMismatch
from rnn_goldens.plugin.builtin_check.supervisor import NOT_INHERITED
from rnn_goldens.plugin.guard import ImplementationFailed
from rnn_goldens.programs.program import Program
from rnn_goldens.visible import visible

_PROFILE = "rnn-goldens"
_TEST = Path(__file__).with_name("test_drawn.py")
_INI = Path(__file__).parents[1] / "plugin" / "builtin_check" / "pytest.ini"

_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:xdist")
_PRINTED = ("-q", "-rN", "--disable-warnings", "--hypothesis-show-statistics")

_EXIT_CODES = {0: 0, 1: FINDING, 2: FINDING}
"""pytest's for passed, failed and interrupted; any other is wrong use."""


def run(tested: Started, asked: Asked, examples: int, arguments: Sequence[str]) -> int:
    """Test an implementation with goldens that are drawn.

    Args:
        tested: the implementation.
        asked: what is drawn, and where it is kept if it fails.
        examples: how many goldens.
        arguments: for pytest and Hypothesis: ``--hypothesis-seed=1``.

    Returns:
        The exit code of ``rnn-goldens fuzz``.
    """
    _register_profile(examples)
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    options = [
        *("-c", str(_INI), "--rootdir", str(_TEST.parent)),
        *_PLUGINS,
        *_PRINTED,
        f"--hypothesis-profile={_PROFILE}",
    ]
    code = pytest.main([*options, *arguments, str(_TEST)], plugins=[_Session(asked, tested)])
    return _EXIT_CODES.get(int(code), WRONG_USE)


def _register_profile(examples: int) -> None:
    """Settings of Hypothesis: networks take the time they take, and one finding is enough."""
    settings.register_profile(
        _PROFILE,
        max_examples=examples,
        derandomize=False,
        deadline=None,
        phases=[phase for phase in Phase if phase is not Phase.explain],  # which explains lines of this package
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


class _Session:
    """What pytest needs for the test: its fixtures, and failures without lines of this package."""

    def __init__(self, asked: Asked, tested: Started) -> None:
        self._asked, self._tested = asked, tested

    @pytest.fixture(scope="session")
    def drawn_goldens(self) -> SearchStrategy[Golden]:
        """What is drawn."""
        return goldens_of(self._asked)

    @pytest.fixture(scope="session")
    def drawn_implementation(self) -> Iterator[Started]:
        """What is tested; raises ProgramFailed at its end if a program did more than answer."""
        yield self._tested
        if isinstance(self._tested, Program):
            self._tested.close()
            for late in self._tested.late:
                raise ProgramFailed(f"{late.golden} in {late.dtype}: {late.text}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what failed, and nothing of the test that found it."""
        report = yield
        if call.excinfo is not None and isinstance(error := call.excinfo.value, Exception):
            here = f"rnn-goldens protocol --corpus {shlex.quote(str(self._asked.folder))} "
            report.longrepr = visible("\n".join(_said(error)).replace("rnn-goldens protocol ", here))
        return report


def _said(error: Exception) -> Iterator[str]:
    if isinstance(error, GoldenMismatch | ImplementationFailed | ProgramFailed | RnnGoldensError):
        yield str(error)
        yield from getattr(error, "__notes__", ())[-1:]  # the others are Hypothesis', and repeat the golden
        return
    if isinstance(error, Unsatisfiable):
        yield "nothing was compared, so nothing is known to be right: each golden was refused, or none could be drawn"
        return
    yield "".join(traceback.format_exception_only(error)).rstrip()
    if isinstance(error, BaseExceptionGroup):  # what failed once, and not when it was tried again
        yield from map(str, error.exceptions)
