"""What a program did instead of answering, in words that go on after its name."""

import signal
from collections.abc import Iterable
from dataclasses import dataclass

from rnn_goldens.counted import counted
from rnn_goldens.programs.process import MOST_STDERR, Event, LineTooLong, Process, StdoutEnded
from rnn_goldens.programs.text import last_lines

_HELD_OPEN = "a process that it started holds its stdout open"


class Misbehaviour(Exception):
    """A program that did not answer as the protocol has it.

    Attributes:
        details: lines to show below the first.
    """

    def __init__(self, text: str, details: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.details = list(details)

    def add_stderr(self, process: Process) -> None:
        """Note the last lines of what the program wrote to stderr."""
        lines = last_lines(process.stderr())
        self.details += ["its last lines on stderr:", *(f"  {line}" for line in lines)] if lines else []


@dataclass(frozen=True)
class AskedGolden:
    """A golden that a program was asked: its id, its precision, and whether for gradients."""

    id: str
    dtype: str
    back: bool = False

    @property
    def options(self) -> str:
        """Those of ``rnn-goldens protocol`` that print the same request."""
        return f"{self.id} --dtype={self.dtype} {'--gradients ' if self.back else ''}"


class CameLate(Misbehaviour):
    """What a program did after its answer to a golden, noticed when that had been judged and another was asked.

    Attributes:
        asked: the golden that it had answered.
    """

    def __init__(self, asked: AskedGolden, why: Misbehaviour) -> None:
        super().__init__(str(why), why.details)
        self.asked = asked


def instead_of(process: Process, event: Event | None, seconds: float, awaited: str) -> Misbehaviour:
    """What happened instead of a line on stdout.

    Args:
        process: who was waited for.
        event: what it did; None if it did nothing.
        seconds: for how long.
        awaited: ``hello`` or ``answer``.
    """
    if event is None:
        return _nothing(process, seconds, awaited)
    return _unasked(process, event, f"before its {awaited}")


def afterwards(process: Process, event: Event | None, seconds: float, answer: str) -> Misbehaviour:
    """What happened after an answer, before the program read any of the next request.

    Args:
        process: who answered.
        event: what it did, which is no line on stdout; None if it did nothing, nor read the request.
        seconds: for how long.
        answer: ``its answer to id 2 (documented/mini-batch)``.
    """
    if event is not None:
        return _unasked(process, event, f"after {answer}")
    code = process.exit_code(0)
    if code is not None:
        return Misbehaviour(f"{ended(code)} after {answer}", [_HELD_OPEN])
    if process.stdin_closed:
        return Misbehaviour(f"closed its stdin after {answer}")
    return Misbehaviour(f"read no further request within {seconds:g} s after {answer}")


def _unasked(process: Process, event: Event, when: str) -> Misbehaviour:
    if isinstance(event, StdoutEnded):
        code = process.exit_code()
        if code is None:
            return Misbehaviour("closed its stdout and went on running")
        hint = [] if code else ["a program goes on reading requests until its stdin ends"]
        return Misbehaviour(f"{ended(code)} {when}", hint)
    if isinstance(event, LineTooLong):
        text = f"printed more than {event.limit:,} bytes without ending the line"
        return Misbehaviour(text, ["nothing that is asked for here takes as many"])
    return Misbehaviour(f"wrote more than {MOST_STDERR:,} bytes to stderr")


def _nothing(process: Process, seconds: float, awaited: str) -> Misbehaviour:
    none = f"gave no {awaited} within {seconds:g} s"
    code = process.exit_code(0)
    if code is not None:
        return Misbehaviour(f"{ended(code)} before its {awaited}", [_HELD_OPEN])
    if process.stdin_closed:
        return Misbehaviour(f"closed its stdin and {none}")
    if process.unread:
        return Misbehaviour(f"does not read its stdin: it {none}, {process.unread:,} bytes of the request are unread")
    if process.unended:
        return Misbehaviour(f"{none}, but {counted(process.unended, 'byte')} without a newline, which ends an answer")
    if process.empty_lines:
        return Misbehaviour(f"{none}, but {counted(process.empty_lines, 'empty line')}")
    return Misbehaviour(none, ["does it flush its stdout after each line?"])


def ended(code: int) -> str:
    """How a program ended, by its exit code."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
