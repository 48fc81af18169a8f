"""Runs an implementation in a separate process, one golden at a time, where it may crash, exit or hang."""

import multiprocessing
import pickle
import signal
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rnn_goldens.cells import name_cells, named_cells
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read, written_to, wrote_into
from rnn_goldens.comparison.returned import by_name, only_array
from rnn_goldens.errors import RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.generator.pool import end_with_parent
from rnn_goldens.implementations import Implementation, check_name, outputs_of, resolve
from rnn_goldens.plugin.implementation import TIME_LIMIT, ImplementationFailed
from rnn_goldens.programs.command import find_command, is_command
from rnn_goldens.programs.misbehaviour import ended
from rnn_goldens.programs.program import TIME_LIMIT as PROGRAM_TIME_LIMIT
from rnn_goldens.programs.program import Program

IMPORT_LIMIT = 30.0
"""Seconds to import an implementation, at least: a framework takes longer than a golden."""

_LONGEST = 1_000_000

_OURS = Path(__file__).parents[1]
_MAX_FRAMES = 3


class Worker:
    """An implementation in a separate process. Calling it with model inputs returns the outputs as arrays.

    The process is restarted after it ended or exceeded the time limit.
    """

    def __init__(self, name: str, time_limit: float = TIME_LIMIT, outputs: tuple[str, ...] = ()) -> None:
        """Start the process of an implementation, as for ``resolve``; ``outputs`` are compared, () for all."""
        self._name, self._time_limit, self._outputs = name, time_limit, outputs
        self._start()

    def __call__(self, inputs: Inputs) -> tuple[Output | None, ...]:
        """Return the outputs for the inputs of a golden; None for one that is not compared.

        Raises Unsupported if the implementation did, and ImplementationFailed, with the reason, if there are no
        outputs.
        """
        __tracebackhide__ = True
        if not self._process.is_alive():
            self._start()
        with suppress(OSError):  # the process has ended; receiving will report it
            self._connection.send(inputs)
        answer = self._answer(f"returned no outputs within {self._time_limit:g} s", self._time_limit)
        if isinstance(answer, Unsupported):
            raise answer
        if isinstance(answer, str):
            raise ImplementationFailed(f"{inputs.id} in {inputs.dtype}: {self._name} {answer}")
        outputs: tuple[Output | None, ...] = answer
        return outputs

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_serve, args=(self._name, self._outputs, named_cells(), theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        to_import = max(self._time_limit, IMPORT_LIMIT)
        answer = self._answer(f"was not imported within {to_import:g} s", to_import)
        if isinstance(answer, WrongUse):
            raise answer
        if isinstance(answer, str):
            raise RnnGoldensError(f"implementation {self._name!r} {answer}")

    def _answer(self, too_late: str, seconds: float) -> Any:  # noqa: ANN401 - outputs, a refusal, or a text: why none
        """Return what the process sends; ``too_late`` if it sends nothing in time, and is then ended."""
        if not self._connection.poll(seconds):
            self._process.kill()
            self._process.join()
            return too_late
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return f"ended its process, which {ended(self._process.exitcode or 0)}"


Started = Program | Worker
"""A program, or an implementation in a separate process. Both are called with model inputs, and must be closed."""


def opened(implementation: str, time_limit: float | None = None, outputs: tuple[str, ...] = ()) -> Started:
    """Start a program or an implementation, an argument of ``rnn-goldens check``. The caller must close it.

    ``time_limit`` is in seconds per golden, None for the default. Raises RnnGoldensError if it is out of range, or if
    the implementation is not found or cannot be started.
    """
    if time_limit is not None and not 0 < time_limit <= _LONGEST:
        raise WrongUse(f"a time limit of {time_limit:g} s per golden: it must be above 0 and at most {_LONGEST:,} s")
    check_name(implementation)
    if is_command(implementation):
        return Program(find_command(implementation, Path.cwd()), time_limit or PROGRAM_TIME_LIMIT)
    return Worker(implementation, time_limit or TIME_LIMIT, outputs)


def _serve(name: str, outputs: tuple[str, ...], cells: tuple[str, ...], connection: Connection) -> None:
    """Import the implementation and answer requests: the main function of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is handled by the parent process
    threading.Thread(target=end_with_parent, daemon=True).start()
    name_cells(cells)
    try:
        implementation = resolve(name)
    except RnnGoldensError as error:
        return connection.send(WrongUse(str(error)))
    except BaseException as error:
        return connection.send(f"cannot be imported: it {_raised(error)}")
    connection.send(())
    while True:
        try:
            request = connection.recv_bytes()
        except EOFError:
            return None
        connection.send(_answer_to(implementation, outputs, pickle.loads(request), pickle.loads(request)))


def _answer_to(
    implementation: Implementation, compared: tuple[str, ...], inputs: Inputs, unchanged: Inputs
) -> tuple[Output | None, ...] | Unsupported | str:
    """Return the outputs, a refusal, or why there are none. ``unchanged`` is a copy of the inputs, to detect writes."""
    try:
        found, layout = implementation(inputs), inputs.layout
        if compared == layout.outputs[:1] and (alone := only_array(found)) is not None:
            found = alone, None
        outputs = by_name(layout, *outputs_of(found, layout=layout), state_shape=inputs.state_shape)
        arrays = list[Output | None]()
        for name, output in outputs.items():
            try:
                arrays.append(read(output) if not compared or name in compared else None)
            except NotNumbers as error:
                return f"returned no numbers: {name} {error}"
        if names := written_to(inputs, unchanged.stored):
            return wrote_into(names)
    except Unsupported as reason:
        return Unsupported(str(reason))
    except BaseException as error:  # sys.exit and pytest.skip are failures too
        return _raised(error)
    return tuple(arrays)


def _raised(error: BaseException) -> str:
    """Return an error and its traceback without the lines of this package."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not Path(f.filename).is_relative_to(_OURS)]
    where = "".join(traceback.format_list(frames[-_MAX_FRAMES:])).rstrip()
    return "\n".join([f"raised {''.join(traceback.format_exception_only(error)).strip()}", *([where] if where else [])])
