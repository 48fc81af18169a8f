"""Wrong derivatives of activations."""

import numpy as np

from rnn_goldens.deviations.backward.alterations import in_steps_back
from rnn_goldens.deviations.deviation import Deviation

_TANH, _SIGMOID = ("rnn_tanh", "lstm", "gru"), ("lstm", "gru")


def _masked(of: str, limit: float, cells: tuple[str, ...]) -> Deviation:
    slope = f"{of}_slope"
    return Deviation(
        f"{slope}_masked_beyond_{limit:g}",
        f"Uses zero for the {of}'s derivative beyond ±{limit:g}, as if it were constant there.",
        in_steps_back(**{slope: lambda right, y, z: np.where(np.abs(z) > limit, 0.0, getattr(right, slope)(y, z))}),
        cells=cells,
    )


DEVIATIONS = (
    Deviation(
        "tanh_slope_of_argument",
        "Uses 1 - z² of tanh's argument z for its derivative instead of 1 - y² of the result.",
        in_steps_back(tanh_slope=lambda _, _y, z: 1 - z * z),
        cells=_TANH,
    ),
    Deviation(
        "tanh_slope_at_result",
        "Uses 1 - tanh(y)² of tanh's result y for its derivative, as if y were the argument.",
        in_steps_back(tanh_slope=lambda _, y, _z: 1 - np.tanh(y) ** 2),
        cells=_TANH,
        stands_for=("Neuron PR181",),
    ),
    Deviation(
        "tanh_slope_not_squared",
        "Uses 1 - y for tanh's derivative instead of 1 - y².",
        in_steps_back(tanh_slope=lambda _, y, _z: 1 - y),
        cells=_TANH,
    ),
    Deviation(
        "tanh_slope_missing",
        "Leaves out tanh's derivative.",
        in_steps_back(tanh_slope=lambda _, y, _z: 1 + 0 * y),
        cells=_TANH,
    ),
    Deviation(
        "tanh_slope_as_of_sigmoid",
        "Uses y (1 - y) for tanh's derivative.",
        in_steps_back(tanh_slope=lambda _, y, _z: y * (1 - y)),
        cells=_TANH,
    ),
    Deviation(
        "tanh_slope_twice",
        "Multiplies by tanh's derivative twice.",
        in_steps_back(tanh_slope=lambda right, y, z: right.tanh_slope(y, z) ** 2),
        cells=_TANH,
    ),
    Deviation(
        "sigmoid_slope_of_argument",
        "Uses z (1 - z) of the sigmoid's argument z for its derivative instead of y (1 - y) of the result.",
        in_steps_back(sigmoid_slope=lambda _, _y, z: z * (1 - z)),
        cells=_SIGMOID,
    ),
    Deviation(
        "sigmoid_slope_at_result",
        "Computes the sigmoid's derivative at its result, as if that were the argument.",
        in_steps_back(sigmoid_slope=lambda right, y, _z: right.sigmoid(y) * (1 - right.sigmoid(y))),
        cells=_SIGMOID,
    ),
    Deviation(
        "sigmoid_slope_missing",
        "Leaves out the sigmoid's derivative.",
        in_steps_back(sigmoid_slope=lambda _, y, _z: 1 + 0 * y),
        cells=_SIGMOID,
    ),
    Deviation(
        "sigmoid_slope_as_of_tanh",
        "Uses 1 - y² for the sigmoid's derivative.",
        in_steps_back(sigmoid_slope=lambda _, y, _z: 1 - y * y),
        cells=_SIGMOID,
    ),
    Deviation(
        "sigmoid_slope_half",
        "Uses y for the sigmoid's derivative, without 1 - y.",
        in_steps_back(sigmoid_slope=lambda _, y, _z: y),
        cells=_SIGMOID,
    ),
    *(_masked("tanh", limit, _TANH) for limit in (2.0, 4.0)),
    *(_masked("sigmoid", limit, _SIGMOID) for limit in (4.0, 8.0)),
    Deviation(
        "relu_slope_missing",
        "Passes the gradient through a relu whose argument is negative.",
        in_steps_back(where_larger=lambda _, g, _a, _b: g),
        cells=("rnn_relu",),
    ),
    Deviation(
        "relu_slope_leaky",
        "Passes a hundredth of the gradient through a relu whose argument is negative.",
        in_steps_back(where_larger=lambda _, g, a, b: np.where(a > b, g, 0.01 * g)),
        cells=("rnn_relu",),
    ),
    Deviation(
        "relu_slope_as_of_tanh",
        "Uses 1 - y² for the relu's derivative.",
        in_steps_back(where_larger=lambda right, g, a, b: right.where_larger(g, a, b) * (1 - a * a)),
        cells=("rnn_relu",),
    ),
)
