"""Progress of long work as lines on stderr, where there is no terminal: one now and then, with an estimate."""

from collections.abc import Callable
from time import monotonic

from rnn_goldens.command_line.terminal import echo
from rnn_goldens.plurals import counted

SECONDS = 30.0
"""The least time between two lines."""


class ProgressLines:
    """Prints ``Certifying: 12 of 566, 3 minutes left``, or how much of an item is done if that takes long."""

    def __init__(self, label: str, total: int, now: Callable[[], float] = monotonic) -> None:
        self._label, self._total, self._done, self._now = label, total, 0, now
        self._start = self._last = self._item_start = now()

    def count(self, done: int) -> None:
        """Report the number of items that are done."""
        self._done = done
        self._print(lambda now: _left(now - self._start, done / self._total))

    def report(self, part: str, done: int, total: int) -> None:
        """Report how much of the next item is done, as ``rnn_goldens.progress`` does."""
        if done == 0:
            self._item_start = self._now()
        share = done / total
        self._print(lambda now: f"; the next: {share:.0%}{_left(now - self._item_start, share)} ({part})")

    def _print(self, progress: Callable[[float], str]) -> None:
        now = self._now()
        if now - self._last >= SECONDS:
            self._last = now
            echo(f"{self._label}: {self._done} of {self._total}{progress(now)}", err=True)


def _left(seconds: float, share: float) -> str:
    """Return the time that the rest takes, if a share took some seconds; "" if nothing is done."""
    return f", {_minutes(seconds / share * (1 - share))} left" if share else ""


def _minutes(seconds: float) -> str:
    """Return a duration in words: less than a minute, or minutes."""
    minutes = round(seconds / 60)
    return counted(minutes, "minute") if minutes else "less than a minute"
