"""Bugs of integer LSTMs: each a definition of ``cells.integer_lstm`` with some of its methods replaced."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import integer_lstm as right
from rnn_goldens.cells.integer_lstm import HALF, Int64, IntegerLstm, half_away, half_up, saturated, upper_half
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.deviations import integer_activations as activations
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.integer_pass import ANY, OF_8_BITS, Replaced, wrapped
from rnn_goldens.deviations.integer_pass import wrong_integer_lstm as _wrong
from rnn_goldens.deviations.integer_weights import WEIGHTS, ZERO_POINTS
from rnn_goldens.deviations.needs import features_of
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.integer_config import WIDE

BY_TABLE = tuple(cell for cell in ANY if not cell.endswith("_tflite"))
TFLM, CMSIS, TFLITE = (tuple(cell for cell in ANY if cell.endswith(name)) for name in ("_tflm", "_cmsis", "_tflite"))

_INTENDED = "if this is intended, check it with --cell"


# Definitions: what one engine computes, and the port of another must not.


DEFINITIONS = table(cells=ANY)(
    definition_of_tflm=(
        "This is the definition of TensorFlow Lite Micro: the product of h saturates before it is added.",
        Replaced({}, right.Tflm),
        {"cells": (*CMSIS, *TFLITE), "fix": f"{_INTENDED} lstm_int8_tflm or lstm_16x8_tflm"},
    ),
    definition_of_cmsis=(
        "This is the definition of CMSIS-NN: the product of h does not saturate before it is added.",
        Replaced({}, IntegerLstm),
        {"cells": (*TFLM, *TFLITE), "fix": f"{_INTENDED} lstm_int8_cmsis or lstm_16x8_cmsis"},
    ),
    definition_of_tflite=(
        "This is the definition of LiteRT: activations by series, and one rounding in the products of the cell state.",
        Replaced({}, right.Tflite),
        {
            "cells": (*TFLM, *CMSIS), "fix": f"{_INTENDED} lstm_int8_tflite",
            "stands_for": ("tflite-micro#1455", "tflite-micro#1148"),
        },
    ),
    multiplier_rounds_once=(
        "Rounds a multiplier once, where the definition rounds to 31 bits and then after the shift.",
        _wrong(scaled=lambda _, __, x, m, s: half_up(x * m, 31 - s)),
        {
            "needs": ("double_rounding",),
            "stands_for": ("tflite-micro#3252", "tensorflow PR50290", "LiteRT#7441", "CMSIS-NN#214"),
        },
    ),
    multiplier_rounds_twice=(
        "Rounds a multiplier to 31 bits and then after the shift, where rounding is single.",
        _wrong(scaled=lambda _, __, x, m, s: half_away(half_up((x << max(s, 0)) * m, 31), max(-s, 0))),
        {"cells": CMSIS, "needs": ("single_rounding",), "stands_for": ("LiteRT#7441", "CMSIS-NN#214")},
    ),
    series_for_tables=(
        "Computes sigmoid and tanh by gemmlowp's series; everything else is right.",
        _wrong(
            sigmoid=lambda _, __, q: right.sigmoid_by_series(q),
            tanh=lambda _, __, q, power: right.tanh_by_series(q, power),
        ),
        {"cells": BY_TABLE, "stands_for": ("tflite-micro#1455",)},
    ),
    tables_for_series=(
        "Interpolates sigmoid and tanh in a table; everything else is right.",
        _wrong(
            sigmoid=lambda _, __, q: right.sigmoid_by_table(q),
            tanh=lambda _, __, q, power: right.tanh_by_table(q, power),
        ),
        {"cells": TFLITE, "stands_for": ("tflite-micro#1455",)},
    ),
    cell_products_round_otherwise=(
        "Rounds f·c and i·g once, ties away from zero, where the definition scales by one half; or the other way.",
        _wrong(
            shifted=lambda lstm, _, x, n: (
                lstm.scaled(x, HALF, 1 - n) if isinstance(lstm, right.Tflite) else half_away(x, n)
            )
        ),
    ),
)  # fmt: skip


# Roundings.


def _dividing(divided: Callable[[Int64, int], Int64]) -> Replaced:
    """Return the pass whose divisions by a power of two, x / 2^n, are a function of x and n."""
    return _wrong(
        scaled=lambda _, __, x, m, s: divided(x * m, 31 - s),
        scaled_sum=lambda lstm, of, x, m, s: of(x, m, s) if lstm.bits == 8 else divided(x * upper_half(m), 15 - s),  # noqa: PLR2004
        shifted=lambda _, __, x, n: divided(x, n),
    )


ROUNDINGS = table(cells=ANY)(
    multiplier_truncates=(
        "Truncates the result of a multiplier instead of rounding it.", _dividing(lambda x, n: x >> n),
    ),
    multiplier_truncates_towards_zero=(
        "Divides by a power of two towards zero, as the operator / of C does, instead of rounding.",
        _dividing(lambda x, n: np.sign(x) * (np.abs(x) >> n)),
    ),
    ties_always_up=(
        "Rounds ties towards positive infinity where the definition rounds them away from zero.",
        _wrong(
            scaled=lambda _, __, x, m, s: half_up(half_up((x << max(s, 0)) * m, 31), max(-s, 0))
        ),
        {"needs": ("double_rounding",)},
    ),
    first_rounding_away_from_zero=(
        "Rounds a multiplier to 31 bits with ties away from zero instead of towards positive infinity.",
        _wrong(scaled=lambda _, __, x, m, s: half_away(half_away((x << max(s, 0)) * m, 31), max(-s, 0))),
        {"needs": ("double_rounding",)},
    ),
    sums_of_64_bits_away_from_zero=(
        "Rounds sums of 64 bits with ties away from zero instead of towards positive infinity.",
        _wrong(scaled_sum=lambda _, __, x, m, s: half_away(x * upper_half(m), 15 - s)),
        {"cells": WIDE},
    ),
    cell_products_truncate=(
        "Truncates f·c and i·g instead of rounding them.", _wrong(shifted=lambda _, __, x, n: x >> n),
    ),
    multiplier_in_floating_point=(
        "Scales sums by a float32 number instead of a multiplier and a shift.",
        _wrong(scaled_sum=lambda _, __, x, m, s: np.rint(x.astype("f") * np.float32(m * 2.0 ** (s - 31))).astype(int)),
    ),
    multiplier_of_16_bits=(
        "Uses the upper 16 bits of a multiplier for sums of 32 bits.",
        _wrong(scaled_sum=lambda _, __, x, m, s: half_up((x << max(s, 0)) * upper_half(m), 15 - min(s, 0))),
        {"cells": OF_8_BITS},
    ),
    multiplier_of_31_bits=(
        "Uses all bits of a multiplier for sums of 64 bits.",
        _wrong(scaled_sum=lambda _, __, x, m, s: half_up(x * m, 31 - s)),
        {"cells": WIDE},
    ),
    left_shift_lost=(
        "Ignores a shift to the left.",
        _wrong(scale=lambda _, of, matrix, gate: (of(matrix, gate)[0], min(of(matrix, gate)[1], 0))),
    ),
)  # fmt: skip


# Activations.

ACTIVATIONS = table(cells=ANY)(
    activations_in_floating_point=(
        "Rounds sigmoid and tanh in floating point instead of a table or a series.",
        _wrong(
            sigmoid=lambda _, __, q: activations.float_sigmoid(q),
            tanh=lambda _, __, q, power: activations.float_tanh(q, power),
        ),
        {"stands_for": ("executorch PR21024",)},
    ),
    table_without_correction=(
        "Uses a table of rounded sigmoids, which is below the function between its entries.",
        _wrong(
            sigmoid=lambda _, __, q: right.sigmoid_by_table(q, activations.FLAT_TABLE),
            tanh=lambda _, __, q, power: right.tanh_by_table(q, power, activations.FLAT_TABLE),
        ),
        {"cells": BY_TABLE},
    ),
    table_not_interpolated=(
        "Takes the nearest entry of the table.",
        _wrong(
            sigmoid=lambda _, __, q: activations.nearest_entry(q),
            tanh=lambda _, __, q, p: 2 * activations.nearest_entry(2 * q, p) - 32768,
        ),
        {"cells": BY_TABLE},
    ),
    table_entry_rounded=(
        "Continues from the nearest entry of the table instead of the one before.",
        _wrong(
            sigmoid=lambda _, __, q: activations.at_rounded_entries(q, is_tanh=False),
            tanh=lambda _, __, q, power: activations.at_rounded_entries(q, power, is_tanh=True),
        ),
        {"cells": BY_TABLE},
    ),
    tanh_of_c_rounds_the_magnitude=(
        "Rounds |3c| instead of 3c to the argument of the table where the scale of c is below 2^-12.",
        _wrong(tanh=lambda _, __, q, power: activations.tanh_of_magnitude(q, power)),
        {"cells": BY_TABLE},
    ),
    table_end_not_constant=(
        "Continues the tanh beyond the table with its last entry but one, instead of the end of the range.",
        _wrong(tanh=lambda _, __, q, p: right.tanh_by_table(q, p, end=int(right.TABLE[254]) << 8)),
        {"cells": BY_TABLE, "stands_for": ("tensorflow PR42671",)},
    ),
    tanh_of_c_after_a_shift=(
        "Shifts c to Q3.12, in 16 bits, before its tanh.",
        _wrong(tanh=lambda _, of, q, power: of(activations.in_q12(q, power), -12)),
        {"cells": BY_TABLE, "stands_for": ("tflite-micro PR1605", "tflite-micro PR1797")},
    ),
    tanh_of_c_with_the_scale_of_gates=(
        "Treats c as Q3.12 in its tanh, whatever its scale.", _wrong(tanh=lambda _, of, q, __: of(q, -12)),
        {"stands_for": ("tensorflow PR42671",)},
    ),
    cell_scale_ignored=(
        "Treats c as Q3.12 in its tanh and in i·g, whatever its scale.",
        _wrong(
            tanh=lambda _, of, q, __: of(q, -12),
            added=lambda lstm, _, i, g: saturated(lstm.shifted(i * g, 18), 16),
        ),
    ),
    cell_gate_by_sigmoid=(
        "Uses a sigmoid for the cell gate.", _wrong(activated=lambda lstm, _, __, q: lstm.sigmoid(q)),
    ),
)  # fmt: skip


# Sums, the cell state and the output.


def _in_place(_: IntegerLstm, of: Callable[..., Any], x: Int64, h: Int64, c: Int64) -> tuple[Int64, Int64]:
    h, last_c = h.copy(), c.copy()
    for unit in range(h.shape[1]):
        h[:, unit], last_c[:, unit] = (array[:, unit] for array in of(x, h, c))
    return h, last_c


SUMS = table(cells=ANY)(
    gate_sum_wraps=(
        "Adds the products of a gate in 16 bits, in which they wrap.",
        _wrong(gate=lambda lstm, _, gate, x, h: wrapped(lstm.of_input(gate, x) + lstm.of_state(gate, h), 16)),
    ),
    products_wrap=(
        "Stores the product of x in 16 bits without saturation.",
        _wrong(
            of_input=lambda lstm, _, gate, x: wrapped(
                lstm.scaled_sum(lstm.input_sum(gate, x), *lstm.scale("W", gate)), 16
            )
        ),
    ),
    sums_of_32_bits=(
        "Adds the biases and products of x in 32 bits, in which they wrap.",
        _wrong(input_sum=lambda _, of, gate, x: wrapped(of(gate, x), 32)),
        {"cells": WIDE},
    ),
    cell_sum_wraps=(
        "Adds f·c and i·g in 16 bits, in which they wrap.",
        _wrong(cell_sum=lambda _, __, kept, added: wrapped(kept + added, 16)),
    ),
    output_wraps=(
        "Stores the output without saturation.",
        _wrong(hidden=lambda lstm, _, o, c: wrapped(lstm.scaled_output(o, c), lstm.bits)),
        {"cells": OF_8_BITS},
    ),
    output_above_lowest=(
        "Limits the output to one above the lowest number of its type.",
        _wrong(hidden=lambda lstm, of, o, c: np.maximum(of(o, c), 1 - (1 << lstm.bits - 1))),
        {"cells": OF_8_BITS},
    ),
    clip_missing=("Does not clip c.", _wrong(clipped=lambda _, __, c: c)),
    clip_of_positive_c_only=(
        "Clips only positive c.",
        _wrong(clipped=lambda lstm, _, c: np.minimum(c, lstm.config["cell_clip"] or 32767)),
    ),
    clip_of_zero_limits=(
        "Clips c to 0 where there is no clip.",
        _wrong(clipped=lambda lstm, _, c: np.clip(c, -lstm.config["cell_clip"], lstm.config["cell_clip"])),
    ),
    h_in_place=(
        "Writes each unit's h over the last one within a time step, so that the units after it read the new one.",
        _wrong(step=_in_place),
    ),
)  # fmt: skip


def _shared(_: IntegerLstm, of: Callable[..., Any], x: Int64, h: Int64, c: Int64) -> tuple[Int64, Int64, Int64]:
    """Run the rows of a batch one after the other, each from the last states of the row before."""
    rows: list[tuple[Int64, Int64, Int64]] = []
    last_h, last_c = h[:1], c[:1]
    for k in range(len(x)):
        out, last_h, last_c = of(x[k : k + 1], last_h, last_c)
        rows.append((out, last_h, last_c))
    outputs, hidden, cells = zip(*rows, strict=True)
    return np.concatenate(outputs), np.concatenate(hidden), np.concatenate(cells)


STATES = table(cells=ANY)(
    state_wiped=(
        "Ignores given states and begins with c = 0 and the zero point of h.",
        _wrong(run=lambda lstm, of, x, h, c: of(x, np.full_like(h, lstm.config["h_zero"]), np.zeros_like(c))),
        {"needs": ("state",)},
    ),
    state_shared_by_rows=(
        "Begins each row of the batch with the last states of the row before.",
        _wrong(run=_shared),
        {"needs": ("rows",)},
    ),
    cell_state_wiped=(
        "Keeps h, and begins with c = 0 where states are given.",
        _wrong(run=lambda _, of, x, h, c: of(x, h, np.zeros_like(c))),
        {"needs": ("state",)},
    ),
)  # fmt: skip

FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "definitions": DEFINITIONS,
    "roundings": ROUNDINGS,
    "zero points": ZERO_POINTS,
    "weights, biases and gates": WEIGHTS,
    "activations": ACTIVATIONS,
    "sums": SUMS,
    "states": STATES,
}
"""All bugs of integer LSTMs by family."""

DEVIATIONS = tuple(deviation for family in FAMILIES.values() for deviation in family)


def detected_by(golden: GoldenData) -> tuple[str, ...]:
    """Return the names of the bugs that give other outputs on an integer golden."""
    case = recurrence_case(golden, np.float64)
    features, want = features_of(case, golden.features), golden.stored.expected
    own = (one for one in DEVIATIONS if golden.cell in one.cells and features.issuperset(one.needs))
    return tuple(d.name for d in own if any((got != want[name]).any() for name, got in d.outputs(case).items()))
