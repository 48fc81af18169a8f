"""Detects implementations whose outputs differ between two calls with the same inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.comparison.actual import Actual, actual_outputs
from rnn_goldens.diagnosis.match import Arrays, are_the_same

MAX_REPEATED = 3
"""Number of unexplained failures of a run, the first ones, that are repeated."""

NOT_REPEATABLE = "not_repeatable"
"""The fact that the outputs differ."""


@dataclass(eq=False)
class Flakiness:
    """Repeats the first failures of a run."""

    left: int = MAX_REPEATED

    def facts(self, first: Actual, kept: Arrays, call: Callable[[], Sequence[Any]]) -> dict[str, bool]:
        """Return whether a second call returns other outputs; {} if there was none, or it raised.

        Args:
            first: the outputs of the first call.
            kept: a copy of them.
            call: calls the implementation again.
        """
        if self.left <= 0 or not kept:
            return {}
        self.left -= 1
        try:
            second = actual_outputs(first.golden, *call()).numbers
        except Exception:  # the first failure is reported
            return {}
        return {NOT_REPEATABLE: not are_the_same(first.expected, kept, second)}
