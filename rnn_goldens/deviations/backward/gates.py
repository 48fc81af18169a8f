"""Gradients of the sums that the gates take: in another order, cut off, of other gates, or sent back wrongly."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, State, Weights
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.cells.program import Program
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.backward.wrong import in_gradient, in_steps_back
from rnn_goldens.deviations.deviation import Deviation, Wrong, in_network
from rnn_goldens.golden.shapes import LAYOUTS

_Found = dict[Block, list[Factors]]


def _by_transposed_matrix(
    right: Backward, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: _Found
) -> tuple[Array, State]:
    blocks = np.split(w["weight_hh"], len(case.cell.gates))
    transposed = np.concatenate([block.T for block in blocks])
    return right.step_back(case, suffix, {**w, "weight_hh": transposed}, t, d_after, factors)


def _in_order(cell: str, order: str) -> Wrong:
    """The gradients of all gates' sums stand in another order, from which all else is computed.

    They meet the blocks of other gates, then, in the matrices and in the weights' gradients.
    """
    places = [LAYOUTS[cell].gates.index(letter) for letter in order]

    def moved(array: Array, to: Sequence[int]) -> Array:
        blocks = np.split(array, len(places))
        return np.concatenate([blocks[place] for place in to])

    def step_back(
        right: Backward, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: _Found
    ) -> tuple[Array, State]:
        back = np.argsort(places).tolist()
        met = {name: moved(array, back) if name.startswith("weight") else array for name, array in w.items()}
        return right.step_back(case, suffix, met, t, d_after, factors)

    rows = in_gradient(("weight", "bias"), lambda array: moved(array, places))
    return in_steps_back(step_back=step_back) & rows


def of_gates(change: Callable[[Array], Array]) -> Wrong:
    """The gradients of what the activations take are changed, before anything is made of them."""

    def transposed(right: Backward, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        return right.transposed(change(g), matrix, index, blocks)

    def share(right: Backward, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
        return right.share(suffix, t, weight, change(g), v)

    return in_steps_back(transposed=transposed, share=share)


class _OtherKept(Backward):
    """A base of those that go back through a step with other values than were kept of it."""

    def others(self, program: Program, kept: Sequence[Array], w: Weights) -> list[Array]:
        """Return what is taken in place of what was kept; every subclass has its own."""
        raise NotImplementedError

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: _Found
    ) -> tuple[Array, State]:
        kept = self.kept[suffix, t]
        self.kept[suffix, t] = self.others(self.program(case, w), kept, w)
        found = super().step_back(case, suffix, w, t, d_after, factors)
        self.kept[suffix, t] = kept
        return found


class _Recomputed(_OtherKept):
    """The gates are computed again on the way back, from h after the step; the states are those that were kept."""

    def others(self, program: Program, kept: Sequence[Array], w: Weights) -> list[Array]:
        x, _, *others = kept[: program.inputs]
        again = self.computed(program, [x, kept[program.after[0]], *others], w)
        stays = _of_states(program)
        return [kept[k] if k in stays else value for k, value in enumerate(again)]


class _BeforeActivation(_OtherKept):
    """What was kept of each gate is what its activation takes, in place of what that gives."""

    def others(self, program: Program, kept: Sequence[Array], w: Weights) -> list[Array]:  # noqa: ARG002 - likewise
        stays = _of_states(program)
        taken = {k: o.of[0] for k, o in enumerate(program.operations, program.inputs) if o.primitive in ACTIVATIONS}
        return [kept[taken[k]] if k in taken.keys() - stays else value for k, value in enumerate(kept)]


def _of_states(program: Program) -> set[int]:
    """The values of a step that are kept, or follow from the state after it alone."""
    operations = dict(enumerate(program.operations, program.inputs))
    after = set(program.after)
    return {*range(program.inputs), *after, *(k for k, o in operations.items() if o.of and after >= set(o.of))}


DEVIATIONS = (
    Deviation(
        "weight_hh_transposed_on_the_way_back",
        "Sends the gradient back to h through the transpose of each gate's W_hh.",
        in_steps_back(step_back=_by_transposed_matrix),
    ),
    *(
        Deviation(
            f"{cell}_gate_gradients_in_order_{order}",
            f"Puts the gates' gradients together as {', '.join(order)}, and computes all others from that.",
            _in_order(cell, order),
            cells=(cell,),
        )
        for cell, order in (("lstm", "ifog"), ("lstm", "figo"), ("lstm", "iofg"), ("gru", "zrn"))
    ),
    Deviation(
        "gates_computed_again_from_state_after",
        "Computes the gates again on the way back, from h after the step and not before it.",
        in_network(_Recomputed),
        cells=("lstm", "gru"),
    ),
    Deviation(
        "gates_kept_before_their_activations",
        "Takes for each gate on the way back what its activation takes, in place of what that gives.",
        in_network(_BeforeActivation),
        cells=("lstm", "gru"),
    ),
    Deviation(
        "gate_gradients_clipped_at_1",
        "Clips the gradient of what each activation takes to between -1 and 1, at every step.",
        of_gates(lambda g: np.clip(g, -1, 1)),
    ),
)
