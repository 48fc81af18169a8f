"""Describes what a program did instead of answering, as text that follows the program's name."""

import signal
from collections.abc import Iterable
from dataclasses import dataclass

from rnn_goldens.golden.data import InputsData
from rnn_goldens.plurals import counted
from rnn_goldens.programs.process import MAX_STDERR, Event, LineTooLong, Process, StdoutEnded

_STDOUT_OPEN = "a process that it started keeps its stdout open"

_LONGEST_EXCERPT = 80
_LONGEST_LINE = 200
_MAX_LINES = 16
"""Enough for an uncaught exception of Node, whose message comes before the stack."""


class Misbehaviour(Exception):
    """A violation of the protocol by a program.

    Attributes:
        details: further lines of the message.
    """

    def __init__(self, text: str, details: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.details = list(details)

    def add_stderr(self, process: Process) -> None:
        """Add the last lines that the program wrote to stderr."""
        text = [printable(line.expandtabs()) for line in process.stderr().splitlines() if line.strip()]
        lines = [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in text[-_MAX_LINES:]]
        self.details += ["its last lines on stderr:", *(f"  {line}" for line in lines)] if lines else []


@dataclass(frozen=True)
class RequestedGolden:
    """A golden that was requested from a program: its id, its precision, larger sizes, and whether gradients were."""

    id: str
    dtype: str
    embed: str = ""
    back: bool = False

    @classmethod
    def of(cls, golden: InputsData, *, back: bool) -> "RequestedGolden":
        """Return what was requested by a golden."""
        return cls(golden.id, golden.dtype, str(golden.embedding or ""), back)

    @property
    def options(self) -> str:
        """Return the arguments of ``rnn-goldens protocol`` that print the same request."""
        embed, gradients = f"--embed={self.embed} " if self.embed else "", "--gradients " if self.back else ""
        return f"{self.id} --dtype={self.dtype} {embed}{gradients}"


class LateMisbehaviour(Misbehaviour):
    """A violation after the answer to a golden, detected when the next golden was requested.

    Attributes:
        golden: the golden that the program had answered.
    """

    def __init__(self, golden: RequestedGolden, why: Misbehaviour) -> None:
        super().__init__(str(why), why.details)
        self.golden = golden


def instead_of(process: Process, event: Event | None, seconds: float, awaited: str) -> Misbehaviour:
    """Return the misbehaviour of a program that printed no line on stdout, but the awaited hello, answer or end.

    ``event`` occurred instead; None if nothing did within the time limit.
    """
    if event is None:
        return _no_answer(process, seconds, awaited)
    return _unexpected(process, event, f"before its {awaited}")


def afterwards(process: Process, event: Event | None, seconds: float, answer: str) -> Misbehaviour:
    """Return the misbehaviour of a program after an answer, before it read any of the next request.

    ``event`` occurred, not a line on stdout; None if the program did not read the request. ``answer`` is in words:
    ``its answer to id 2 (documented/mini-batch)``.
    """
    if event is not None:
        return _unexpected(process, event, f"after {answer}")
    code = process.exit_code(0)
    if code is not None:
        return Misbehaviour(f"{ended(code)} after {answer}", [_STDOUT_OPEN])
    if process.stdin_closed:
        return Misbehaviour(f"closed its stdin after {answer}")
    return Misbehaviour(f"read no further request within {seconds:g} s after {answer}")


def _unexpected(process: Process, event: Event, when: str) -> Misbehaviour:
    if isinstance(event, StdoutEnded):
        code = process.exit_code()
        if code is None:
            return Misbehaviour("closed its stdout but did not exit")
        hint = [] if code else ["a program must read requests until its stdin ends"]
        return Misbehaviour(f"{ended(code)} {when}", hint)
    if isinstance(event, LineTooLong):
        text = f"printed more than {event.limit:,} bytes without ending the line"
        return Misbehaviour(text, ["no answer to this request is that long"])
    return Misbehaviour(f"wrote more than {MAX_STDERR:,} bytes to stderr")


def _no_answer(process: Process, seconds: float, awaited: str) -> Misbehaviour:
    none = f"printed no {awaited} within {seconds:g} s"
    code = process.exit_code(0)
    if code is not None:
        return Misbehaviour(f"{ended(code)} before its {awaited}", [_STDOUT_OPEN])
    if process.stdin_closed:
        return Misbehaviour(f"closed its stdin and {none}")
    if process.unread:
        return Misbehaviour(f"does not read its stdin: it {none}, {process.unread:,} bytes of the request are unread")
    if process.unended:
        return Misbehaviour(f"{none}, but {counted(process.unended, 'byte')} without the newline that ends an answer")
    if process.empty_lines:
        return Misbehaviour(f"{none}, but {counted(process.empty_lines, 'empty line')}")
    return Misbehaviour(none, ["does it flush its stdout after each line?"])


def ended(code: int) -> str:
    """Return how a program ended, from its exit code."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def excerpt(content: bytes | str) -> str:
    """Return the beginning of a line, quoted."""
    text = content if isinstance(content, str) else content[: 4 * _LONGEST_EXCERPT].decode("utf-8", "backslashreplace")
    return repr(text[:_LONGEST_EXCERPT]) + (" …" if len(text) > _LONGEST_EXCERPT else "")


def printable(text: str) -> str:
    """Return the text with its control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
