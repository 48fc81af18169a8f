"""HDF5 files are read in a process of their own, which is begun when the first is, and anew when one ends it."""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from rnn_goldens.encoding.hdf5_child import BAD, MOST_SECONDS, received, send
from rnn_goldens.errors import InvalidFile

_MOST_SECONDS_OF_WALL = 60.0
"""The process ends itself by its CPU; this is for one that waits, which it has no reason to."""

_BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from rnn_goldens.encoding.hdf5_child import main; main()"
)


def as_json(content: bytes, path: Path) -> bytes:
    """What the bytes of an HDF5 file hold, as the JSON of the same tree; raises InvalidFile, which names the file."""
    with _lock:
        answer = _process().answer(content)
    if answer.startswith(BAD):
        raise InvalidFile(path, [f"not a readable HDF5 file: {answer[1:].decode('utf-8', 'replace')}"])
    return answer[1:]


class _Process:
    """One such process."""

    def __init__(self) -> None:
        self.of = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BEGIN, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self._exchange(None) is None:
            raise RuntimeError("the process that reads HDF5 did not begin: is h5py installed, and can it be imported?")

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def answer(self, content: bytes) -> bytes:
        return self._exchange(content) or BAD + self._end().encode()

    def _exchange(self, content: bytes | None) -> bytes | None:
        """Send a file, if it is one, and read what comes; None if the process has ended."""
        source, to = cast(IO[bytes], self._process.stdout), cast(IO[bytes], self._process.stdin)
        timer = threading.Timer(_MOST_SECONDS_OF_WALL, self._process.kill)
        timer.start()
        try:
            if content is not None:
                send(to, content)  # type: ignore[arg-type]
            return received(source)  # type: ignore[arg-type]
        except OSError:
            return None
        finally:
            timer.cancel()

    def _end(self) -> str:
        """Why it has ended, in words."""
        code = self._process.wait()
        self.close()
        if code == -signal.SIGPROF:
            return f"HDF5 was not over with it in {MOST_SECONDS:g} s"
        name = signal.strsignal(-code) if code < 0 else f"exit status {code}"
        return f"HDF5 does not survive it: {name}"

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast(IO[bytes], pipe).close()
        self._process.wait()


_lock = threading.Lock()
_held: list[_Process] = []


def _process() -> _Process:
    """The process of this one; a copy of this one, which has the same pipes, begins its own."""
    if not _held or _held[0].of != os.getpid() or not _held[0].runs:
        _held[:] = [_Process()]
    return _held[0]


@atexit.register
def _close() -> None:
    if _held and _held[0].of == os.getpid():
        _held[0].close()
