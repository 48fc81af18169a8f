"""Gradients of the arguments of gates: reordered, clipped, computed from other values or passed on wrongly."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, State, Weights
from rnn_goldens.cells.backward import Factors
from rnn_goldens.cells.step_program import Program
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.alteration import Alteration, in_network
from rnn_goldens.deviations.backward.alterations import in_gradient, in_steps_back
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Block

_Found = dict[Block, list[Factors]]


def _by_transposed_matrix(
    right: Backward, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: _Found
) -> tuple[Array, State]:
    blocks = np.split(w["weight_hh"], len(case.cell.gates))
    square = blocks[0].shape[0] == blocks[0].shape[1]
    transposed = np.concatenate([block.T if square else block for block in blocks])
    return right.step_back(case, suffix, {**w, "weight_hh": transposed}, t, d_after, factors)


def _in_order(cell: str, order: str) -> Alteration:
    """Reorder the gradients of the gates' arguments, from which all other gradients are computed.

    Each gradient is then multiplied with the block of another gate and added to the gradient of that block.
    """
    places = [LAYOUTS[cell].gates.index(letter) for letter in order]

    def moved(array: Array, to: Sequence[int]) -> Array:
        blocks = np.split(array, len(places))
        return np.concatenate([blocks[place] for place in to])

    def step_back(
        right: Backward, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: _Found
    ) -> tuple[Array, State]:
        back = np.argsort(places).tolist()
        reordered = {**w, **{name: moved(w[name], back) for name in ("weight_ih", "weight_hh")}}
        return right.step_back(case, suffix, reordered, t, d_after, factors)

    rows = in_gradient("weight_ih|weight_hh|bias", lambda array, _: moved(array, places))
    return in_steps_back(step_back=step_back) & rows


def of_gates(change: Callable[[Array], Array]) -> Alteration:
    """Change the gradients of activations' arguments before other gradients are computed from them."""
    return in_steps_back(
        transposed=lambda right, g, *of: right.transposed(change(g), *of),
        share=lambda right, suffix, t, weight, g, v: right.share(suffix, t, weight, change(g), v),
    )


class _OtherValues(Backward):
    """Base class of backward passes that use other values of a step than the stored ones."""

    def other_values(self, program: Program, stored: Sequence[Array], w: Weights) -> list[Array]:
        """Return the values to use instead of the stored ones."""
        raise NotImplementedError

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: _Found
    ) -> tuple[Array, State]:
        stored = self.kept[suffix, t]
        self.kept[suffix, t] = self.other_values(self.program(case, w), stored, w)
        found = super().step_back(case, suffix, w, t, d_after, factors)
        self.kept[suffix, t] = stored
        return found


class _Recomputed(_OtherValues):
    """Recomputes the gates in the backward pass from h after the step; uses the stored states."""

    def other_values(self, program: Program, stored: Sequence[Array], w: Weights) -> list[Array]:
        x, _, *other_states = stored[: program.inputs]
        recomputed = self.computed(program, [x, stored[program.after[0]], *other_states], w)
        states = _of_states(program)
        return [stored[k] if k in states else value for k, value in enumerate(recomputed)]


class _BeforeActivation(_OtherValues):
    def other_values(self, program: Program, stored: Sequence[Array], w: Weights) -> list[Array]:  # noqa: ARG002 - for overrides
        states = _of_states(program)
        arguments = {k: o.of[0] for k, o in enumerate(program.operations, program.inputs) if o.primitive in ACTIVATIONS}
        replaced = arguments.keys() - states
        return [stored[arguments[k]] if k in replaced else value for k, value in enumerate(stored)]


def _of_states(program: Program) -> set[int]:
    """Return the indices of the inputs, the state after the step, and values computed only from that state."""
    operations = dict(enumerate(program.operations, program.inputs))
    after = set(program.after)
    return {*range(program.inputs), *after, *(k for k, o in operations.items() if o.of and after >= set(o.of))}


DEVIATIONS = table()(
    weight_hh_transposed_on_the_way_back=(
        "Uses the transpose of each gate's W_hh in the gradient of h.",
        in_steps_back(step_back=_by_transposed_matrix),
    ),
    **{
        f"{cell}_gate_gradients_in_order_{order}": (
            f"Orders the gates' gradients as {', '.join(order)} and computes all other gradients from these.",
            _in_order(cell, order),
            {"cells": (cell,)},
        )
        for cell, order in (("lstm", "ifog"), ("lstm", "figo"), ("lstm", "iofg"), ("gru", "zrn"))
    },
    gates_computed_again_from_state_after=(
        "Recomputes the gates in the backward pass from h after the step instead of before it.",
        in_network(_Recomputed),
        {"cells": ("lstm", "gru")},
    ),
    gates_kept_before_their_activations=(
        "Uses the argument of each gate's activation in the backward pass instead of its result.",
        in_network(_BeforeActivation),
        {"cells": ("lstm", "gru")},
    ),
    gate_gradients_clipped_at_1=(
        "Clips the gradient of each activation's argument to between -1 and 1, at every step.",
        of_gates(lambda g: np.clip(g, -1, 1)),
    ),
)
