"""Scenarios whose dimensions are just above 8, 16, 32, 64 and 128, the sizes of vector units, tiles and buffers.

All but one start from zero, as the simplest implementations do. Cotangents are those of one unit or two rows, so that
files compress well: gradients of 129 units take up to 1.7 MB, nearly all of it zeros, and 7 KB in a wheel.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import at_rows, at_unit, everything, of_h_n, of_last_step
from rnn_goldens.generator.scenarios.random_numbers import Float64, dyadic, integers, periodic
from rnn_goldens.generator.scenarios.templates import Call, Variant, rounded
from rnn_goldens.golden.shapes import Config, Shape

SIZES = (9, 17, 33, 65, 129)
"""One more than the sizes of vectors, tiles and buffers."""

UNITS, COLUMNS, ROWS_APART = 7, 11, 43
"""Periods of numbers along units, inputs and rows."""

CERTIFIED = {"rnn_tanh": "sizes-rnn-tanh", "gru": "sizes-gru", "lstm": "sizes-lstm"}
EXACT = "exact-backward"

ONE = Config(input_size=1, hidden_size=1)
ONE_BOTH_WAYS = replace(ONE, bidirectional=True)


def _upper_inputs(hidden: int, *, bidirectional: bool) -> Variant:
    width = hidden * (2 if bidirectional else 1)
    both, which = ("bidirectional-", "both directions, ") if bidirectional else ("", "")
    return Variant(
        f"{both}two-layers-hidden-{hidden}-no-state",
        f"two layers, {which}hidden size {hidden}, no state",
        f"Two layers, {which}{hidden} units, {width} inputs of the upper layer: columns beyond a full vector, tile "
        "or buffer, in any layer and direction.",
        Call(replace(ONE, input_size=hidden, hidden_size=hidden, num_layers=2, bidirectional=bidirectional), 1, time=2),
        at_unit(0, hidden),
        f"The first unit at the last step that each direction visits, which reads the last of {width} inputs: "
        "detects gradients that are cut off, in either layer.",
    )


UNITS_AND_INPUTS = tuple(
    Variant(
        f"hidden-{hidden}-input-{inputs}-no-state",
        f"hidden size {hidden}, input size {inputs}, no state",
        f"{hidden} units and {inputs} inputs from zero: columns of either product, or units, beyond a full vector, "
        "tile or buffer.",
        Call(Config(input_size=inputs, hidden_size=hidden), batch=1, time=2),
        at_unit(hidden - 1, hidden),
        "The last unit at the last step: gradients whose rows or columns are cut off.",
    )
    for hidden, inputs in zip(SIZES, reversed(SIZES), strict=True)
)
ROWS = tuple(
    Variant(
        f"batch-{batch}-no-state",
        f"a batch of {batch}, no state",
        f"A batch of {batch} from zero: rows beyond a full tile that are not computed, or lose their state.",
        Call(ONE, batch=batch, time=2),
        at_rows(0, batch - 1),
        "The first and the last row: a sum over the batch that is cut off.",
    )
    for batch in SIZES
)
STEPS = tuple(
    Variant(
        f"steps-{time}-no-state",
        f"{time} steps, no state",
        f"{time} steps that preserve the state: detects a state that is lost, or a loop that is cut off.",
        Call(ONE, batch=1, time=time),
        of_last_step,
        "From the last step to the first: detects a backward pass that stops before.",
    )
    for time in SIZES
)
UPPER = tuple(_upper_inputs(hidden, bidirectional=both) for both in (False, True) for hidden in (9, 33))
UPPER_130 = _upper_inputs(65, bidirectional=True)
LAYERS = tuple(
    Variant(
        f"bidirectional-{layers}-layers-no-state",
        f"{layers} layers, both directions, no state",
        f"{layers} layers, both directions: more sets of weights and of last states than fit into a buffer.",
        Call(Config(input_size=2, hidden_size=1, num_layers=layers, bidirectional=True), batch=1, time=2),
        of_last_step,
        f"Through {layers} layers in both directions: gradients of each layer.",
    )
    for layers in (5, 9)
)
RAGGED_ROWS = replace(
    ROWS[-1],
    name="lengths-bidirectional-batch-129-no-state",
    title="ragged, both directions, a batch of 129, no state",
    purpose="A ragged batch of 129, both directions: rows beyond a full tile that are not computed, or whose "
    "lengths are not read.",
    call=Call(ONE_BOTH_WAYS, batch=129, time=2, lengths=tuple(1 + row % ROWS_APART % 2 for row in range(129))),
)
RAGGED_STEPS = Variant(
    "lengths-bidirectional-steps-129-no-state",
    "ragged, both directions, 129 steps, no state",
    "Two sequences of up to 129 steps, both directions: detects a state that is lost, or a loop that is "
    "cut off, in one direction or for ragged sequences.",
    Call(ONE_BOTH_WAYS, time=129, lengths=(65, 129)),
    of_h_n,
    "A cotangent of h_n only: from the last step of each direction to its first.",
)
STATES = Variant(
    "hidden-33-no-bias-one-step",
    "hidden size 33, no biases, one step from a given state",
    "One step of 33 units from a given state: states beyond a full vector, tile or buffer.",
    Call(Config(input_size=1, hidden_size=33, bias=False), batch=1, time=1, state=True),
    everything,
    "Gradients of initial states that are cut off.",
)
LONG_SUMS = Variant(
    "input-257-no-state",
    "input size 257, no state",
    "Sums of 257 terms, from zero: an accumulator, or weights, of fewer bits than the precision's tolerance allows.",
    Call(Config(input_size=257, hidden_size=1), batch=8, time=1),
)

STATE_WEIGHTS = {"rnn-tanh": 0.75, "gru": 1.0, "lstm": 1.25}
"""Amplitudes of recurrent weights, as large as tolerances in half precisions allow."""


def every_column(key: str, shape: Shape, per_row: int) -> Float64:
    """Return rows with ``per_row`` entries of 1 or -1, at columns that cycle from the last one: all are used."""
    rows, columns = shape
    matrix = np.zeros(shape)
    signs = np.where(periodic(f"{key} signs", (rows, per_row), (UNITS, per_row), 2**20) < 0, -1.0, 1.0)
    for number in range(rows * per_row):
        row, k = divmod(number, per_row)
        matrix[row, -1 - number % columns] = signs[row, k]
    return matrix


KEEPING_GATE = 1
"""z of a GRU, f of an LSTM."""


def _cell(key: str) -> str:
    """Return the cell of an id: gru for gru/plain and for sizes-gru/steps-9-no-state."""
    return key.partition("/")[0].removeprefix("sizes-")


def _gates(key: str) -> int:
    """Return the number of gates of the cell of an id."""
    return {"gru": 3, "lstm": 4}.get(_cell(key), 1)


def by_unit(key: str, shape: Shape, limit: int) -> Float64:
    """Return numbers that repeat along the units of each gate and along the inputs."""
    gates = _gates(key)
    units = (gates, shape[0] // gates, *shape[1:])
    return periodic(key, units, (gates, UNITS, COLUMNS)[: len(units)], limit).reshape(shape)


def units_that_count(key: str, name: str, shape: Shape) -> Float64:
    """Draw dense input weights and sparse recurrent weights; the first and the last input and their weights are large.

    The first step has only these two inputs, so that gradients of matrices are sparse and files small.
    """
    if name == "x":
        x = periodic(key, shape, (1, 2, COLUMNS + 2), 3) / 4
        x[:, 0, 1:-1] = 0
        x[..., [0, -1]] = [1.0, -0.5]
        return x
    if name.startswith("weight_ih"):
        drawn = by_unit(key, shape, 1) * 2.0 ** -math.ceil(math.log2(shape[1]) / 2)
        drawn[:, [0, -1]] = np.where(drawn[:, [0, -1]] < 0, -0.75, 0.75)
        return drawn
    if name.startswith("weight_hh"):
        return every_column(key, shape, 2) * STATE_WEIGHTS[_cell(key)]
    if name.startswith("bias"):
        return biases(key, name, shape)
    states = periodic(key, shape, (1, 1, UNITS), 3) / 4
    if name == "h0":  # sparse too: the gradient of weight_hh has two columns
        states[..., 1:-1] = 0
        states[..., [0, -1]] = [1.0, -0.5]
    return states


def biases(key: str, name: str, shape: Shape) -> Float64:
    """Draw small biases, except large biases for the last unit, which a bug may cut off."""
    drawn = by_unit(key, shape, 3) / 8
    gates = _gates(key)
    if name.startswith("bias_ih") and gates > 1:
        drawn.reshape(gates, -1)[:, -1] = 1.0
        if _cell(key) == "gru":
            drawn.reshape(gates, -1)[KEEPING_GATE, -1] = -1.0
    return drawn


def upper_inputs_that_count(key: str, name: str, shape: Shape) -> Float64:
    """Draw sparse weights that use every column, so that gradients of a unit depend on few other units."""
    if name.startswith("weight"):
        drawn = every_column(key, shape, -(-shape[1] // shape[0]))
        return drawn * (0.75 if "tanh" in key else 1.0)
    if name.startswith("bias"):
        return biases(key, name, shape)
    return periodic(key, shape, (1, 2, COLUMNS), 3) / 4


def rows_that_count(key: str, name: str, shape: Shape) -> Float64:
    """Draw numbers up to 1; x repeats along the rows, and no weight is zero."""
    if name == "x":
        return periodic(key, shape, (ROWS_APART, *shape[1:]), 63) / 64
    drawn = dyadic(key, shape, 1.0)
    return np.where(drawn == 0, 0.5, drawn) if name.startswith("weight") else drawn


def long_sums(key: str, name: str, shape: Shape) -> Float64:
    """Draw small weights and a large one that multiplies zero: a common quantization scale is too coarse."""
    if name == "x":
        x = dyadic(key, shape, 1.0)
        x[..., -1] = 0
        return x
    drawn = dyadic(key, shape, 0.25, 1 / 512)
    if name.startswith("weight_ih"):
        drawn[:, -1] = 3.984375
    return drawn


def long_sums_above_zero(key: str, name: str, shape: Shape) -> Float64:
    """Draw numbers as ``long_sums`` does, but positive, so that a relu passes them, and with smaller sums."""
    drawn = np.abs(long_sums(key, name, shape))
    return drawn if name == "x" else drawn / 16


def positive(key: str, name: str, shape: Shape) -> Float64:
    """Draw positive integers, and sparse weights of 1: a relu passes everything, and sums are short."""
    if name.startswith("weight"):
        return np.abs(every_column(key, shape, -(-shape[1] // shape[0])))
    return np.abs(integers(key, shape, 1)) + (1 if name == "x" else 0)


def kept(_: str, name: str, shape: Shape) -> Float64:
    """Draw weights that permute the state, and inputs that increase it at the first and last step of a sequence."""
    if name.startswith("weight_hh"):
        return np.eye(shape[0])[::-1].copy()
    if name == "x":
        x = np.zeros(shape)
        x[:, [0, -1]] = 1
        if shape[0] > 1:  # ragged
            x[:, shape[1] // 2] = 1
        return x
    return np.zeros(shape) if name.startswith("bias") else np.ones(shape)


def keeping(key: str, name: str, shape: Shape) -> Float64:
    """Draw weights that rotate the state and keep its size, open gates, and small inputs."""
    drawn = dyadic(key, shape, 0.125 if name in ("x", "h0") else 0.1875 if name == "c0" else 0.25)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    if name.startswith("weight_hh") and len(drawn) == shape[1]:  # the only gate of a tanh RNN
        return turn if len(drawn) > 1 else np.ones(shape)
    if name.startswith("weight"):
        drawn[drawn == 0] = 1 / 64
    if name.startswith("bias_hh"):
        drawn = np.zeros(shape)
        gates = _gates(key)
        if gates > 1:
            units = len(drawn) // gates
            drawn[units * KEEPING_GATE : units * (KEEPING_GATE + 1)] = 2.5
    return drawn / 2 if name.startswith("bias_ih") else drawn


def scenarios() -> Iterator[Scenario]:
    """Yield every size of every dimension for each cell."""
    for cell, folder in CERTIFIED.items():
        for variant in (*UNITS_AND_INPUTS, STATES):
            yield variant.scenario(folder, cell, units_that_count)
        for variant in (*ROWS, RAGGED_ROWS):
            yield variant.scenario(folder, cell, rows_that_count)
        yield LAYERS[0].scenario(folder, cell, rounded(1.0, inputs=1.0))
        for variant in (*STEPS, RAGGED_STEPS):
            yield variant.scenario(folder, cell, keeping)
        yield LONG_SUMS.scenario(folder, cell, long_sums)
        for variant in UPPER:
            yield variant.scenario(folder, cell, upper_inputs_that_count)
    above_zero = replace(LONG_SUMS, call=replace(LONG_SUMS.call, time=2))
    yield above_zero.scenario("sizes-rnn-relu", "rnn_relu", long_sums_above_zero)
    for variant in (*UNITS_AND_INPUTS, STATES, *ROWS, *UPPER, UPPER_130, *LAYERS, RAGGED_ROWS):
        yield variant.scenario(EXACT, "rnn_relu", positive, ones=True)
    for variant in (*STEPS, RAGGED_STEPS):
        yield variant.scenario(EXACT, "rnn_relu", kept, ones=True)
