"""How much may be compared with wrong networks: counted in time steps, so the answer is the same on a slow machine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData


@dataclass(eq=False)
class Budget:
    """Time steps that wrong networks may still compute; one takes about 0.1 ms.

    Attributes:
        left: so many.
        is_spent: whether something was not compared for want of them.
    """

    left: int
    is_spent: bool = False

    def take(self, steps: int) -> bool:
        """Return whether so many are left, and take them."""
        if steps > self.left:
            self.is_spent = True
            return False
        self.left -= steps
        return True


def steps_of(golden: "GoldenData") -> int:
    """Return the time steps that a network computes of a golden, over all layers and directions."""
    return int(golden.stored.x.shape[-2]) * golden.config.num_layers * golden.config.num_directions
