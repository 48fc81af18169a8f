"""Runs work in a process that kills itself at its n-th file operation."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """
import os, signal, sys
from pathlib import Path

WORK

def count(event, arguments):
    global left
    touches = any(isinstance(a, (str, bytes, os.PathLike)) and str(path.parent) in os.fsdecode(a) for a in arguments)
    if touches and (not EVENTS or event in EVENTS):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

for line in sys.stdin:
    child = os.fork()  # modules are imported only once
    if not child:
        at, _, name = line.strip().partition(" ")
        left, path = int(at), Path(name)
        sys.addaudithook(count)
        work(path)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Killed:
    """A process that forks a child for each run of the work."""

    process: "subprocess.Popen[str]"

    def is_at(self, operation: int, path: Path) -> bool:
        """Run the work in a child, killed at this operation in the folder of ``path``; return whether it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(operation, path, file=self.process.stdin, flush=True)
        code = int(self.process.stdout.readline())
        assert code in (0, -9)
        return code != 0


@contextmanager
def killed(work: str, events: frozenset[str] = frozenset()) -> Iterator[Killed]:
    """Yield a process that runs work(path), defined by ``work``, and counts ``events``, or all events if empty."""
    program = f"EVENTS = {set(events)!r}\n{_PROGRAM.replace('WORK', work)}"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killed(process)


_WITH_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def interruptible(*command: str) -> list[str]:
    """Return a command with SIGINT enabled: a shell that runs the tests in the background ignores it."""
    return [sys.executable, "-c", _WITH_CTRL_C, *command]
