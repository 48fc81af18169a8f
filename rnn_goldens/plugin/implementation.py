"""The implementation under test: started once per run, guarded while it runs, and closed at the end of the run.

A skip, an exit or an endless loop of the implementation affects only one golden.
"""

import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO, TypeVar
from unittest import SkipTest

import pytest

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.actual import gradients_by_name
from rnn_goldens.comparison.array_conversion import NotNumbers, read, written_to, wrote_into
from rnn_goldens.comparison.call_patterns import Backward
from rnn_goldens.comparison.returned import by_name, outputs_of
from rnn_goldens.errors import ProgramFailed, RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.implementations import Implementation, close, resolve
from rnn_goldens.implementations.resolution import backward_of
from rnn_goldens.plugin.options import setting
from rnn_goldens.plugin.run_results import run_of
from rnn_goldens.plugin.settings import base_folder, time_limit
from rnn_goldens.programs.command import is_command
from rnn_goldens.programs.program import TIME_LIMIT as PROGRAM_TIME_LIMIT
from rnn_goldens.programs.program import Program

WRONG_USE = "rnn-goldens: "
"""Prefix of messages about the user's settings rather than a golden."""

NOW = pytest.StashKey[Path]()
"""Set in a supervised run: the file that names the golden being run."""

_STARTED = pytest.StashKey["Guard"]()

T = TypeVar("T")

TIME_LIMIT = 60.0
"""Seconds for one golden, including imports and compilation."""

HARD_LIMITS = 2
"""After this many times the time limit, a call that cannot be interrupted is ended together with its process."""


def implementation(config: pytest.Config) -> Generator[Implementation]:
    """Yield the implementation for the fixture; fails with one line of text if none is set or it is not found."""
    try:
        start(config)
    except pytest.UsageError as error:
        if error.__cause__ is not None:
            raise
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield config.stash[_STARTED]
    try:
        stop(config)
    except ProgramFailed as error:
        pytest.fail(f"rnn-goldens: {error}", pytrace=False)


def stop_for_wrong_use(config: pytest.Config, error: WrongUse) -> NoReturn:
    """End the run, because the error would repeat for every golden; an xdist worker can only fail the test."""
    message = f"{WRONG_USE}{error}"
    if hasattr(config, "workerinput"):
        raise pytest.fail.Exception(message, pytrace=False) from None
    pytest.exit(message, returncode=pytest.ExitCode.USAGE_ERROR)


def start(config: pytest.Config) -> None:
    """Resolve the implementation that is set, and start it if it is a program; once per run.

    Raises pytest.UsageError if none is set, or it is not found or does not start; its cause is an error that the user's
    module raised.
    """
    if _STARTED in config.stash:
        return
    name = setting(config, "implementation")
    if not name:
        raise pytest.UsageError(
            "rnn-goldens: the rnn_implementation fixture needs --rnn-goldens-implementation, "
            "or rnn_goldens_implementation in the ini file"
        )
    try:
        folder, of_program = base_folder(config, "implementation"), is_command(name)
        limit = time_limit(config) or (PROGRAM_TIME_LIMIT if of_program else TIME_LIMIT)
        found, run = resolve(name, folder, limit), run_of(config)
        if isinstance(found, Program):
            run.program = {found.name: found.version}
        limit_here, now = None if of_program else limit, config.stash.get(NOW, None)
        config.stash[_STARTED] = Guard(found, limit_here, run.unsent, now, backward_of(name, found))
    except RnnGoldensError as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from error.__cause__


def stop(config: pytest.Config) -> None:
    """Close the implementation if it was started; raises ProgramFailed if it misbehaved after its last answer."""
    if (started := config.stash.get(_STARTED, None)) is not None:
        del config.stash[_STARTED]
        started.close()


class ImplementationFailed(Exception):
    """Raised if the implementation exited, took too long, wrote into its inputs or ended the test through pytest."""

    __module__ = "rnn_goldens"


@contextmanager
def failures_as_errors() -> Iterator[None]:
    """Turn outcomes and exits, raised while an implementation runs or its outputs are read, into errors.

    A skip is Unsupported; ``pytest.xfail``, ``fail`` and ``exit`` and ``sys.exit`` are ImplementationFailed.
    """
    __tracebackhide__ = True
    try:
        yield
    except (pytest.skip.Exception, SkipTest) as reason:
        raise Unsupported(str(reason) or "skipped without a reason") from None
    except (pytest.xfail.Exception, pytest.exit.Exception, pytest.fail.Exception) as error:
        what = {pytest.xfail.Exception: "xfail", pytest.exit.Exception: "exit"}.get(type(error), "fail")
        raise ImplementationFailed(f"the implementation called pytest.{what}({str(error)!r})") from None
    except SystemExit as error:
        raise ImplementationFailed(f"the implementation called sys.exit({error.code!r})") from None


