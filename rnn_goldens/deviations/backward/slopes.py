"""Wrong derivatives of activations."""

import numpy as np

from rnn_goldens.cells import Array, Backward
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.backward.alterations import in_steps_back
from rnn_goldens.deviations.table_rows import table

_TANH, _SIGMOID = ("rnn_tanh", "lstm", "gru"), ("lstm", "gru")


def _masked(activation: str, limit: float) -> Alteration:
    def slope(right: Backward, y: Array, z: Array) -> Array:
        return np.where(np.abs(z) > limit, 0.0, getattr(right, f"{activation}_slope")(y, z))

    return in_steps_back(**{f"{activation}_slope": slope})


# Derivatives are functions of the right backward pass, the result y, and the argument z.

OF_TANH = table(lambda slope: in_steps_back(tanh_slope=slope), cells=_TANH)(
    tanh_slope_of_argument=(
        "Uses 1 - z² of tanh's argument z for its derivative instead of 1 - y² of the result.",
        lambda _, _y, z: 1 - z * z,
    ),
    tanh_slope_at_result=(
        "Uses 1 - tanh(y)² of tanh's result y for its derivative, as if y were the argument.",
        lambda _, y, _z: 1 - np.tanh(y) ** 2,
        {"stands_for": ("Neuron PR181",)},
    ),
    tanh_slope_not_squared=("Uses 1 - y for tanh's derivative instead of 1 - y².", lambda _, y, _z: 1 - y),
    tanh_slope_missing=("Leaves out tanh's derivative.", lambda _, y, _z: 1 + 0 * y),
    tanh_slope_as_of_sigmoid=("Uses y (1 - y) for tanh's derivative.", lambda _, y, _z: y * (1 - y)),
    tanh_slope_twice=("Multiplies by tanh's derivative twice.", lambda right, y, z: right.tanh_slope(y, z) ** 2),
)

OF_SIGMOID = table(lambda slope: in_steps_back(sigmoid_slope=slope), cells=_SIGMOID)(
    sigmoid_slope_of_argument=(
        "Uses z (1 - z) of the sigmoid's argument z for its derivative instead of y (1 - y) of the result.",
        lambda _, _y, z: z * (1 - z),
    ),
    sigmoid_slope_at_result=(
        "Computes the sigmoid's derivative at its result, as if that were the argument.",
        lambda right, y, _z: right.sigmoid(y) * (1 - right.sigmoid(y)),
    ),
    sigmoid_slope_missing=("Leaves out the sigmoid's derivative.", lambda _, y, _z: 1 + 0 * y),
    sigmoid_slope_as_of_tanh=("Uses 1 - y² for the sigmoid's derivative.", lambda _, y, _z: 1 - y * y),
    sigmoid_slope_half=("Uses y for the sigmoid's derivative, without 1 - y.", lambda _, y, _z: y),
)

MASKED = table(make=_masked)(
    **{
        f"{of}_slope_masked_beyond_{limit}": (
            f"Uses zero for the {of}'s derivative beyond ±{limit}, as if it were constant there.",
            of,
            limit,
            {"cells": cells},
        )
        for of, cells, limits in (("tanh", _TANH, (2, 4)), ("sigmoid", _SIGMOID, (4, 8)))
        for limit in limits
    }
)

OF_RELU = table(cells=("rnn_relu",))(
    relu_slope_missing=(
        "Passes the gradient through a relu whose argument is negative.",
        in_steps_back(where_larger=lambda _, g, _a, _b: g),
    ),
    relu_slope_leaky=(
        "Passes a hundredth of the gradient through a relu whose argument is negative.",
        in_steps_back(where_larger=lambda _, g, a, b: np.where(a > b, g, 0.01 * g)),
    ),
    relu_slope_as_of_tanh=(
        "Uses 1 - y² for the relu's derivative.",
        in_steps_back(where_larger=lambda right, g, a, b: right.where_larger(g, a, b) * (1 - a * a)),
    ),
)

DEVIATIONS = (*OF_TANH, *OF_SIGMOID, *MASKED, *OF_RELU)
