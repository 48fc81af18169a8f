"""What a deviation is: one named way in which implementations go wrong, as a small departure from ``cells``."""

from collections.abc import Callable
from dataclasses import dataclass

from rnn_goldens.cells import Array, Case, Network, Weights
from rnn_goldens.precision import PRECISIONS
from rnn_goldens.shapes import CELLS

Outputs = tuple[Array, ...]
"""out, h_n, and c_n for an LSTM."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """A wrong network.

    Attributes:
        name: stable, in lower case with underscores.
        sentence: what it does wrong.
        run: the wrong outputs of a case whose arrays are float64.
        cells: the cells it can befall.
        needs: features without which it changes nothing.
        stands_for: defects found in the wild, as ``repository#number``.
        precisions: where it can be seen; in the others a correct implementation may be as far off.
    """

    name: str
    sentence: str
    run: Callable[[Case], Outputs]
    cells: tuple[str, ...] = CELLS
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    precisions: tuple[str, ...] = tuple(PRECISIONS)


def in_network(network: Network) -> Callable[[Case], Outputs]:
    """A network that overrides a step of the definition."""
    return network.run


def in_case(change: Callable[[Case], Case]) -> Callable[[Case], Outputs]:
    """The right network, asked something else."""
    return lambda case: Network().run(change(case))


def in_weights(change: Callable[[str, Array, Case], Array]) -> Callable[[Case], Outputs]:
    """The right network with other weights; ``change(name, array, case)`` gives each its new value."""

    class OtherWeights(Network):
        def weights(self, case: Case, suffix: str) -> Weights:
            return {name: change(name, array, case) for name, array in super().weights(case, suffix).items()}

    return OtherWeights().run


def in_outputs(change: Callable[[Case, Outputs], Outputs]) -> Callable[[Case], Outputs]:
    """The right network, whose outputs are then spoiled."""
    return lambda case: change(case, Network().run(case))
