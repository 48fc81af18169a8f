"""Progress of long work as lines on stderr, where there is no terminal: one now and then, with an estimate."""

from collections.abc import Callable
from time import monotonic

from rnn_goldens.command_line.terminal import echo
from rnn_goldens.plurals import counted

SECONDS = 30.0
"""The least time between two lines."""


class ProgressLines:
    """Prints ``Certifying: 12 of 14 + 40% (tolerance), 3 minutes left``: the items done, and how much of the next."""

    def __init__(self, label: str, total: int, now: Callable[[], float] = monotonic) -> None:
        self._label, self._total, self._now = label, total, now
        self._start = self._last = now()
        self._begin_item(0)

    def _begin_item(self, done: int) -> None:
        self._done, self._share, self._part, self._item_start = done, 0.0, "", self._now()

    def count(self, done: int) -> None:
        """Report the number of items that are done."""
        self._begin_item(done)
        self._print()

    def report(self, part: str, done: int, total: int) -> None:
        """Report how much of the next item is done, as ``rnn_goldens.progress`` does. ``count`` reports its end."""
        if done < total:
            self._share, self._part = done / total, part
            self._print()

    def _print(self) -> None:
        now = self._now()
        if now - self._last >= SECONDS:
            self._last = now
            of_next = f" + {int(100 * self._share)}% ({self._part})" if self._part else ""
            echo(f"{self._label}: {self._done} of {self._total}{of_next}{self._left(now)}", err=True)

    def _left(self, now: float) -> str:
        """Return the time that the next item takes by its share, and the others on average; "" if nothing is done."""
        spent, before = now - self._item_start, self._item_start - self._start
        if not self._share and not self._done:
            return ""
        item = spent / self._share if self._share else max(spent, before / self._done)
        average = (before + item) / (self._done + 1)
        return f", {_minutes(item - spent + average * (self._total - self._done - 1))} left"


def _minutes(seconds: float) -> str:
    """Return a duration in words: less than a minute, or minutes."""
    minutes = round(seconds / 60)
    return counted(minutes, "minute") if minutes else "less than a minute"
