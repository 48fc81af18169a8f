"""Detects implementations whose outputs differ between two calls with the same inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.comparison.actual import Actual, actual_outputs
from rnn_goldens.diagnosis.match import Arrays, are_the_same

MAX_REPEATED = 3
"""Number of unexplained failures of a run that are repeated: the first ones."""

NOT_REPEATABLE = "not_repeatable"
"""The name of the fact that the outputs of two calls differ."""


@dataclass(eq=False)
class Flakiness:
    """Repeats the first failures of a run."""

    left: int = MAX_REPEATED

    def facts(self, first: Actual, copies: Arrays, call: Callable[[], Sequence[Any]]) -> dict[str, bool]:
        """Return, as a fact, whether a second call gives other outputs; {} without a second call, or if it raises.

        Args:
            first: the outputs of the first call.
            copies: copies of these outputs.
            call: calls the implementation again.
        """
        if self.left <= 0 or not copies:
            return {}
        self.left -= 1
        try:
            second = actual_outputs(first.golden, *call()).numbers
        except Exception:  # the first failure is reported
            return {}
        return {NOT_REPEATABLE: not are_the_same(first.expected, copies, second)}
