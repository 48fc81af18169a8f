"""A search in a process of its own, which the implementation may end: a process that dies is a crash, too.

It is started again then, and told which goldens it died of: with the same seed it comes to the same place, and makes
what it died of smaller from there. One that hangs, so that it can not be interrupted either, is killed.
"""

import math
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import CutShort, ProgramFailed
from rnn_goldens.exit_codes import FINDING
from rnn_goldens.fuzzing.judged import Judged
from rnn_goldens.fuzzing.search import INTERRUPTED, TIME, Limits, Search
from rnn_goldens.plugin.builtin_check.process import alive, command_line, end_with_parent, wait
from rnn_goldens.plugin.guard import HARD_LIMITS
from rnn_goldens.programs.misbehaviour import ended

SECONDS = 60.0
"""So long it is started again after the first death, where no other limit is set."""

_NOW, _DEATHS, _OVER = "now", "deaths", "over"

Died = tuple[Golden, str]
"""A golden that was asked, and how the process ended."""


@dataclass(frozen=True)
class Watched:
    """What a process that is watched over leaves behind, in a folder."""

    folder: Path

    @classmethod
    def begin(cls, folder: Path, held: int) -> Self:
        """In the process that is watched over, which ends with the one that holds the other end of a pipe.

        To be told to end is to be interrupted: what was found is told.
        """
        end_with_parent(held)
        for way in (signal.SIGINT, signal.SIGTERM):  # the first is ignored where a shell started it in the background
            signal.signal(way, signal.default_int_handler)
        return cls(folder)

    @contextmanager
    def asking(self, golden: Golden) -> Iterator[None]:
        """Note what is asked: if the process ends now, that golden has ended it. Raises ProgramFailed if it has."""
        for died, how in self.deaths():
            if (died.id, died.dtype) == (golden.id, golden.dtype):
                raise failed_by(died, how)
        (self.folder / _NOW).write_bytes(pickle.dumps(golden))
        try:
            yield
        finally:
            self.asked()

    def asked(self) -> None:
        """Note that nothing is asked any more: if the process ends now, no golden has ended it."""
        (self.folder / _NOW).unlink(missing_ok=True)

    def over(self, code: int) -> None:
        """Note that the search has ended with this exit code, and has told of it, whatever ends the process then."""
        (self.folder / _OVER).write_text(str(code), "ascii")

    def code(self) -> int | None:
        """The exit code of a search that has come to its end; None if it has not."""
        over = self.folder / _OVER
        return int(over.read_text("ascii")) if over.is_file() else None

    def deaths(self) -> list[Died]:
        """What the process died of so far, and how."""
        path = self.folder / _DEATHS
        found: list[Died] = pickle.loads(path.read_bytes()) if path.is_file() else []
        return found

    def since(self) -> int | None:
        """A stamp of when the golden that is asked was asked; None if none is."""
        try:
            return (self.folder / _NOW).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def now(self) -> Golden | None:
        """The golden that is asked, or that the process ended with; None if it asks none."""
        now = self.folder / _NOW
        golden: Golden | None = pickle.loads(now.read_bytes()) if now.is_file() else None
        return golden

    def note_death(self, golden: Golden, how: str) -> None:
        """Note that the process died of a golden."""
        (self.folder / _DEATHS).write_bytes(pickle.dumps([*self.deaths(), (golden, how)]))
        self.asked()


def failed_by(golden: Golden, how: str) -> ProgramFailed:
    """What is said of a golden that the process died of."""
    return ProgramFailed(f"{golden.id} in {golden.dtype}: the process that was asked {how}")


@dataclass(eq=False)
class _Patience:
    """Counts the seconds in which one golden is asked, those left out in which this process, too, is stopped."""

    watched: Watched
    limit: float
    _since: int | None = field(default=None, init=False)
    _seconds: int = field(default=0, init=False)

    def is_over(self) -> bool:
        """Whether it has taken too long; to be called once a second."""
        since = self.watched.since()
        self._seconds = self._seconds + 1 if since is not None and since == self._since else 0
        self._since = since
        return self._seconds > self.limit


def run_watched(command: Callable[[Path, int], Sequence[str]], tell: Callable[[Search], None], limits: Limits) -> int:
    """Run a search in another process, until it comes to its end.

    Args:
        command: the arguments of ``rnn-goldens``, for the folder of ``Watched`` and the end of a pipe that is open as
            long as this process lives.
        tell: tells of a search that died again and again, until the time was over.
        limits: of the search; it is started again for a minute where they set no time.

    Returns:
        What the search ends with, or what it was refused with; 1 if it died of what it was asked.

    Raises:
        CutShort: it was told to end, and had to be killed; or it ended before the search had, while nothing was asked.
    """
    with tempfile.TemporaryDirectory(prefix="rnn-goldens-") as name, alive() as held:
        watched, begun = Watched(Path(name)), time.monotonic()
        patience = _Patience(watched, HARD_LIMITS * (limits.each or math.inf))
        pass_fds = () if sys.platform == "win32" else (held,)
        while True:
            run = subprocess.Popen(command_line(command(watched.folder, held)), pass_fds=pass_fds)
            end = wait(run, patience.is_over)
            if (code := watched.code()) is not None:
                return code
            golden = watched.now()
            if golden is None:
                if end.code > 0:
                    return end.code
                raise CutShort(f"the process that draws and asks {ended(end.code)} while it asked nothing")
            if end.is_hung or not end.is_told:
                watched.note_death(golden, f"hung for {patience.limit:g} s" if end.is_hung else ended(end.code))
            if not (deaths := watched.deaths()):
                raise CutShort(f"ended while {golden.id} in {golden.dtype} was asked: what was found before is lost")
            if len(deaths) == 1:
                begun = time.monotonic()
            if end.is_told or (len(deaths) > 1 and time.monotonic() - begun > (limits.seconds or SECONDS)):
                failed = [Judged(golden, crash=failed_by(golden, how)) for golden, how in deaths]
                tell(Search(failed=failed, ended=INTERRUPTED if end.is_told else TIME, is_counted=False))
                return FINDING