class TimeIsUp(BaseException):
    """A call took too long. Not an Exception, because an implementation may catch every Exception."""


class Guard:
    """Calls an implementation and limits every failure to the golden that it was called with."""

    def __init__(
        self,
        run: Implementation,
        seconds: float | None,
        late: list[dict[str, str]],
        now: Path | None,
        backward: Backward,
    ) -> None:
        """Guard an implementation; ``seconds`` is the time limit for one golden, None for a program, which has its own.

        Findings about goldens whose tests have ended are appended to ``late``. The file ``now`` names the golden that
        runs, with a traceback if a call ends together with its process; the supervisor reads it if the process dies.
        Without it, a call that cannot be interrupted is not ended.
        """
        self._run, self._backward = run, backward
        self._seconds = seconds
        self._late = late
        self._now: TextIO | None = None if now is None else now.open("w", encoding="utf-8")

    def __call__(self, golden: Inputs) -> tuple[Any, ...]:
        """Return the outputs.

        Raises:
            Unsupported: the implementation refused or skipped.
            ImplementationFailed: it took too long, wrote into its inputs, or ended the test through pytest or an exit.
        """
        __tracebackhide__ = True
        return self._guarded(golden, self._outputs, "outputs")

    def gradients(self, golden: Inputs) -> dict[str, Any]:
        """Return the gradients by name, for inputs with cotangents; the caller checks that the inputs are unchanged.

        Raises as ``__call__`` does, and TypeError for something other than gradients, such as outputs.
        """
        __tracebackhide__ = True
        return self._guarded(golden, self._gradients, "gradients")

    def _guarded(self, golden: Inputs, call: Callable[[Inputs], T], what: str) -> T:
        __tracebackhide__ = True
        try:
            with failures_as_errors(), self._noted(golden), interrupting(self._seconds):
                return call(golden)
        except TimeIsUp:
            raise ImplementationFailed(f"the implementation returned no {what} within {self._seconds:g} s") from None
        finally:
            self._collect_late_findings()

    def _outputs(self, golden: Inputs) -> tuple[Any, ...]:
        """Run the implementation. For a ``Golden``, require unchanged inputs; for ``Inputs``, the caller does this.

        In a supervised run, return NumPy arrays, so that lazy libraries compute them here, if they are numbers.
        """
        __tracebackhide__ = True
        inputs = golden.for_implementation() if isinstance(golden, Golden) else golden
        outputs = self._run(inputs)
        if isinstance(golden, Golden) and (names := written_to(inputs, golden.stored)):
            raise ImplementationFailed(f"{golden.id} in {golden.dtype}: the implementation {wrote_into(names)}")
        with suppress(NotNumbers, TypeError):
            if self._now is not None and isinstance(outputs, tuple) and len(outputs) == 1:
                return (read(outputs[0]),)  # an implementation may return out alone
            if self._now is not None:
                found = outputs_of(outputs, layout=golden.layout)
                return tuple(map(read, by_name(golden.layout, *found, state_shape=golden.state_shape).values()))
        return outputs

    def _gradients(self, golden: Inputs) -> dict[str, Any]:
        """Return the gradients as NumPy arrays; unchanged if they are not numbers."""
        __tracebackhide__ = True
        arrays = gradients_by_name(golden, self._backward(golden), {})
        for name, value in arrays.items():
            with suppress(NotNumbers):
                arrays[name] = read(value)
        return arrays

    def close(self) -> None:
        """End a program; raises ProgramFailed if it misbehaved after its last answer."""
        try:
            close(self._run)
        finally:
            if self._now is not None:
                self._now.close()
            self._collect_late_findings()

    def _collect_late_findings(self) -> None:
        if isinstance(self._run, Program):
            self._late += self._run.late
            self._run.late.clear()

    @contextmanager
    def _noted(self, golden: Inputs) -> Iterator[None]:
        """Write the golden's id to ``now``, and end the process if a call takes too long and cannot be interrupted."""
        if self._now is None:
            yield
            return
        self._now.write(f"{golden.id} in {golden.dtype}\n")
        self._now.flush()
        if self._seconds is not None:
            faulthandler.dump_traceback_later(HARD_LIMITS * self._seconds, exit=True, file=self._now)
        try:
            yield
        finally:
            if self._seconds is not None:
                faulthandler.cancel_dump_traceback_later()
            self._now.seek(0)
            self._now.truncate()


@contextmanager
def interrupting(seconds: float | None) -> Iterator[None]:
    """Raise TimeIsUp after the time limit, if platform and thread support it and no other code set an earlier alarm."""
    if seconds is None or sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    other_alarm, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < other_alarm <= seconds:
        yield
        return
    before, begin = signal.signal(signal.SIGALRM, _interrupt), time.monotonic()
    # Repeatedly, because an implementation may catch the first.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds / 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)
        if other_alarm:
            left = max(other_alarm - (time.monotonic() - begin), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's signature
    raise TimeIsUp
