"""A budget for running deviations, counted in time steps: the result does not depend on the speed of the machine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData


@dataclass(eq=False)
class Budget:
    """The number of time steps that deviations may still compute; a step takes about 0.1 ms.

    Attributes:
        left: the remaining time steps.
        is_spent: whether a comparison was skipped because too few were left.
    """

    left: int
    is_spent: bool = False

    def take(self, steps: int) -> bool:
        """Take time steps from the budget; return False, and take none, if too few are left."""
        if steps > self.left:
            self.is_spent = True
            return False
        self.left -= steps
        return True


def steps_of(golden: "GoldenData") -> int:
    """Return how many time steps are computed for a golden, over all layers and directions."""
    return golden.time * golden.config.chains
