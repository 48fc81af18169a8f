"""Scenarios of two or more large sizes at once: many units that also have many rows, inputs, steps or layers.

An implementation may fail only if two dimensions are large: rows beyond 8 with units beyond 8, or a state that is lost
after 8 steps in an upper layer. Files stay small: weights are sparse, rows repeat every seven or two, and two of three
of many units rest at zero, in turn over the lanes of vectors; the last unit does not.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import at_rows
from rnn_goldens.generator.scenarios.dimensions import (
    CERTIFIED,
    COLUMNS,
    EXACT,
    ONE,
    UNITS,
    by_unit,
    every_column,
    positive,
    upper_inputs_that_count,
)
from rnn_goldens.generator.scenarios.random_numbers import Float64, periodic
from rnn_goldens.generator.scenarios.templates import FOLDERS, Call, Variant
from rnn_goldens.golden.shapes import Config, Shape

ROWS_APART, ROWS_APART_OF_NINE, STEPS_APART = 7, 2, 13
"""Periods of inputs: rows that are 16, 32 or 64 apart differ."""

UNITS_APART = 3
"""Every third unit does not rest."""

SMALLEST = 17
"""The fewest units of which some rest. Of 17 units of a tanh RNN none do: dialects have kinks at zero."""

FEW_TERMS = 256
"""With more terms, sums of weights of 1 saturate activations."""

FEW = Variant(
    "hidden-17-batch-17-no-state",
    "17 units, 17 rows, 5 steps, no state",
    "17 units and 17 rows in 5 steps: what is cut off, lost or stale only with many units.",
    Call(Config(input_size=3, hidden_size=17), batch=17, time=5),
)
"""The smallest one, which each dialect has, too."""

RAGGED = Variant(
    "lengths-hidden-9-batch-17-no-state",
    "ragged, 9 units, 17 rows, no state",
    "17 ragged rows of 9 units: rows whose lengths are not read.",
    Call(Config(input_size=1, hidden_size=9), batch=17, time=3, lengths=tuple(1 + row % 3 for row in range(17))),
    at_rows(0, 9, 16),
    "Rows shorter than others, before and after the first eight: gradients of steps beyond the length of a row.",
)

WIDE_AND_MANY = (
    Variant(
        "hidden-33-batch-33-no-state",
        "33 units, 33 rows, no state",
        "33 units and 33 rows: what is cut off, lost or stale only in a kernel for so many of both.",
        Call(Config(input_size=1, hidden_size=33), batch=33, time=2),
    ),
    Variant(
        "hidden-65-batch-65-no-bias-one-step",
        "65 units, 65 rows, no biases, one step from a given state",
        "65 units and 65 rows, one step from a given state: what is cut off only in a kernel for so many of both.",
        Call(Config(input_size=1, hidden_size=65, bias=False), batch=65, time=1, state=True),
    ),
)


def _wide_and_deep(units: int, *, bias: bool = True) -> Variant:
    of = f"Three layers of {units} units"
    name = f"three-layers-hidden-{units}-input-{units}-steps-33-no-state"
    return Variant(
        name if bias else f"no-bias-{name}",
        f"{of.lower()}, {units} inputs, 33 steps, {'' if bias else 'no biases, '}no state",
        f"{of}, as many inputs, 33 steps: a state that is lost or stale only with so many units.",
        Call(Config(input_size=units, hidden_size=units, num_layers=3, bias=bias), batch=1, time=33),
    )


DEEP = (_wide_and_deep(17, bias=False), _wide_and_deep(33), _wide_and_deep(65, bias=False))

MANY_ROWS = Variant(
    "batch-257-no-state",
    "a batch of 257, no state",
    "A batch of 257: more rows than a block of 256 threads, or than a full tile.",
    Call(ONE, batch=257, time=2),
)
MANY_INPUTS = Variant(
    "input-384-no-state",
    "input size 384, no state",
    "384 inputs: more than a buffer of 256, in whole blocks of 64.",
    Call(replace(ONE, input_size=384), batch=2, time=1),
)

NINE = 9

NINE_FROM_ZERO = Variant(
    "nine-of-each-no-state",
    "9 units, inputs, rows and steps, no state",
    "Units, inputs, rows and steps all beyond 8, from zero: detects what is cut off only if two of them are large.",
    Call(Config(input_size=NINE, hidden_size=NINE), batch=NINE, time=NINE),
    at_rows(0, NINE - 1),
    "The first and the last of nine rows, through nine units: gradients that are cut off.",
)
NINE_BOTH_WAYS = Variant(
    "nine-of-each-bidirectional-two-layers",
    "two layers, both directions, 9 units, inputs, rows and steps",
    "Units, inputs, rows and steps all beyond 8, in two layers and both directions, from a given state: detects a "
    "state that is lost, or rows that are not computed, in one layer or direction only.",
    Call(
        Config(input_size=NINE, hidden_size=NINE, num_layers=2, bidirectional=True), batch=NINE, time=NINE, state=True
    ),
)
NINE_RAGGED = replace(
    NINE_BOTH_WAYS,
    name="nine-of-each-no-bias-lengths-bidirectional",
    title="ragged, both directions, no biases, 9 units, inputs, rows and steps",
    purpose="Units, inputs, rows and steps all beyond 8, ragged, without biases: detects what is cut off only there.",
    call=replace(
        NINE_BOTH_WAYS.call,
        config=Config(input_size=NINE, hidden_size=NINE, bidirectional=True, bias=False),
        lengths=(4, 9, 4, 9, 4, 9, 4, 9, 4),
    ),
)


def drawn(key: str, name: str, shape: Shape) -> Float64:
    """Return sparse weights that use every column, and inputs and states that repeat along the rows."""
    if name.startswith("weight"):
        scale = 0.75 if "tanh" in key else 1.0
        return _sparse(key, name, shape) * (scale / 8 if shape[1] > FEW_TERMS else scale)
    if name.startswith("bias"):  # no sum of a first step is a multiple of 1/16, where dialects have kinks
        numbers = by_unit(key, shape, 3) / 8 + (1 / 32 if name.startswith("bias_ih") else 0)
        return np.where(_awake(key, shape[0]), numbers, 0)
    numbers = periodic(key, shape, _periods(name, shape), 5) / 4
    return numbers if name == "x" else np.where(_awake(key, shape[-1], gates=1), numbers, 0)


def drawn_positive(key: str, name: str, shape: Shape) -> Float64:
    """Return arrays like ``drawn``, of positive integers, which a relu passes."""
    if name.startswith("weight"):
        return abs(_sparse(key, name, shape))
    if name.startswith("bias"):
        return np.where(_awake(key, shape[0]), abs(by_unit(key, shape, 1)), 0)
    numbers = abs(periodic(key, shape, _periods(name, shape), 1))
    if shape[-1] > FEW_TERMS:  # sums of eight bits
        return numbers * (np.arange(shape[-1]) % 2)
    return numbers + 1 if name == "x" else numbers


def passed_on(key: str, name: str, shape: Shape) -> Float64:
    """Return integers for many steps: few inputs, and biases that are not positive, so that sums stay small."""
    if name == "x":
        x = 8 * abs(periodic(key, shape, _periods(name, shape), 2))
        x[:, np.arange(shape[1]) % STEPS_APART > 0] = 0
        return x
    return -drawn_positive(key, name, shape) if name.startswith("bias") else drawn_positive(key, name, shape)


def drawn_of_nine(key: str, name: str, shape: Shape) -> Float64:
    """Return sparse weights that use every column, and inputs and states that alternate along the batch."""
    if name.startswith("weight"):
        return upper_inputs_that_count(key, name, shape)
    if name.startswith("bias"):
        return by_unit(key, shape, 3) / 8
    return periodic(key, shape, _periods(name, shape, ROWS_APART_OF_NINE), 5) / 4


def drawn_of_nine_positive(key: str, name: str, shape: Shape) -> Float64:
    """Return arrays like ``drawn_of_nine``, of positive integers, which a relu passes."""
    if name.startswith(("weight", "bias")):
        return positive(key, name, shape)
    return abs(periodic(key, shape, _periods(name, shape, ROWS_APART_OF_NINE), 1))


def _sparse(key: str, name: str, shape: Shape) -> Float64:
    """Return weights between units that do not rest, or of inputs to them: each column has one."""
    rows, columns = _awake(key, shape[0]), np.ones(shape[1], bool)
    if name != "weight_ih_l0":
        columns = _awake(key, shape[1], gates=1)
    few = int(rows.sum()), int(columns.sum())
    matrix = np.zeros(shape)
    matrix[np.ix_(rows, columns)] = every_column(key, few, -(-few[1] // few[0]))
    return matrix


def _awake(key: str, rows: int, gates: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return whether the unit of each row does not rest."""
    gates = gates or (3 if "gru" in key else 4 if "lstm" in key else 1)
    units = rows // gates
    all_awake = units < SMALLEST or (units == SMALLEST and "tanh" in key)
    return np.tile(all_awake | (np.arange(units) % UNITS_APART == (units - 1) % UNITS_APART), gates)


