"""One run of a program. Threads serve its pipes, so that whatever it does with them, nobody waits for ever."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from array import array
from dataclasses import dataclass
from typing import IO

from rnn_goldens.programs.command import Command
from rnn_goldens.programs.watchdog import Watchdog

if sys.platform != "win32":
    import fcntl
    import termios

MOST_STDERR = 10_000_000
"""Bytes that a program may write to stderr for one request."""

LONGEST_HELLO = 1_000_000
"""Bytes of the first line on stdout."""

_KEPT_STDERR = 8192
_CHUNK = 65536
_WRITTEN_AT_ONCE = 4096
"""Bytes that a pipe takes all or, as long as it is full, none of, so that it is known how many it took."""

_WRITE_SECONDS = 0.2
"""How long a request may take to be written; after that the pipe is full."""

_MOST_PENDING = 100
"""Lines that nobody asked for, after which stdout is read no further."""

_EXIT_SECONDS = 0.5
"""How long a process may take to end once it has closed its stdout."""

_KILL_SECONDS = 5
"""How long the system may take to end a process that was killed."""


@dataclass(frozen=True)
class Line:
    """A line on stdout, without white space around it; blank lines are none."""

    content: bytes


@dataclass(frozen=True)
class StdoutEnded:
    """No more lines will come."""


@dataclass(frozen=True)
class LineTooLong:
    """More than ``limit`` bytes on stdout without the end of a line."""

    limit: int


@dataclass(frozen=True)
class StderrFlood:
    """More than ``MOST_STDERR`` bytes on stderr."""


Event = Line | StdoutEnded | LineTooLong | StderrFlood


class Process:
    """A running program.

    Attributes:
        unread: bytes of the last request that the program has not taken yet.
        unended: bytes on stdout after the last newline.
        empty_lines: on stdout, since the last request.
        stdin_closed: whether it closed its stdin, or is gone.
    """

    def __init__(self, command: Command) -> None:
        """Start it, in a process group of its own; raises OSError if the system does not."""
        self.unread = self.unended = self.empty_lines = 0
        self.stdin_closed = False
        self._sent = self._left_behind = 0  # bytes of the last request; those in the pipe when nobody could read them
        self._at_rest = threading.Event()  # of the thread that writes: all is written, or nothing more will be
        self._held: Event | None = None
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._longest_line = LONGEST_HELLO
        self._stderr_left = MOST_STDERR
        self._stderr = b""
        self._watchdog = Watchdog()
        try:
            self._popen = self._started(command)
        except BaseException:
            self._watchdog.dismiss()
            raise
        self._watchdog.watch(self._popen.pid)
        self._threads = [
            threading.Thread(target=serve, daemon=True) for serve in (self._write, self._read_stdout, self._read_stderr)
        ]
        for thread in self._threads:
            thread.start()

    def _started(self, command: Command) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(command.executable), *command.arguments[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=command.folder,
            env=self._watchdog.environment,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def send(self, request: bytes, longest_answer: int) -> None:
        """Hand a line to the program, without waiting for it to be read."""
        self._longest_line = longest_answer
        self._stderr_left = MOST_STDERR
        self.empty_lines = 0
        self.unread = self._sent = len(request)
        self._at_rest.clear()
        self._outbox.put(request)

    def has_read_nothing(self) -> bool:
        """Whether the program certainly took no byte of the last request; False where the system does not tell."""
        assert self._popen.stdin is not None
        self._at_rest.wait(_WRITE_SECONDS)
        in_pipe = self._left_behind if self.stdin_closed else _bytes_in(self._popen.stdin)
        return in_pipe >= self._sent - self.unread

    def receive(self, seconds: float) -> Event | None:
        """What the program does next; None if that is nothing within so many seconds, which may be zero."""
        if self._held is not None:
            event, self._held = self._held, None
            return event
        try:
            return self._events.get(timeout=max(seconds, 0))
        except queue.Empty:
            return None

    def put_back(self, event: Event) -> None:
        """Have an event received again."""
        self._held = event

    def exit_code(self, seconds: float = _EXIT_SECONDS) -> int | None:
        """The exit code, negative if it is the number of a signal; None if it goes on running for so many seconds."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def say_goodbye(self, seconds: float) -> tuple[list[Event], int | None]:
        """Close its stdin, give it so many seconds to end, and end it.

        Returns:
            What it still did, its end aside; and, if that is nothing, the exit code that it ended with itself, None if
            it went on running.
        """
        deadline = time.monotonic() + seconds
        self._outbox.put(None)
        done: list[Event] = []
        try:
            event = self.receive(deadline - time.monotonic())
            while isinstance(event, Line) and len(done) < _MOST_PENDING:
                done.append(event)
                event = self.receive(deadline - time.monotonic())
            if isinstance(event, LineTooLong | StderrFlood):
                done.append(event)
            code = None if done else self.exit_code(max(deadline - time.monotonic(), 0))
        finally:
            self.kill()
        return done, code

    def kill(self) -> None:
        """End the program, every process of its group, and on Linux what has left it."""
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._popen.pid)], capture_output=True, check=False)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS permits no signal to zombies
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._watchdog.kill_what_left()
        self._watchdog.dismiss()
        self.exit_code(_KILL_SECONDS)
        self._outbox.put(None)
        for thread in self._threads:
            thread.join(_EXIT_SECONDS)  # in vain if a process that left the group holds a pipe

    def stderr(self) -> str:
        """The end of what it wrote to stderr so far."""
        return self._stderr.decode("utf-8", "backslashreplace")

    def _write(self) -> None:
        assert self._popen.stdin is not None
        with self._popen.stdin as pipe:
            try:
                while request := self._outbox.get():
                    left = memoryview(request)
                    while left:
                        left = left[pipe.write(left[:_WRITTEN_AT_ONCE]) :]
                        self.unread = len(left)
                    self._at_rest.set()
            except OSError:
                self._left_behind = _bytes_in(pipe)
                self.stdin_closed = True
                self._at_rest.set()

    def _read_stdout(self) -> None:
        assert self._popen.stdout is not None
        line = bytearray()  # the one that has not ended yet
        with self._popen.stdout as pipe:
            while chunk := pipe.read(_CHUNK):
                for part in chunk.splitlines(keepends=True):
                    line += part
                    if part.endswith(b"\n"):
                        self._put_line(line)
                        line = bytearray()
                self.unended = len(line)
                if self.unended > self._longest_line:
                    self._events.put(LineTooLong(self._longest_line))
                    return
                if self._events.qsize() > _MOST_PENDING:
                    return
        self._events.put(StdoutEnded())

    def _put_line(self, line: bytearray) -> None:
        if content := bytes(line).strip():
            self._events.put(Line(content))
        else:
            self.empty_lines += 1

    def _read_stderr(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as pipe:
            while chunk := pipe.read(_CHUNK):
                self._stderr = (self._stderr + chunk)[-_KEPT_STDERR:]
                before, self._stderr_left = self._stderr_left, self._stderr_left - len(chunk)
                if before >= 0 > self._stderr_left:
                    self._events.put(StderrFlood())


def _bytes_in(pipe: IO[bytes]) -> int:
    """How many bytes written to a pipe were not read from it; 0 where the system does not tell one who writes."""
    count = array("i", [0])
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
    return count[0]
