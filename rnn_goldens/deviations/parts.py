"""Layers of a network that can have code of their own: those above the first, and those of the reverse direction."""

from collections.abc import Callable
from dataclasses import dataclass

from rnn_goldens.cells import Case, Network, Weights
from rnn_goldens.deviations.blocks import Change
from rnn_goldens.deviations.deviation import REVERSE, Wrong, direction, in_steps


@dataclass(frozen=True)
class Part:
    """Some layers of a network.

    Attributes:
        name: what names of deviations begin with.
        words: what their sentences end with.
        has: whether the layer and direction with a suffix belongs to it.
        needs: features without which a network has none of it.
    """

    name: str
    words: str
    has: Callable[[str], bool]
    needs: tuple[str, ...]


EVERY = Part("", "", lambda _: True, ())
UPPER = Part("upper_", " of layers above the first", lambda suffix: not suffix.startswith("l0"), ("multilayer",))
REVERSED = Part("reverse_", " of the reverse direction", lambda s: direction(s) == REVERSE, ("bidirectional",))


def in_weights_of(part: Part, change: Change) -> Wrong:
    """Return the right network with other weights in a part of it."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        found = right.weights(case, suffix)
        return {name: change(name, array, case) for name, array in found.items()} if part.has(suffix) else found

    return in_steps(weights=weights)
