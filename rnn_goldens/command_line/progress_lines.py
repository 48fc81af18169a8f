"""Progress of long work as lines on stderr, where there is no terminal: one now and then, with an estimate."""

from collections.abc import Callable
from time import monotonic

from rnn_goldens.command_line.terminal import echo
from rnn_goldens.plurals import counted

SECONDS = 30.0
"""The least time between two lines."""


class ProgressLines:
    """Prints ``Certifying: 12 of 566, 3 minutes left``."""

    def __init__(self, label: str, total: int, now: Callable[[], float] = monotonic) -> None:
        self._label, self._total, self._done, self._now = label, total, 0, now
        self._start = self._last = self._part_start = now()

    def count(self, done: int) -> None:
        """Report the number of items that are done."""
        self._done = done
        self._print(done, self._total, self._start)

    def report(self, part: str, done: int, total: int) -> None:
        """Report the progress of a part of an item, as ``rnn_goldens.progress`` does; other parts may follow."""
        if done == 0:
            self._part_start = self._now()
        self._print(done, total, self._part_start, part)

    def _print(self, done: int, total: int, start: float, part: str = "") -> None:
        now = self._now()
        if now - self._last < SECONDS:
            return
        self._last = now
        left = f", {_minutes((now - start) / done * (total - done))} left" if done else ""
        within = f", {part}: {100 * done // total} %{left and f'{left} of this part'}" if part and total else ""
        echo(f"{self._label}: {self._done} of {self._total}{within or left}", err=True)


def _minutes(seconds: float) -> str:
    """Return a duration in words: less than a minute, or minutes."""
    minutes = round(seconds / 60)
    return counted(minutes, "minute") if minutes else "less than a minute"
