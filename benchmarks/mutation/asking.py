"""An edited source as somebody who is asked: Python in this process, JavaScript as a program of its own."""

import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens import Golden
from rnn_goldens.errors import ProgramFailed, Unsupported, WrongUse
from rnn_goldens.programs.command import Command
from rnn_goldens.programs.program import Program

SECONDS = 5.0
"""For one golden; the slowest takes a right network a tenth of that."""

MOST_MEMORY = 4 * 2**30
"""Of a process that runs edited Python: bytes of addresses."""

Outputs = tuple[Any, ...]
Ask = Callable[[Golden], Outputs]
"""Returns out, h_n (and c_n); raises DidNot if there are none."""


class DidNot(Exception):
    """There were no outputs; the text is ``error`` or ``time``."""


class _TimeIsUpError(BaseException):
    """No ``except`` of anybody's catches it."""


@contextmanager
def asked(language: str, files: Mapping[str, str]) -> Iterator[Ask]:
    """Whom to ask; raises DidNot if there is nobody."""
    if language == "JavaScript":
        with _program(files) as ask:
            yield ask
    else:
        (text,) = files.values()
        yield _python(text, _PARAMETERS[language])


def limit_memory() -> None:
    """From now on, and for ever, edited Python gets MemoryError; warnings are not shown."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")


def _python(text: str, parameters: Callable[[Golden], dict[str, Any]]) -> Ask:
    module: dict[str, Any] = {"__name__": "edited"}
    try:
        exec(compile(text, "edited", "exec"), module)
    except Exception:
        raise DidNot("error") from None

    def ask(golden: Golden) -> Outputs:
        given = parameters(golden)
        try:
            with _in_time():
                return tuple(module["network"](golden.cell, **given))
        except _TimeIsUpError:
            raise DidNot("time") from None
        except Exception:
            raise DidNot("error") from None

    return ask


@contextmanager
def _in_time() -> Iterator[None]:
    """Of the processor, so that it is no matter what else runs."""

    def stop(*_: object) -> None:
        raise _TimeIsUpError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _program(files: Mapping[str, str]) -> Iterator[Ask]:
    with written(files) as folder:
        node = shutil.which("node")
        if node is None:
            sys.exit("node is missing; `make mutation` installs it")
        arguments = ("node", "--max-old-space-size=512", next(iter(files)))
        with started(Command(arguments, Path(node), folder)) as program:

            def ask(golden: Golden) -> Outputs:
                try:
                    return program(golden)
                except Unsupported:
                    raise DidNot("error") from None

            yield ask


@contextmanager
def written(files: Mapping[str, str]) -> Iterator[Path]:
    """A folder of its own in which the texts are."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, "utf-8")
        yield Path(folder)


@contextmanager
def started(command: Command) -> Iterator[Ask]:
    """A program to ask; raises DidNot if it does not start. Asked, it may raise Unsupported, too."""
    try:
        program = Program(command, SECONDS)
    except WrongUse:
        raise DidNot("error") from None

    def ask(golden: Golden) -> Outputs:
        try:
            return program(golden)
        except ProgramFailed as why:
            raise DidNot("time" if " within " in str(why) else "error") from None

    try:
        yield ask
    finally:
        with suppress(ProgramFailed):  # it has been judged
            program.close()


def _of_numpy(golden: Golden) -> dict[str, Any]:
    initial = None
    if golden.stored.h0 is not None:
        initial = [golden.h0, golden.c0] if golden.cell == "lstm" else [golden.h0]
    return {
        "weights": golden.weights,
        "x": golden.x,
        "initial": initial,
        "lengths": golden.lengths,
        "num_layers": golden.config.num_layers,
        "suffixes": ["", "_reverse"][: golden.config.num_directions],
    }


@cache
def _of_plain(golden: Golden) -> dict[str, Any]:
    """The same in tuples, in which no edit can leave anything behind."""
    given = _of_numpy(golden)
    return {
        **given,
        "weights": {name: _tuples(array.tolist()) for name, array in golden.weights.items()},
        "x": _tuples(golden.x.tolist()),
        "initial": given["initial"] and tuple(_tuples(part.tolist()) for part in given["initial"]),
        "lengths": None if golden.lengths is None else tuple(golden.lengths.tolist()),
        "suffixes": tuple(given["suffixes"]),
        "unbatched": golden.x.ndim == 2,  # noqa: PLR2004 - (time, input)
        "precision": golden.dtype,
    }


_PARAMETERS: Mapping[str, Callable[[Golden], dict[str, Any]]] = {"NumPy": _of_numpy, "plain Python": _of_plain}


def _tuples(nested: Any) -> Any:  # noqa: ANN401 - nested lists of numbers
    return tuple(map(_tuples, nested)) if isinstance(nested, list) else nested
