"""Gradients that are scaled, clipped, accumulated or rounded."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.deviations.alteration import Alteration, Gradients
from rnn_goldens.deviations.backward.alterations import in_gradient, in_gradients, in_steps_back
from rnn_goldens.deviations.backward.gates import of_gates
from rnn_goldens.deviations.rounding_functions import Round, to, to_tf32
from rnn_goldens.deviations.table_rows import table


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

DEVIATIONS = (*SCALED, *ROUNDING)
