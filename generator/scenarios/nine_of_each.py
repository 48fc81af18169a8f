"""Scenarios with nine of every dimension at once: units, inputs, rows and steps.

Two dimensions that are right each for itself can fail together: rows beyond 8 where units are beyond 8, a state that is
lost after 8 steps in an upper layer. Rows alternate between two kinds and weights are few, so that files stay small.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import Asked, at_rows
from rnn_goldens.generator.scenarios.dimensions import (
    CERTIFIED,
    COLUMNS,
    EXACT,
    UNITS,
    by_unit,
    positive,
    upper_inputs_that_count,
)
from rnn_goldens.generator.scenarios.numbers import Float64, periodic
from rnn_goldens.generator.scenarios.variants import Variant
from rnn_goldens.golden.shapes import Config, Shape

NINE = 9
ROWS_APART = 2

FROM_ZERO = Variant(
    "nine-of-each-no-state",
    "9 units, inputs, rows and steps, no state",
    "Units, inputs, rows and steps all beyond 8, from zero: what is cut off, lost, or left in a buffer, where two are.",
    Config(input_size=NINE, hidden_size=NINE),
    batch=NINE,
    time=NINE,
)
BOTH_WAYS = Variant(
    "nine-of-each-bidirectional-two-layers",
    "two layers, both directions, 9 units, inputs, rows and steps",
    "Units, inputs, rows and steps all beyond 8, in two layers and both directions, from a given state: a state that "
    "is lost, or rows that are not computed, in one layer or direction alone.",
    Config(input_size=NINE, hidden_size=NINE, num_layers=2, bidirectional=True),
    batch=NINE,
    time=NINE,
    state=True,
    states=0.5,
)
RAGGED = replace(
    BOTH_WAYS,
    name="nine-of-each-no-bias-lengths-bidirectional",
    title="ragged, both directions, no biases, 9 units, inputs, rows and steps",
    purpose="Units, inputs, rows and steps all beyond 8, ragged and without biases: what is cut off there alone.",
    config=Config(input_size=NINE, hidden_size=NINE, bidirectional=True, bias=False),
    lengths=(4, 9, 4, 9, 4, 9, 4, 9, 4),
)

DRAWN_AGAIN = {f"sizes-rnn-tanh/{RAGGED.name}": " again 1"}
"""Numbers of which the first show a tanh that is off by 6 of bfloat16's roundoffs, by a hair."""

ASKED: Mapping[str, Asked] = {
    FROM_ZERO.name: Asked(
        at_rows(0, NINE - 1), "Of the first and the last of nine rows, through nine units: what is cut off together."
    ),
}


def drawn(golden_id: str, name: str, shape: Shape) -> Float64:
    """As few weights in each row as use every column; inputs and states alternate along the rows of the batch."""
    golden_id += DRAWN_AGAIN.get(golden_id, "")
    if name.startswith("weight"):
        return upper_inputs_that_count(golden_id, name, shape)
    if name.startswith("bias"):
        return by_unit(golden_id, name, shape, 3) / 8
    return periodic(f"{golden_id} {name}", shape, _periods(name, shape), 5) / 4


def whole(golden_id: str, name: str, shape: Shape) -> Float64:
    """The same, of positive whole numbers: a relu lets all through."""
    if name.startswith(("weight", "bias")):
        return positive(golden_id, name, shape)
    return abs(periodic(f"{golden_id} {name}", shape, _periods(name, shape), 1))


def _periods(name: str, shape: Shape) -> Shape:
    return (ROWS_APART, shape[1], COLUMNS) if name == "x" else (shape[0], ROWS_APART, UNITS)


def scenarios() -> Iterator[Scenario]:
    """Of each cell: from zero, in layers and directions, and ragged."""
    for variant in (FROM_ZERO, BOTH_WAYS, RAGGED):
        for cell, folder in CERTIFIED.items():
            yield variant.scenario(folder, cell, drawn)
        yield variant.scenario(EXACT if variant.name in ASKED else "sizes-exact", "rnn_relu", whole)
