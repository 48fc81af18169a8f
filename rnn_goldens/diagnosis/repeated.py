"""Whether what was wrong comes again: the same asked once more gives the same numbers, or it does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_goldens.diagnosis.likeness import Outputs, readable
from rnn_goldens.golden.precision import PRECISIONS

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

MOST_REPEATED = 3
"""So many failures of a run, the first that nothing explains, are asked once more."""

NOT_REPEATABLE = "not_repeatable"
"""The fact that they differ."""


@dataclass(eq=False)
class Repeats:
    """Asks failures of a run once more, as long as there are few."""

    left: int = MOST_REPEATED

    def facts(self, golden: "GoldenData", first: Outputs, ask: Callable[[], Sequence[Any]]) -> dict[str, bool]:
        """Whether the implementation gives other outputs than it did; {} if it was not asked, or gave none.

        Args:
            golden: what it was asked.
            first: what it gave, in memory that it does not know.
            ask: asks it again.
        """
        if self.left <= 0 or not first:
            return {}
        self.left -= 1
        try:
            second = readable(golden, *_three(ask()))
        except Exception:  # it was wrong before it was asked again: that is what is said
            return {}
        return {NOT_REPEATABLE: _differ(golden, first, second)}


def _three(outputs: Sequence[Any]) -> tuple[Any, Any, Any]:
    out, h_n, c_n, *_ = (*outputs, None, None)
    return out, h_n, c_n


@np.errstate(all="ignore")
def _differ(golden: "GoldenData", first: Outputs, second: Outputs) -> bool:
    """By more than two right networks may, which threads that sum in another order are."""
    if first.keys() != second.keys():
        return True
    for name, before in first.items():
        after = second[name]
        if after.shape != before.shape:
            return True
        right = getattr(golden.stored, name)
        allowed = golden.tolerance.allowed(name, right, PRECISIONS[golden.dtype]).max(initial=0.0)
        rounding = 8 * PRECISIONS[golden.dtype].roundoff * np.abs(before)
        same = (after == before) | (np.isnan(after) & np.isnan(before))
        if not (same | (np.abs(after - before) <= 2 * allowed + rounding)).all():
            return True
    return False