def _periods(name: str, shape: Shape, rows_apart: int = ROWS_APART) -> Shape:
    return (rows_apart, shape[1], COLUMNS) if name == "x" else (shape[0], rows_apart, UNITS)


def scenarios() -> Iterator[Scenario]:
    """Yield the networks of each standard cell: nine of each size, then larger ones."""
    for variant in (NINE_FROM_ZERO, NINE_BOTH_WAYS, NINE_RAGGED):
        for cell, folder in CERTIFIED.items():
            yield variant.scenario(folder, cell, drawn_of_nine)
        yield variant.scenario(EXACT if variant.cotangents else "sizes-exact", "rnn_relu", drawn_of_nine_positive)
    for cell, folder in (*CERTIFIED.items(), ("rnn_relu", "sizes-exact")):
        exact = cell == "rnn_relu"
        draw = drawn_positive if exact else drawn
        yield FEW.scenario(FOLDERS[cell], cell, draw)
        yield RAGGED.scenario(EXACT if exact else folder, cell, draw, ones=exact)
        for variant in (*WIDE_AND_MANY, MANY_ROWS, MANY_INPUTS):
            yield variant.scenario(folder, cell, draw)
        for variant in DEEP:
            yield variant.scenario(folder, cell, passed_on if exact else draw)
