"""Parts of a network that may have separate code: upper layers, and the reverse direction."""

from collections.abc import Callable
from dataclasses import dataclass

from rnn_goldens.cells import Case, Network, Weights
from rnn_goldens.deviations.alteration import REVERSE, STACKED_NAMES, Alteration, direction, in_steps
from rnn_goldens.deviations.blocks import Change


@dataclass(frozen=True)
class Part:
    """A part of a network.

    Attributes:
        name: prefix of the names of deviations.
        words: end of the sentences of deviations.
        has: returns whether the layer and direction with a suffix belong to the part.
        needs: features without which a network does not have the part.
    """

    name: str
    words: str
    has: Callable[[str], bool]
    needs: tuple[str, ...]


EVERY = Part("", "", lambda _: True, ())
UPPER = Part("upper_", " of layers above the first", lambda suffix: not suffix.startswith("l0"), ("multilayer",))
REVERSED = Part("reverse_", " of the reverse direction", lambda s: direction(s) == REVERSE, ("bidirectional",))


def in_weights_of(part: Part, change: Change) -> Alteration:
    """Return a change of the weights in a part of a network."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        found = right.weights(case, suffix)
        names = STACKED_NAMES if part.has(suffix) else ()
        return {name: change(name, array, case) if name in names else array for name, array in found.items()}

    return in_steps(weights=weights)
