"""Says how long certifying scenarios takes before it starts, and decides whether starting processes saves time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

from rnn_goldens.generator.pool import WORTH_A_POOL, cores
from rnn_goldens.generator.predicted_cost import predicted_seconds
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.plurals import counted

Say = Callable[[str], None]
"""Shows one sentence to the person who waits."""

WORTH_SAYING = 10.0
"""The least number of seconds that is said."""

WORTH_PROCESSES = 30.0
"""The least number of seconds that processes must save if there are few goldens: they do not show parts of a golden."""

_MINUTE, _HOUR = 60, 3600
_LONG = 90
"""Up to so many seconds, and minutes, the smaller unit is said."""


def unsaid(_text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Estimate:
    """The predicted time of certifying scenarios."""

    seconds: Mapping[str, float]  # by id
    executor: Executor | None  # what certifies them, with any number of workers; this machine's processes if None

    @property
    def _total(self) -> float:
        return sum(self.seconds.values())

    @property
    def _largest(self) -> str:
        return max(self.seconds, key=self.seconds.__getitem__)

    def _on(self, processes: int) -> float:
        return max(self._total / processes, self.seconds[self._largest])

    @cached_property
    def processes(self) -> int:
        """The number of processes that certify them; 1 if starting more does not save time."""
        if not self.seconds or self.executor is not None:
            return 1
        saved = self._total - self._on(cores())
        return cores() if len(self.seconds) >= WORTH_A_POOL or saved >= WORTH_PROCESSES else 1

    def __str__(self) -> str:
        """Return a sentence; "" for a short time."""
        if not self.seconds or (time := self._on(self.processes)) < WORTH_SAYING:
            return ""
        several = len(self.seconds) > 1
        what = counted(len(self.seconds), "golden") if several else self._largest
        text = f"certifying {what} takes about {duration(time)}"
        if self.executor is not None:
            text += " of CPU time"
        elif self.processes > 1:
            text += f" on {self.processes} cores ({duration(self._total)} of CPU time)"
        of_largest = duration(self.seconds[self._largest])
        return f"{text}; the largest, {self._largest}, about {of_largest}" if several else text


def estimate(scenarios: Sequence[DeclaredInputs], executor: Executor | None = None) -> Estimate:
    """Return the predicted time of certifying scenarios."""
    return Estimate({scenario.id: predicted_seconds(scenario) for scenario in scenarios}, executor)


def duration(seconds: float) -> str:
    """Return a number of seconds in words, not more precise than a prediction is: "40 s", "3 min", "2.5 h"."""
    if seconds < _LONG:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < _LONG * _MINUTE:
        return f"{round(seconds / _MINUTE)} min"
    return f"{round(2 * seconds / _HOUR) / 2:g} h"
