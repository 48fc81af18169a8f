"""Whether what was wrong comes again: the same asked once more gives the same numbers, or it does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.diagnosis.likeness import Arrays, are_the_same
from rnn_goldens.judging.given import Given, outputs_given

MOST_REPEATED = 3
"""So many failures of a run, the first that nothing explains, are asked once more."""

NOT_REPEATABLE = "not_repeatable"
"""The fact that they differ."""


@dataclass(eq=False)
class Repeats:
    """Asks failures of a run once more, as long as there are few."""

    left: int = MOST_REPEATED

    def facts(self, first: Given, kept: Arrays, ask: Callable[[], Sequence[Any]]) -> dict[str, bool]:
        """Whether the implementation gives other outputs than it did; {} if it was not asked, or gave none.

        Args:
            first: what it gave.
            kept: the same in memory that it does not know.
            ask: asks it again.
        """
        if self.left <= 0 or not kept:
            return {}
        self.left -= 1
        try:
            second = outputs_given(first.golden, *ask()).numbers
        except Exception:  # it was wrong before it was asked again: that is what is said
            return {}
        return {NOT_REPEATABLE: not are_the_same(first.expected, kept, second)}
