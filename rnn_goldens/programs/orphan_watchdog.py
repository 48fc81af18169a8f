"""Ends programs whose parent process was killed and could not clean up."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

_SECONDS = 5
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
        end = time.monotonic() + _SECONDS
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
