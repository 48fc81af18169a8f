"""Gradients of the arguments of gates, and all gradients: reordered, clipped, scaled, rounded or of other values."""

from collections.abc import Callable, Sequence

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, State, Weights
from rnn_goldens.cells.backward import Factors
from rnn_goldens.cells.step_program import Program
from rnn_goldens.cells.steps import ACTIVATIONS
from rnn_goldens.deviations.alteration import Alteration, Gradients, in_network
from rnn_goldens.deviations.backward.alterations import in_gradient, in_gradients, in_steps_back
from rnn_goldens.deviations.low_precision import Round, to, to_tf32
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


GATES = table()(
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


def _every(change: Round) -> Alteration:
    return in_gradient("", lambda array, _: change(array))


def _products(rounded: Round) -> Alteration:
    """Round both factors of every product of the backward pass; sums are in float64."""
    return in_steps_back(
        transposed=lambda right, g, matrix, *of: right.transposed(rounded(g), rounded(matrix), *of),
        outer=lambda right, *sides: right.outer(*([rounded(one) for one in side] for side in sides)),
    )


def _divided(size: Callable[[Case], int]) -> Alteration:
    return in_gradient("", lambda array, case: array / size(case))


def _norm_clipped(_: Case, gradients: Gradients) -> Gradients:
    norm = np.sqrt(sum(float((array**2).sum()) for array in gradients.values()))
    return {name: array / max(norm, 1.0) for name, array in gradients.items()}


def _steps(case: Case) -> int:
    return int(case.x.shape[-2])


def _rows(case: Case) -> int:
    return len(case.x) if case.batched else 1


def _outputs(case: Case) -> int:
    return _steps(case) * _rows(case) * case.config.num_directions * case.config.output_size


ROUNDING = table()(
    **{
        f"gradients_in_{name}": (f"Rounds the gradients to {name}.", _every(to(name)))
        for name in ("float32", "bfloat16", "float16")
    },
    **{
        f"backward_products_in_{name.lower()}": (
            f"Rounds both factors of every product of the backward pass to {name}{note}.",
            _products(rounded),
        )
        for name, note, rounded in (
            ("float32", "", to("float32")),
            ("TF32", " (11 significant bits)", to_tf32),
            ("bfloat16", "", to("bfloat16")),
            ("float16", "", to("float16")),
        )
    },
    **{
        f"gate_gradients_in_{half}": (
            f"Rounds the gradient of each activation's argument to {half}, at every step.",
            of_gates(to(half)),
        )
        for half in ("bfloat16", "float16")
    },
)
"""Deviations that round to a narrow type."""

SCALED = table(make=_divided, named="gradients_{}")(
    accumulated=("Adds to the gradients of the previous call, which were not cleared.", _every(lambda g: 2 * g)),
    of_other_sign=("Returns every gradient with the opposite sign.", _every(lambda array: -array)),
    four_times=("Multiplies the gradient of every weight by 4.", in_gradient("weight|bias", lambda g, _: 4 * g)),
    mean_over_time=("Divides every gradient by the number of steps, as for a mean instead of a sum.", _steps),
    mean_over_batch=("Divides every gradient by the number of sequences.", _rows),
    mean_over_outputs=("Divides every gradient by the number of outputs, as for a mean loss.", _outputs),
    clipped_at_1=("Clips every gradient to between -1 and 1.", _every(lambda array: np.clip(array, -1, 1))),
    clipped_to_norm_1=("Scales all gradients so that their norm is at most 1.", in_gradients(_norm_clipped)),
)

NUMERICS = (*SCALED, *ROUNDING)
