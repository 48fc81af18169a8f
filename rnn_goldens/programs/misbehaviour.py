"""What a program did instead of answering, in words that go on after its name."""

import signal
from collections.abc import Iterable

from rnn_goldens.programs.process import MOST_STDERR, Event, LineTooLong, Process, StdoutEnded
from rnn_goldens.programs.text import last_lines


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
    if isinstance(event, StdoutEnded):
        code = process.exit_code()
        if code is None:
            return Misbehaviour("closed its stdout and went on running")
        hint = [] if code else ["a program goes on reading requests until its stdin ends"]
        return Misbehaviour(f"{ended(code)} before its {awaited}", hint)
    if isinstance(event, LineTooLong):
        text = f"printed more than {event.limit:,} bytes without ending the line"
        return Misbehaviour(text, [f"no {awaited} here takes as many"])
    return Misbehaviour(f"wrote more than {MOST_STDERR:,} bytes to stderr")


def _nothing(process: Process, seconds: float, awaited: str) -> Misbehaviour:
    none = f"gave no {awaited} within {seconds:g} s"
    code = process.exit_code(0)
    if code is not None:
        return Misbehaviour(f"{ended(code)} before its {awaited}", ["a process that it started holds its stdout open"])
    if process.stdin_closed:
        return Misbehaviour(f"closed its stdin and {none}")
    if process.unread:
        return Misbehaviour(f"does not read its stdin: it {none}, {process.unread:,} bytes of the request are unread")
    if process.unended:
        return Misbehaviour(f"{none}, but {process.unended:,} bytes without a newline, which ends an answer")
    if process.empty_lines:
        return Misbehaviour(f"{none}, but {process.empty_lines:,} empty line(s)")
    return Misbehaviour(none, ["does it flush its stdout after each line?"])


def ended(code: int) -> str:
    """How a program ended, by its exit code."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
