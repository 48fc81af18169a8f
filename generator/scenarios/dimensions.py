"""Scenarios whose dimensions are just above 8, 16, 32, 64 and 128, where vector units, tiles and buffers end.

All but one start from zero, as the simplest implementations do. Cotangents are those of one unit or two rows, so that
files stay small: gradients of 129 units take up to 1.7 MB, nearly all of it zeros, and 7 KB in a wheel.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import Asked, at_rows, at_units, everything, of_h_n, of_last_step
from rnn_goldens.generator.scenarios.numbers import Float64, dyadic, integers, periodic
from rnn_goldens.generator.scenarios.variants import Variant
from rnn_goldens.golden.shapes import Config, Shape

SIZES = (9, 17, 33, 65, 129)
"""One more than what fills vectors, tiles and buffers of 8 to 128."""

UNITS, COLUMNS, ROWS_APART = 7, 11, 43
"""Periods of numbers along units, inputs and rows."""

DRAWN_AGAIN: Mapping[str, str] = {
    "sizes-gru/bidirectional-two-layers-hidden-9-no-state": " again 1",
    "sizes-gru/bidirectional-two-layers-hidden-33-no-state": " again 3",
    "sizes-rnn-tanh/steps-9-no-state": " again 4",
    "sizes-rnn-tanh/steps-65-no-state": " again 6",
    "sizes-rnn-tanh/batch-129-no-state": " again 1",
    "sizes-lstm/steps-9-no-state": " again 1",
    "sizes-gru/lengths-bidirectional-batch-129-no-state": " again 3",
    "sizes-lstm/lengths-bidirectional-batch-129-no-state": " again 4",
    "sizes-gru/hidden-33-no-bias-one-step": " again 4",
    "sizes-rnn-tanh/hidden-33-no-bias-one-step": " again 3",
    "sizes-lstm/hidden-33-no-bias-one-step": " again 7",
    "sizes-lstm/batch-65-no-state": " again 2",
    "sizes-lstm/batch-129-no-state": " again 6",
    "sizes-lstm/lengths-bidirectional-steps-129-no-state": " again 3",
}
"""Numbers of which the first leave gradients that half precisions take for zero."""

CERTIFIED = {"rnn_tanh": "sizes-rnn-tanh", "gru": "sizes-gru", "lstm": "sizes-lstm"}
EXACT = "exact-backward"


@dataclass(frozen=True)
class Sized:
    """A variant of one size, and what is asked of its backward pass."""

    variant: Variant
    asked: Asked


def _units_and_inputs(hidden: int, inputs: int) -> Sized:
    return Sized(
        Variant(
            f"hidden-{hidden}-input-{inputs}-no-state",
            f"hidden size {hidden}, input size {inputs}, no state",
            f"{hidden} units and {inputs} inputs from zero: columns of either product, or units, beyond a full vector, "
            "tile or buffer.",
            Config(input_size=inputs, hidden_size=hidden),
            batch=1,
            time=2,
        ),
        Asked(at_units(hidden - 1), "Of the last unit at the last step: gradients whose rows or columns are cut off."),
    )


def _states(hidden: int) -> Sized:
    return Sized(
        Variant(
            f"hidden-{hidden}-no-bias-one-step",
            f"hidden size {hidden}, no biases, one step from a given state",
            f"One step of {hidden} units from a given state: states beyond a full vector, tile or buffer.",
            Config(input_size=1, hidden_size=hidden, bias=False),
            batch=1,
            time=1,
            state=True,
        ),
        Asked(everything, "Gradients of initial states that are cut off."),
    )


def _rows(batch: int) -> Sized:
    return Sized(
        Variant(
            f"batch-{batch}-no-state",
            f"a batch of {batch}, no state",
            f"A batch of {batch} from zero: rows beyond a full tile that are not computed, or lose their state.",
            Config(input_size=1, hidden_size=1),
            batch=batch,
            time=2,
        ),
        Asked(at_rows(0, batch - 1), "Of the first and the last row: a sum over the batch that is cut off."),
    )


def _steps(time: int) -> Sized:
    return Sized(
        Variant(
            f"steps-{time}-no-state",
            f"{time} steps, no state",
            f"{time} steps in which hardly anything is forgotten: a state that is lost on the way, or a loop cut off.",
            Config(input_size=1, hidden_size=1),
            batch=1,
            time=time,
        ),
        Asked(of_last_step, "From the last step back to the first: a way back that is cut off."),
    )


def _upper_inputs(hidden: int, *, bidirectional: bool) -> Sized:
    width = hidden * (2 if bidirectional else 1)
    both, said = ("bidirectional-", "both directions, ") if bidirectional else ("", "")
    return Sized(
        Variant(
            f"{both}two-layers-hidden-{hidden}-no-state",
            f"two layers, {said}hidden size {hidden}, no state",
            f"Two layers, {said}{hidden} units, {width} inputs of the upper layer: columns beyond a full vector, tile "
            "or buffer, in any layer and direction.",
            Config(input_size=hidden, hidden_size=hidden, num_layers=2, bidirectional=bidirectional),
            batch=1,
            time=2,
        ),
        Asked(
            at_units(0),
            f"Of the first unit at the last step that each direction visits; it reads the last of {width} inputs: "
            "their gradients, and what is handed down.",
        ),
    )


def _ragged_rows(batch: int) -> Sized:
    return Sized(
        Variant(
            f"lengths-bidirectional-batch-{batch}-no-state",
            f"ragged, both directions, a batch of {batch}, no state",
            f"A ragged batch of {batch}, both directions: rows beyond a full tile that are not computed, or whose "
            "lengths are not read.",
            Config(input_size=1, hidden_size=1, bidirectional=True),
            batch=batch,
            time=2,
            lengths=tuple(1 + row % ROWS_APART % 2 for row in range(batch)),
        ),
        Asked(at_rows(0, batch - 1), "Of the first and the last row: a sum over the batch that is cut off."),
    )


def _ragged_steps(time: int) -> Sized:
    return Sized(
        Variant(
            f"lengths-bidirectional-steps-{time}-no-state",
            f"ragged, both directions, {time} steps, no state",
            f"Two sequences of up to {time} steps, both directions: a state that is lost on the way, or a loop that is "
            "cut off, in one direction or where sequences are ragged.",
            Config(input_size=1, hidden_size=1, bidirectional=True),
            batch=2,
            time=time,
            lengths=(time // 2 + 1, time),
        ),
        Asked(of_h_n, "Of h_n alone, from the last step that each direction visits back to its first."),
    )


def _layers(layers: int) -> Sized:
    return Sized(
        Variant(
            f"bidirectional-{layers}-layers-no-state",
            f"{layers} layers, both directions, no state",
            f"{layers} layers, both directions: more sets of weights and of last states than a buffer holds.",
            Config(input_size=2, hidden_size=1, num_layers=layers, bidirectional=True),
            batch=1,
            time=2,
        ),
        Asked(of_last_step, f"Down {layers} layers in both directions: gradients of each."),
    )


UNITS_AND_INPUTS = tuple(_units_and_inputs(h, i) for h, i in zip(SIZES, reversed(SIZES), strict=True))
ROWS = tuple(map(_rows, SIZES))
STEPS = tuple(map(_steps, SIZES))
UPPER = (
    *(_upper_inputs(hidden, bidirectional=False) for hidden in (9, 33)),
    *(_upper_inputs(hidden, bidirectional=True) for hidden in (9, 33)),
)
UPPER_130 = _upper_inputs(65, bidirectional=True)
RAGGED_ROWS = _ragged_rows(129)
RAGGED_STEPS = _ragged_steps(129)
LAYERS = (_layers(5), _layers(9))
STATES = _states(33)
LONG_SUMS = Variant(
    "input-257-no-state",
    "input size 257, no state",
    "Sums of 257 terms, from zero: an accumulator, or weights, of fewer bits than the precision's tolerance allows.",
    Config(input_size=257, hidden_size=1),
    batch=8,
    time=1,
)

ASKED: Mapping[str, Asked] = {
    sized.variant.name: sized.asked
    for sized in (*UNITS_AND_INPUTS, *ROWS, *STEPS, *UPPER, UPPER_130, *LAYERS, RAGGED_ROWS, RAGGED_STEPS, STATES)
}


STATE_WEIGHTS = {"rnn-tanh": 0.75, "gru": 1.0, "lstm": 1.25}
"""As large as tolerances in half precisions allow."""


def every_column(key: str, shape: Shape, per_row: int) -> Float64:
    """Rows with so many entries of 1 or -1, at places that go round from the last column on: every column is used."""
    rows, columns = shape
    matrix = np.zeros(shape)
    signs = np.where(periodic(f"{key} signs", (rows, per_row), (UNITS, per_row), 2**20) < 0, -1.0, 1.0)
    for number in range(rows * per_row):
        row, k = divmod(number, per_row)
        matrix[row, -1 - number % columns] = signs[row, k]
    return matrix


def by_unit(golden_id: str, name: str, shape: Shape, limit: int) -> Float64:
    """Numbers of weights that repeat along the units of each gate, and along the inputs."""
    gates = GATES.get(_cell(golden_id), 1)
    units = (gates, shape[0] // gates, *shape[1:])
    return periodic(f"{golden_id} {name}", units, (gates, UNITS, COLUMNS)[: len(units)], limit).reshape(shape)


def _cell(golden_id: str) -> str:
    """The cell that a golden of a folder is of: gru of gru/plain and of sizes-gru/steps-9-no-state."""
    return golden_id.partition("/")[0].removeprefix("sizes-")


def units_that_count(golden_id: str, name: str, shape: Shape) -> Float64:
    """Dense weights of x, a few of the state in each row; the first and the last input and their weights are large.

    The first step has these two inputs alone: the gradient of a matrix then has few numbers, and files are small.
    """
    golden_id += DRAWN_AGAIN.get(golden_id, "")
    if name == "x":
        x = periodic(f"{golden_id} {name}", shape, (1, 2, COLUMNS + 2), 3) / 4
        x[:, 0, 1:-1] = 0
        x[..., [0, -1]] = [1.0, -0.5]
        return x
    if name.startswith("weight_ih"):
        drawn = by_unit(golden_id, name, shape, 1) * 2.0 ** -math.ceil(math.log2(shape[1]) / 2)
        drawn[:, [0, -1]] = np.where(drawn[:, [0, -1]] < 0, -0.75, 0.75)
        return drawn
    if name.startswith("weight_hh"):
        return every_column(f"{golden_id} {name}", shape, 2) * STATE_WEIGHTS[_cell(golden_id)]
    if name.startswith("bias"):
        return biases(golden_id, name, shape)
    states = periodic(f"{golden_id} {name}", shape, (1, 1, UNITS), 3) / 4
    if name == "h0":  # likewise: the gradient of weight_hh has two columns
        states[..., 1:-1] = 0
        states[..., [0, -1]] = [1.0, -0.5]
    return states


def biases(golden_id: str, name: str, shape: Shape) -> Float64:
    """Small ones, but of the last unit, whose state is to be large: it is what is cut off."""
    drawn = by_unit(golden_id, name, shape, 3) / 8
    gates = GATES.get(_cell(golden_id), 1)
    if name.startswith("bias_ih") and gates > 1:
        drawn.reshape(gates, -1)[:, -1] = 1.0
        if gates == GATES["gru"]:
            drawn.reshape(gates, -1)[KEEPING_GATE, -1] = -1.0
    return drawn


def upper_inputs_that_count(golden_id: str, name: str, shape: Shape) -> Float64:
    """As few weights in each row as use every column: what goes back from a unit meets few others."""
    golden_id += DRAWN_AGAIN.get(golden_id, "")
    if name.startswith("weight"):
        drawn = every_column(f"{golden_id} {name}", shape, -(-shape[1] // shape[0]))
        return drawn * (0.75 if "tanh" in golden_id else 1.0)
    if name.startswith("bias"):
        return biases(golden_id, name, shape)
    return periodic(f"{golden_id} {name}", shape, (1, 2, COLUMNS), 3) / 4


def rows_that_count(golden_id: str, name: str, shape: Shape) -> Float64:
    """Numbers of up to 1; x repeats along the rows, and no weight is zero."""
    golden_id += DRAWN_AGAIN.get(golden_id, "")
    if name == "x":
        return periodic(f"{golden_id} {name}", shape, (ROWS_APART, *shape[1:]), 63) / 64
    drawn = dyadic(f"{golden_id} {name}", shape, 1.0)
    return np.where(drawn == 0, 0.5, drawn) if name.startswith("weight") else drawn


def long_sums(golden_id: str, name: str, shape: Shape) -> Float64:
    """Small weights beside a large one, which multiplies zero: a common scale for all of them is too coarse."""
    key = f"{golden_id} {name}"
    if name == "x":
        x = dyadic(key, shape, 1.0)
        x[..., -1] = 0
        return x
    drawn = dyadic(key, shape, 0.25, 1 / 512)
    if name.startswith("weight_ih"):
        drawn[:, -1] = 3.984375
    return drawn


def long_sums_above_zero(golden_id: str, name: str, shape: Shape) -> Float64:
    """The same, of positive numbers and with a smaller sum: a relu lets all through."""
    drawn = np.abs(long_sums(golden_id, name, shape))
    return drawn if name == "x" else drawn / 16


def anything(golden_id: str, name: str, shape: Shape) -> Float64:
    """Numbers of up to 1."""
    return dyadic(f"{golden_id} {name}", shape, 1.0)


def positive(golden_id: str, name: str, shape: Shape) -> Float64:
    """Whole numbers above zero, and few weights of 1 in each row: a relu lets all through, and no sum is long."""
    key = f"{golden_id} {name}"
    if name.startswith("weight"):
        return np.abs(every_column(key, shape, -(-shape[1] // shape[0])))
    return np.abs(integers(key, shape, 1)) + (1 if name == "x" else 0)


def kept(_: str, name: str, shape: Shape) -> Float64:
    """A state that changes places and grows at a sequence's first and last step: a relu lets all of it through."""
    if name.startswith("weight_hh"):
        return np.eye(shape[0])[::-1].copy()
    if name == "x":
        x = np.zeros(shape)
        x[:, [0, -1]] = 1
        if shape[0] > 1:  # ragged
            x[:, shape[1] // 2] = 1
        return x
    return np.zeros(shape) if name.startswith("bias") else np.ones(shape)


GATES = {"gru": 3, "lstm": 4}
KEEPING_GATE = 1
"""z of a GRU, f of an LSTM."""


def keeping(golden_id: str, name: str, shape: Shape) -> Float64:
    """Weights that turn the state and keep its size; gates that are open; small inputs."""
    golden_id += DRAWN_AGAIN.get(golden_id, "")
    drawn = dyadic(f"{golden_id} {name}", shape, 0.125 if name in ("x", "h0") else 0.1875 if name == "c0" else 0.25)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    if name.startswith("weight_hh") and len(drawn) == shape[1]:  # the one gate of a tanh
        return turn if len(drawn) > 1 else np.ones(shape)
    if name.startswith("weight"):
        drawn[drawn == 0] = 1 / 64
    if name.startswith("bias_hh"):
        drawn = np.zeros(shape)
        gates = GATES.get(_cell(golden_id), 1)
        if gates > 1:
            units = len(drawn) // gates
            drawn[units * KEEPING_GATE : units * (KEEPING_GATE + 1)] = 2.5
    return drawn / 2 if name.startswith("bias_ih") else drawn


def scenarios() -> Iterator[Scenario]:
    """Every size of every dimension, of each cell."""
    for cell, folder in CERTIFIED.items():
        for sized in (*UNITS_AND_INPUTS, STATES):
            yield sized.variant.scenario(folder, cell, units_that_count)
        for sized in (*ROWS, RAGGED_ROWS):
            yield sized.variant.scenario(folder, cell, rows_that_count)
        yield LAYERS[0].variant.scenario(folder, cell, anything)
        for sized in (*STEPS, RAGGED_STEPS):
            yield sized.variant.scenario(folder, cell, keeping)
        yield LONG_SUMS.scenario(folder, cell, long_sums)
        for sized in UPPER:
            yield sized.variant.scenario(folder, cell, upper_inputs_that_count)
    yield replace(LONG_SUMS, time=2).scenario("sizes-rnn-relu", "rnn_relu", long_sums_above_zero)
    for sized in (*UNITS_AND_INPUTS, STATES, *ROWS, *UPPER, UPPER_130, *LAYERS, RAGGED_ROWS):
        yield sized.variant.scenario(EXACT, "rnn_relu", positive)
    for sized in (*STEPS, RAGGED_STEPS):
        yield sized.variant.scenario(EXACT, "rnn_relu", kept)
