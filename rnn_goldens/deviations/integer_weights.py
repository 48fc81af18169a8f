"""Bugs of integer LSTMs that use zero points, weights, biases, scales or gates wrongly."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells.integer_lstm import Int64, IntegerLstm, saturated
from rnn_goldens.deviations.integer_pass import ANY, OF_8_BITS, Replaced, wrapped
from rnn_goldens.deviations.integer_pass import wrong_integer_lstm as _wrong
from rnn_goldens.deviations.table_rows import table

# Zero points.


def _without(name: str, times: int = 1) -> Callable[..., Any]:
    return lambda lstm, of, gate, value: of(gate, value + times * lstm.config[name])


_OFFSET = {"cells": OF_8_BITS, "fix": "an engine's offset is the negative zero point, and is added"}


ZERO_POINTS = table(cells=ANY)(
    x_zero_point_left_out=(
        "Does not subtract the zero point of x.", _wrong(of_input=_without("x_zero")), {"cells": OF_8_BITS},
    ),
    h_zero_point_left_out=(
        "Does not subtract the zero point of h.", _wrong(of_state=_without("h_zero")), {"cells": OF_8_BITS},
    ),
    zero_points_left_out=(
        "Subtracts neither the zero point of x nor that of h.",
        _wrong(of_input=_without("x_zero"), of_state=_without("h_zero")),
        {"cells": OF_8_BITS},
    ),
    x_zero_point_added=(
        "Adds the zero point of x instead of subtracting it.", _wrong(of_input=_without("x_zero", 2)), _OFFSET,
    ),
    h_zero_point_added=(
        "Adds the zero point of h to the last h instead of subtracting it.",
        _wrong(of_state=_without("h_zero", 2)), _OFFSET,
    ),
    zero_points_added=(
        "Adds the zero points of x and of h instead of subtracting them.",
        _wrong(of_input=_without("x_zero", 2), of_state=_without("h_zero", 2)), _OFFSET,
    ),
    output_zero_point_left_out=(
        "Does not add the zero point of h to the output.",
        _wrong(scaled_output=lambda lstm, of, o, c: of(o, c) - lstm.config["h_zero"]),
        {"cells": OF_8_BITS},
    ),
    output_zero_point_subtracted=(
        "Subtracts the zero point of h from the output instead of adding it.",
        _wrong(scaled_output=lambda lstm, of, o, c: of(o, c) - 2 * lstm.config["h_zero"]),
        {"cells": OF_8_BITS, "stands_for": ("tensorflow PR56493", "tflite-micro PR1211")},
    ),
    zero_point_in_8_bits=(
        "Stores x - zero point in 8 bits, in which it wraps.",
        _wrong(of_input=lambda lstm, of, g, x: of(g, wrapped(x - lstm.config["x_zero"], 8) + lstm.config["x_zero"])),
        {"cells": OF_8_BITS},
    ),
    first_h_zero_for_zero_point=(
        "Begins with an h of 0 where no state is given, instead of the zero point.",
        _wrong(run=lambda lstm, of, x, h, c: of(x, np.where(np.all((h == lstm.config["h_zero"]) & (c == 0)), 0, h), c)),
        {"cells": OF_8_BITS},
    ),
)  # fmt: skip


# Weights, biases, scales and gates.


def _transposed(matrix: Int64) -> Int64:
    """Return the matrix that is read if its elements are in the other order."""
    return matrix.reshape(matrix.shape[::-1]).T


def _reading(**changes: Callable[[Int64], Int64]) -> Replaced:
    """Return the pass with other weights: functions of the arrays whose names begin with W, R or b."""

    def run(lstm: IntegerLstm, of: Callable[..., Any], *inputs: Int64) -> Any:  # noqa: ANN401 - the outputs
        lstm.weights = {n: changes[n[0]](array) if n[0] in changes else array for n, array in lstm.weights.items()}
        return of(*inputs)

    return _wrong(run=run)


def _in_order(gates: str) -> Replaced:
    """Return the pass that takes the weights and scales of these gates for i, f, g and o."""
    return _wrong(gate=lambda _, of, gate, x, h: of(gates["ifgo".index(gate)], x, h))


WEIGHTS = table(cells=ANY)(
    bias_lost=("Leaves out the biases.", _reading(b=np.zeros_like)),
    bias_twice=("Adds the biases twice: with the product of x, and with that of h.", _reading(b=lambda b: 2 * b)),
    bias_in_16_bits=(
        "Stores biases in 16 bits, in which they wrap.", _reading(b=lambda b: wrapped(b, 16)), {"cells": OF_8_BITS},
    ),
    bias_added_after_scaling=(
        "Adds the bias after the multiplier.",
        _wrong(
            input_sum=lambda lstm, of, g, x: of(g, x) - lstm.weights[f"b_{g}"],
            of_input=lambda lstm, of, g, x: saturated(of(g, x) + lstm.weights[f"b_{g}"], 16),
        ),
    ),
    scales_of_matrices_exchanged=(
        "Scales W x by the multiplier of R, and R h by that of W.",
        _wrong(scale=lambda _, of, matrix, gate: of("R" if matrix == "W" else "W", gate)),
    ),
    input_matrix_transposed=("Reads W in the other order, by inputs.", _reading(W=_transposed)),
    recurrent_matrix_transposed=("Multiplies h by the transpose of R.", _reading(R=_transposed)),
    matrices_transposed=("Reads W and R in the other order.", _reading(W=_transposed, R=_transposed)),
    one_scale_for_all_gates=(
        "Scales all gates by the multiplier of the input gate.",
        _wrong(scale=lambda _, of, matrix, __: of(matrix, "i")),
    ),
    forget_and_input_gate_exchanged=("Exchanges the forget and the input gate.", _in_order("figo")),
    cell_and_output_gate_exchanged=("Exchanges the cell and the output gate.", _in_order("ifog")),
    cell_and_forget_gate_exchanged=("Exchanges the cell and the forget gate.", _in_order("igfo")),
    cell_and_input_gate_exchanged=("Exchanges the cell and the input gate.", _in_order("gfio")),
    output_and_input_gate_exchanged=("Exchanges the output and the input gate.", _in_order("ofgi")),
    output_and_forget_gate_exchanged=("Exchanges the output and the forget gate.", _in_order("iogf")),
    gates_of_onnx=("Reads the gates in the order of ONNX: i, o, f, g.", _in_order("igof")),
)  # fmt: skip
