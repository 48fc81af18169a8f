"""What a deviation is: one named way in which implementations go wrong, as a small departure from ``cells``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Case, Cell, Network, State, Weights
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.cells.program import Equations
from rnn_goldens.golden.shapes import CELLS

Outputs = tuple[Array, ...]
"""out, h_n, and c_n for an LSTM."""

Run = Callable[[Case], Outputs]

FORWARD, REVERSE = "forward", "reverse"


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
    """

    name: str
    sentence: str
    run: Run
    cells: tuple[str, ...] = CELLS
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()


def in_network(network: Network) -> Run:
    """A network that overrides a step of the definition."""
    return _silent(network.run)


def in_steps(**steps: Callable[..., Any]) -> Run:
    """The right network, but for the steps (methods of ``Network``) that are given as functions."""
    for step in steps:
        if not hasattr(Network, step):
            raise TypeError(f"Network has no step {step!r}")
    return in_network(type("Deviating", (Network,), steps)())


def in_equations(**wrong: Equations) -> Run:
    """The right network, but for the equations of the cells that are named."""
    if unknown := set(wrong) - set(CELLS):
        raise TypeError(f"there is no cell {', '.join(unknown)}")

    def cell(self: Network, case: Case) -> Cell:
        right = Network.cell(self, case)
        return with_equations(right, wrong[right.name])

    return in_steps(cell=cell)


def in_case(change: Callable[[Case], Case]) -> Run:
    """The right network, asked something else; ``change`` sees unbatched input as a batch of one."""

    def run(self: Network, case: Case) -> Outputs:
        return Network.run(self, case if _unbatched(case) else change(case))

    return in_steps(run=run)


def in_state(change: Callable[[Array, Case], Array]) -> Run:
    """The right network, with other initial states: ``change(part, case)`` of h0, and of c0."""
    return in_case(lambda case: replace(case, state=tuple(change(part, case) for part in case.state)))


def in_lengths(change: Callable[[Array, int], Array]) -> Run:
    """The right network, with other lengths: ``change(lengths, time)``, where lengths are given."""

    def changed(case: Case) -> Case:
        return case if case.lengths is None else replace(case, lengths=change(case.lengths, case.x.shape[1]))

    return in_case(changed)


def in_weights(change: Callable[[str, Array, Case], Array]) -> Run:
    """The right network with other weights; ``change(name, array, case)`` gives each its new value."""

    def weights(self: Network, case: Case, suffix: str) -> Weights:
        return {name: change(name, array, case) for name, array in Network.weights(self, case, suffix).items()}

    return in_steps(weights=weights)


def in_unrolled(change: Callable[[Array, State, State, Array], tuple[Array, State]], *directions: str) -> Run:
    """The right network, but for what the layers in some directions (or in all) give: out and the last state.

    Args:
        change: ``change(out, last, start, lengths)`` returns the wrong out and last state.
        directions: ``FORWARD``, ``REVERSE``; both if none is named.
    """

    def unroll(
        self: Network, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array
    ) -> tuple[Array, State]:
        out, last = Network.unroll(self, case, suffix, layer_input, state, lengths)
        return (
            change(out, last, state, lengths)
            if direction(suffix) in (directions or (FORWARD, REVERSE))
            else (out, last)
        )

    return in_steps(unroll=unroll)


def in_outputs(change: Callable[[Case, Outputs], Outputs]) -> Run:
    """The right network, whose outputs are then spoiled; ``change`` sees unbatched input as a batch of one."""

    def run(self: Network, case: Case) -> Outputs:
        outputs = Network.run(self, case)
        return outputs if _unbatched(case) else change(case, outputs)

    return in_steps(run=run)


def in_last_states(change: Callable[[Array, Case], Array]) -> Run:
    """The right network, whose last states are spoiled: ``change(part, case)`` of h_n, and of c_n."""
    return in_outputs(lambda case, outputs: (outputs[0], *(change(part, case) for part in outputs[1:])))


def at_the_end(change: Callable[[Case, Outputs], Outputs]) -> Run:
    """The right network, whose outputs are spoiled just before they are returned, unbatched ones too."""
    return _silent(lambda case: change(case, Network().run(case)))


def direction(suffix: str) -> str:
    """The direction of the weights whose names end in a suffix."""
    return REVERSE if suffix.endswith("_reverse") else FORWARD


def is_last_layer(layer: int, case: Case) -> bool:
    """Whether no layer comes after this one."""
    return layer == case.config.num_layers - 1


def by_layer(part: Array, case: Case) -> Array:
    """A state of every layer and direction, as (layers, directions, …)."""
    return part.reshape(case.config.num_layers, case.config.num_directions, *part.shape[1:])


def is_first(suffix: str, layer_input: Array, t: int) -> bool:
    """Whether time step t is the first that a direction visits."""
    return t == (0 if direction(suffix) == FORWARD else layer_input.shape[1] - 1)


def _silent(run: Run) -> Run:
    """Being wrong can make numbers overflow; that is no news."""

    def silent(case: Case) -> Outputs:
        with np.errstate(all="ignore"):
            return run(case)

    return silent


def _unbatched(case: Case) -> bool:
    return case.x.ndim == 2  # noqa: PLR2004 - (time, input)
