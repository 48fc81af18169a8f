"""One run of a program. Threads serve its pipes, so that no call blocks longer than its timeout.

A watchdog ends programs whose parent process was killed and could not clean up.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

from rnn_goldens.programs.command import Command

if sys.platform != "win32":
    import fcntl
    import termios

_KILL_SECONDS = 5
"""Seconds for the system to end killed processes."""

_KILL_AFTER_STDIN = """
while read -r group; do last=$group; done
[ -n "$last" ] && kill -KILL "-$last"
for _ in 1 2 3 4 5 6 7 8 9; do
    for file in $(grep -Fls "$1" /proc/[0-9]*/environ); do
        process=${file#/proc/}
        kill -KILL "${process%/environ}"
    done
done
"""

_number = count()


class Watchdog:
    """A shell that waits until this process ends, and then kills a program and its child processes.

    xdist kills its workers when it is interrupted, and CI systems kill slow jobs. Child processes are in the program's
    process group; on Linux, daemons that have left it are found by a mark in their environment. Windows has no process
    groups: there, a busy program runs until it next reads its stdin.

    Attributes:
        environment: the environment for the program, with the mark.
    """

    def __init__(self) -> None:
        """Start watching, before the program starts."""
        self._mark = f"RNN_GOLDENS_PROGRAM_{os.getpid()}_{next(_number)}_{os.urandom(8).hex()}"
        self._shell: subprocess.Popen[bytes] | None = None
        self.environment = os.environ | {self._mark: "1"}
        if sys.platform != "win32":
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _KILL_AFTER_STDIN, "rnn-goldens-watchdog", self._mark],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                bufsize=0,
                start_new_session=True,
            )

    def watch(self, group: int) -> None:
        """Send the program's process group to the shell."""
        if self._shell is not None and self._shell.stdin is not None:
            with suppress(BrokenPipeError):
                self._shell.stdin.write(f"{group}\n".encode())

    def kill_daemons(self) -> None:
        """Kill child processes that have left the process group, on Linux."""
        end = time.monotonic() + _KILL_SECONDS
        while (marked := _marked(self._mark.encode())) and time.monotonic() < end:
            for process in marked:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)

    def dismiss(self) -> None:
        """Stop watching, without ending any other process."""
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.kill()
            shell.communicate()


def _marked(mark: bytes) -> list[int]:
    """Return the running processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


MAX_STDERR = 10_000_000
"""Bytes that a program may write to stderr per request."""

LONGEST_HELLO = 1_000_000
"""Maximum bytes of the first line on stdout."""

_KEPT_STDERR = 8192
_CHUNK = 65536
_WRITTEN_AT_ONCE = 4096
"""Bytes per write. A pipe accepts all of them or, while it is full, none, so the accepted count is known."""

_WRITE_SECONDS = 0.2
"""Seconds for writing a request. If it takes longer, the pipe is full."""

_MAX_PENDING = 100
"""The number of unexpected lines after which stdout is not read any more."""

_EXIT_SECONDS = 0.5
"""Seconds for a process to end after it has closed its stdout."""


@dataclass(frozen=True)
class Line:
    """A line on stdout, stripped; blank lines are not reported."""

    content: bytes


@dataclass(frozen=True)
class StdoutEnded:
    """The end of stdout."""


@dataclass(frozen=True)
class LineTooLong:
    """More than ``limit`` bytes on stdout without a newline."""

    limit: int


@dataclass(frozen=True)
class StderrFlood:
    """More than ``MAX_STDERR`` bytes on stderr."""


Event = Line | StdoutEnded | LineTooLong | StderrFlood


class Process:
    """A running program.

    Attributes:
        unread: bytes of the last request that the program has not accepted yet.
        unended: bytes on stdout after the last newline.
        empty_lines: empty lines on stdout since the last request.
        stdin_closed: whether the program closed its stdin or has exited.
    """

    def __init__(self, command: Command) -> None:
        """Start the program in its own process group; raises OSError if the system cannot start it."""
        self.unread = self.unended = self.empty_lines = 0
        self.stdin_closed = False
        self._sent = self._left_behind = 0  # bytes of the last request; bytes in the pipe when the program closed it
        self._writing_done = threading.Event()  # set when everything is written, or nothing more can be
        self._stdout_ended: StdoutEnded | None = None
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._longest_line = LONGEST_HELLO
        self._stderr_left = MAX_STDERR
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
        """Send a line to the program, without waiting until it is read."""
        self._longest_line = longest_answer
        self._stderr_left = MAX_STDERR
        self.empty_lines = 0
        self.unread = self._sent = len(request)
        self._writing_done.clear()
        self._outbox.put(request)

    def has_read_nothing(self) -> bool:
        """Return whether the program has certainly read no byte of the last request; False if this is unknown."""
        assert self._popen.stdin is not None
        self._writing_done.wait(_WRITE_SECONDS)
        in_pipe = self._left_behind if self.stdin_closed else _bytes_in(self._popen.stdin)
        return in_pipe >= self._sent - self.unread

    def receive(self, seconds: float) -> Event | None:
        """Return the next event of the program; None if there is none within the timeout, which may be zero.

        The end of stdout is the last event, and is returned again by each further call.
        """
        if self._stdout_ended is None:
            try:
                event = self._events.get(timeout=max(seconds, 0))
            except queue.Empty:
                return None
            if not isinstance(event, StdoutEnded):
                return event
            self._stdout_ended = event
        return self._stdout_ended

    def exit_code(self, seconds: float = _EXIT_SECONDS) -> int | None:
        """Return the exit code, negative for a signal; None if the program still runs after the timeout."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def say_goodbye(self, seconds: float) -> tuple[list[Event], int | None]:
        """Close stdin, wait for the program to end, and kill it after the timeout.

        Returns the events except the end of stdout; and the exit code, None if there were events or it still ran.
        """
        deadline = time.monotonic() + seconds
        self._outbox.put(None)
        done: list[Event] = []
        try:
            event = self.receive(deadline - time.monotonic())
            while isinstance(event, Line) and len(done) < _MAX_PENDING:
                done.append(event)
                event = self.receive(deadline - time.monotonic())
            if isinstance(event, LineTooLong | StderrFlood):
                done.append(event)
            code = None if done else self.exit_code(max(deadline - time.monotonic(), 0))
        finally:
            self.kill()
        return done, code

    def kill(self) -> None:
        """Kill the program, its process group and, on Linux, processes that have left the group."""
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._popen.pid)], capture_output=True, check=False)
        else:
            with suppress(ProcessLookupError, PermissionError):  # gone; macOS permits no signal to zombies
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._watchdog.kill_daemons()
        self._watchdog.dismiss()
        self.exit_code(_KILL_SECONDS)
        self._outbox.put(None)
        for thread in self._threads:
            thread.join(_EXIT_SECONDS)  # times out if a process that left the group keeps a pipe open

    def stderr(self) -> str:
        """Return the last part of stderr so far."""
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
                    self._writing_done.set()
            except OSError:
                self._left_behind = _bytes_in(pipe)
                self.stdin_closed = True
                self._writing_done.set()

    def _read_stdout(self) -> None:
        assert self._popen.stdout is not None
        line = bytearray()  # the current, unfinished line
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
                if self._events.qsize() > _MAX_PENDING:
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
    """Return the number of bytes in a pipe that were not read yet; 0 if this is unknown."""
    count = array("i", [0])
    if sys.platform != "win32":
        with suppress(OSError, ValueError):
            fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
    return count[0]
