"""An implementation in a process of its own, asked for one golden at a time: it may crash there, exit or hang."""

import multiprocessing
import pickle
import signal
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rnn_goldens.cells import name_cells, named_cells
from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.generator.pool import end_with_parent
from rnn_goldens.implementations import Implementation, check_name, outputs_of, resolve
from rnn_goldens.judging.inputs import written_to, wrote_into
from rnn_goldens.judging.outputs import NotNumbers, Output, read, states_apart
from rnn_goldens.plugin.guard import TIME_LIMIT, ImplementationFailed
from rnn_goldens.programs.command import find_command, is_command
from rnn_goldens.programs.misbehaviour import ended
from rnn_goldens.programs.program import TIME_LIMIT as PROGRAM_TIME_LIMIT
from rnn_goldens.programs.program import Program

_LONGEST = 1_000_000

_OUTPUTS, _REFUSED, _FAILED, _WRONG_USE = "outputs", "refused", "failed", "wrong use"
"""The kinds of an answer of the process."""

_OURS = Path(__file__).parents[1]
_MOST_FRAMES = 3


class Worker:
    """An implementation; called with a question it returns the outputs, read as arrays.

    The process is started again after one that ended or took too long.
    """

    def __init__(self, name: str, time_limit: float = TIME_LIMIT) -> None:
        """Start the process.

        Args:
            name: of the implementation, as ``resolve`` takes it.
            time_limit: seconds for one golden.

        Raises:
            RnnGoldensError: the implementation cannot be imported.
        """
        self._name, self._time_limit = name, time_limit
        self._start()

    def __call__(self, question: Question) -> tuple[Output, ...]:
        """Ask for the outputs.

        Raises:
            Unsupported: the implementation raised it.
            ImplementationFailed: there are no outputs; the message says why.
        """
        __tracebackhide__ = True
        if not self._process.is_alive():
            self._start()
        kind, answer = self._answer(question)
        if kind == _REFUSED:
            raise Unsupported(answer)
        if kind == _FAILED:
            raise ImplementationFailed(f"{question.id} in {question.dtype}: {self._name} {answer}")
        outputs: tuple[Output, ...] = answer
        return outputs

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(self._name, named_cells(), theirs), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(self._time_limit):
            self._process.kill()
            raise RnnGoldensError(f"implementation {self._name!r} is not imported within {self._time_limit:g} s")
        kind, answer = self._received()
        if kind == _FAILED:
            raise RnnGoldensError(f"implementation {self._name!r} {answer}")
        if kind == _WRONG_USE:
            raise WrongUse(answer)

    def _answer(self, question: Question) -> tuple[str, Any]:
        with suppress(OSError):  # of a process that has ended, which there is nothing to receive from either
            self._connection.send(question)
        if self._connection.poll(self._time_limit):
            return self._received()
        self._process.kill()
        self._process.join()
        return _FAILED, f"gave no outputs within {self._time_limit:g} s"

    def _received(self) -> tuple[str, Any]:
        try:
            answer: tuple[str, Any] = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return _FAILED, f"ended its process, which {ended(self._process.exitcode or 0)}"
        return answer


Started = Program | Worker
"""A program, or an implementation in a process of its own: both are called with a question, and closed."""


def opened(implementation: str, time_limit: float | None = None) -> Started:
    """Start a program or an implementation, which has to be closed.

    Args:
        implementation: as ``rnn-goldens check`` takes it.
        time_limit: seconds for one golden; None for what a program has, or an implementation in Python.

    Raises:
        RnnGoldensError: there is none, or the time limit is none, or it cannot be started.
    """
    if time_limit is not None and not 0 < time_limit <= _LONGEST:
        raise WrongUse(f"{time_limit:g} seconds for one golden: say a number above 0, and {_LONGEST:,} at most")
    check_name(implementation)
    if is_command(implementation):
        return Program(find_command(implementation, Path.cwd()), time_limit or PROGRAM_TIME_LIMIT)
    return Worker(implementation, time_limit or TIME_LIMIT)


def _serve(name: str, cells: tuple[str, ...], connection: Connection) -> None:
    """Import the implementation, and answer each question: what the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's, which the other process handles
    threading.Thread(target=end_with_parent, daemon=True).start()
    name_cells(cells)
    try:
        implementation = resolve(name)
    except RnnGoldensError as error:
        connection.send((_WRONG_USE, str(error)))
        return
    except BaseException as error:
        connection.send((_FAILED, f"cannot be imported: it {_raised(error)}"))
        return
    connection.send((_OUTPUTS, ()))
    while True:
        try:
            asked = connection.recv_bytes()
        except EOFError:
            return
        connection.send(_answered(implementation, pickle.loads(asked), pickle.loads(asked)))


def _answered(implementation: Implementation, question: Question, unchanged: Question) -> tuple[str, Any]:
    """The answer to a question, of which there is a copy that the implementation never sees."""
    try:
        outputs = states_apart(
            question.layout, *outputs_of(implementation(question)), state_shape=question.state_shape
        ).items()
        arrays = []
        for name, output in outputs:
            try:
                arrays.append(read(output))
            except NotNumbers as error:
                return _FAILED, f"returned no numbers: {name} {error}"
        if names := written_to(question, unchanged.stored):
            return _FAILED, wrote_into(names)
    except Unsupported as reason:
        return _REFUSED, str(reason)
    except BaseException as error:  # sys.exit and pytest.skip are no answers either
        return _FAILED, _raised(error)
    return _OUTPUTS, tuple(arrays)


def _raised(error: BaseException) -> str:
    """An error and where it was raised, without the lines of this package."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not Path(f.filename).is_relative_to(_OURS)]
    where = "".join(traceback.format_list(frames[-_MOST_FRAMES:])).rstrip()
    return "\n".join([f"raised {''.join(traceback.format_exception_only(error)).strip()}", *([where] if where else [])])
