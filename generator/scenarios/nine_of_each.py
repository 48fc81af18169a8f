"""Scenarios with nine units, inputs, rows and steps at once.

An implementation may fail only if two dimensions are large: rows beyond 8 with units beyond 8, or a state that is lost
after 8 steps in an upper layer. Rows alternate between two kinds and weights are sparse, so that files stay small.
"""

from collections.abc import Iterator
from dataclasses import replace

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import at_rows
from rnn_goldens.generator.scenarios.dimensions import (
    CERTIFIED,
    COLUMNS,
    EXACT,
    UNITS,
    by_unit,
    positive,
    upper_inputs_that_count,
)
from rnn_goldens.generator.scenarios.random_numbers import Float64, periodic
from rnn_goldens.generator.scenarios.templates import Call, Variant
from rnn_goldens.golden.shapes import Config, Shape

NINE = 9
ROWS_APART = 2

FROM_ZERO = Variant(
    "nine-of-each-no-state",
    "9 units, inputs, rows and steps, no state",
    "Units, inputs, rows and steps all beyond 8, from zero: detects what is cut off only if two of them are large.",
    Call(Config(input_size=NINE, hidden_size=NINE), batch=NINE, time=NINE),
    at_rows(0, NINE - 1),
    "The first and the last of nine rows, through nine units: gradients that are cut off.",
)
BOTH_WAYS = Variant(
    "nine-of-each-bidirectional-two-layers",
    "two layers, both directions, 9 units, inputs, rows and steps",
    "Units, inputs, rows and steps all beyond 8, in two layers and both directions, from a given state: detects a "
    "state that is lost, or rows that are not computed, in one layer or direction only.",
    Call(
        Config(input_size=NINE, hidden_size=NINE, num_layers=2, bidirectional=True), batch=NINE, time=NINE, state=True
    ),
)
RAGGED = replace(
    BOTH_WAYS,
    name="nine-of-each-no-bias-lengths-bidirectional",
    title="ragged, both directions, no biases, 9 units, inputs, rows and steps",
    purpose="Units, inputs, rows and steps all beyond 8, ragged, without biases: detects what is cut off only there.",
    call=replace(
        BOTH_WAYS.call,
        config=Config(input_size=NINE, hidden_size=NINE, bidirectional=True, bias=False),
        lengths=(4, 9, 4, 9, 4, 9, 4, 9, 4),
    ),
)


def drawn(key: str, name: str, shape: Shape) -> Float64:
    """Return sparse weights that use every column, and inputs and states that alternate along the batch."""
    if name.startswith("weight"):
        return upper_inputs_that_count(key, name, shape)
    if name.startswith("bias"):
        return by_unit(key, shape, 3) / 8
    return periodic(key, shape, _periods(name, shape), 5) / 4


def drawn_positive(key: str, name: str, shape: Shape) -> Float64:
    """Return arrays like ``drawn``, of positive integers, which a relu passes."""
    if name.startswith(("weight", "bias")):
        return positive(key, name, shape)
    return abs(periodic(key, shape, _periods(name, shape), 1))


def _periods(name: str, shape: Shape) -> Shape:
    return (ROWS_APART, shape[1], COLUMNS) if name == "x" else (shape[0], ROWS_APART, UNITS)


def scenarios() -> Iterator[Scenario]:
    """Yield for each cell a scenario that starts from zero, one with layers and directions, and a ragged one."""
    for variant in (FROM_ZERO, BOTH_WAYS, RAGGED):
        for cell, folder in CERTIFIED.items():
            yield variant.scenario(folder, cell, drawn)
        yield variant.scenario(EXACT if variant.cotangents else "sizes-exact", "rnn_relu", drawn_positive)
