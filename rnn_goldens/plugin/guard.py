"""What an implementation does in our process is kept to the golden it was asked: skips, exits, endless loops."""

import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO
from unittest import SkipTest

import pytest

from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations import Implementation, close
from rnn_goldens.judging.calls import Backward
from rnn_goldens.judging.given import gradients_by_name
from rnn_goldens.judging.inputs import written_to, wrote_into
from rnn_goldens.judging.outputs import NotNumbers, outputs_of, read, states_apart
from rnn_goldens.plugin.check_log import finding
from rnn_goldens.programs.program import Program

TIME_LIMIT = 60.0
"""Seconds for one golden, what is imported and compiled for it included."""

HARD_LIMITS = 2
"""After so many times the limit a call that could not be interrupted is ended with its process."""


class ImplementationFailed(Exception):
    """An implementation gave no outputs: it ended its process, took too long, wrote into inputs or called pytest."""

    __module__ = "rnn_goldens"


@contextmanager
def no_outcome_of_its_own() -> Iterator[None]:
    """Around what is an implementation's: its call, and the reading of its outputs.

    Raises:
        Unsupported: it skipped.
        ImplementationFailed: it called ``pytest.xfail``, ``pytest.fail``, ``pytest.exit`` or ``sys.exit``.
    """
    __tracebackhide__ = True
    try:
        yield
    except (pytest.skip.Exception, SkipTest) as reason:
        raise Unsupported(str(reason) or "skipped, and no reason given") from None
    except (pytest.xfail.Exception, pytest.exit.Exception, pytest.fail.Exception) as error:
        what = {pytest.xfail.Exception: "xfail", pytest.exit.Exception: "exit"}.get(type(error), "fail")
        raise ImplementationFailed(f"the implementation called pytest.{what}({str(error)!r})") from None
    except SystemExit as error:
        raise ImplementationFailed(f"the implementation called sys.exit({error.code!r})") from None


class TimeIsUp(BaseException):
    """A call took too long; not an Exception, which an implementation may catch."""


class Guard:
    """Calls an implementation, so that it can harm no golden but the one it is asked."""

    def __init__(
        self,
        run: Implementation,
        seconds: float | None,
        late: list[dict[str, str]],
        now: Path | None,
        stderr: TextIO | None,
        backward: Backward,
    ) -> None:
        """Guard an implementation.

        Args:
            run: the implementation.
            seconds: what it has for one golden; None for a program, which has a limit of its own.
            late: where findings go that are of a golden whose test has ended.
            now: where a run that is watched over notes what is being asked, for whoever asks why its process ended.
            stderr: where else it is written how far a call had come that had to be ended with its process; without
                either, none is.
            backward: what gives its gradients; raises Unsupported if nothing can.
        """
        self._run, self._backward = run, backward
        self._seconds = seconds
        self._late = late
        self._now: TextIO | None = None if now is None else now.open("w", encoding="utf-8")
        self._last_words = self._now or stderr

    def __call__(self, golden: Question) -> tuple[Any, ...]:
        """The outputs.

        Raises:
            Unsupported: the implementation refused, or skipped, which is a refusal too.
            ImplementationFailed: it took too long, or called ``pytest.xfail``, ``pytest.fail``, ``pytest.exit`` or
                ``sys.exit``.
        """
        __tracebackhide__ = True
        try:
            with no_outcome_of_its_own(), self._noted(golden), interrupting(self._seconds):
                outputs = self._run_untouching(golden)
                return outputs if self._now is None else _realized(golden, outputs)
        except TimeIsUp:
            raise ImplementationFailed(f"the implementation gave no outputs within {self._seconds:g} s") from None
        finally:
            self._take_what_came_late()

    def gradients(self, golden: Question) -> dict[str, Any]:
        """The gradients of a question, which has cotangents, by name; raises as for outputs.

        Raises:
            TypeError: the implementation returned something else, such as outputs.
        """
        __tracebackhide__ = True
        try:
            with no_outcome_of_its_own(), self._noted(golden), interrupting(self._seconds):
                return _realized_gradients(golden, self._backward(golden))
        except TimeIsUp:
            raise ImplementationFailed(f"the implementation gave no gradients within {self._seconds:g} s") from None
        finally:
            self._take_what_came_late()

    def _run_untouching(self, golden: Question) -> tuple[Any, ...]:
        """Run it on a question of a golden's, which it may not write to; whoever asks a question sees to that."""
        __tracebackhide__ = True
        if not isinstance(golden, Golden):
            return self._run(golden)
        asked = golden.question()
        outputs = self._run(asked)
        if names := written_to(asked, golden.stored):
            raise ImplementationFailed(f"{golden.id} in {golden.dtype}: the implementation {wrote_into(names)}")
        return outputs

    def close(self) -> None:
        """End a program; raises ProgramFailed if it had more to say than it was asked."""
        try:
            close(self._run)
        finally:
            if self._last_words is not None:
                self._last_words.close()
            self._take_what_came_late()

    def _take_what_came_late(self) -> None:
        if isinstance(self._run, Program):
            self._late += [finding(late.golden, late.dtype, late.text, "test") for late in self._run.late]
            self._run.late.clear()

    @contextmanager
    def _noted(self, golden: Question) -> Iterator[None]:
        """Note what is asked, and end the process if that takes too long and can not be interrupted."""
        self._write(f"{golden.id} in {golden.dtype}\n")
        ended_by_force = self._last_words if self._seconds is not None else None
        if self._seconds is not None and ended_by_force is not None:
            faulthandler.dump_traceback_later(HARD_LIMITS * self._seconds, exit=True, file=ended_by_force)
        try:
            yield
        finally:
            if ended_by_force is not None:
                faulthandler.cancel_dump_traceback_later()
            self._write("")

    def _write(self, text: str) -> None:
        if self._now is not None:
            self._now.seek(0)
            self._now.truncate()
            self._now.write(text)
            self._now.flush()


def _realized(golden: Question, outputs: Any) -> Any:  # noqa: ANN401 - whatever an implementation returns
    """Outputs that are read here and now, whatever their library does then; what is none, as it is."""
    try:
        if not isinstance(outputs, tuple | list):
            return read(outputs)  # which may be out alone
        apart = states_apart(golden.layout, *outputs_of(outputs), state_shape=golden.state_shape)
        return tuple(read(output) for output in apart.values())
    except (NotNumbers, TypeError):
        return outputs


def _realized_gradients(golden: Question, found: object) -> dict[str, Any]:
    """Gradients that are read here and now, likewise."""
    realized = gradients_by_name(golden, found, {})
    for name, value in realized.items():
        with suppress(NotNumbers):
            realized[name] = read(value)
    return realized


@contextmanager
def interrupting(seconds: float | None) -> Iterator[None]:
    """Interrupt what takes longer, where the system can, once Python's interpreter runs; a nearer alarm goes first."""
    if seconds is None or sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    others, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < others <= seconds:
        yield
        return
    before, begin = signal.signal(signal.SIGALRM, _interrupt), time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds / 10)  # again, for the first may be caught
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)
        if others:
            left = max(others - (time.monotonic() - begin), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's signature
    raise TimeIsUp
