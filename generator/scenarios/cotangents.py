"""Which cotangents a scenario gives: kinds of questions to the backward pass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.numbers import Float64

Cotangents = dict[str, Float64]
Kind = Callable[[Scenario, Cotangents], Cotangents]
"""What of the cotangents that are drawn for every output is asked."""


def everything(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of out and of the last states."""
    return drawn


def of_out(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of out alone."""
    return {"d_out": drawn["d_out"]}


def of_last(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of the last states alone."""
    return {name: array for name, array in drawn.items() if name != "d_out"}


def of_h_n(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of h_n alone."""
    return {"d_h_n": drawn["d_h_n"]}


def of_c_n(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of c_n alone, in every row."""
    return {"d_c_n": np.where(drawn["d_c_n"] == 0, 1.0, drawn["d_c_n"])}


def of_last_step(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of out at its last step alone."""
    d_out = np.zeros_like(drawn["d_out"])
    d_out[..., -1, :] = drawn["d_out"][..., -1, :]
    return {"d_out": d_out}


def every_other_row_twice(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Of everything, twice as much in every other row: what rows of opposite inputs give cancels nowhere."""
    found = {name: array.copy() for name, array in drawn.items()}
    for name, array in found.items():
        array[(slice(1, None, 2),) if name == "d_out" else (slice(None), slice(1, None, 2))] *= 2
    return found


def of_forward(scenario: Scenario, drawn: Cotangents) -> Cotangents:
    """Of out, zero for the reverse direction."""
    d_out = drawn["d_out"].copy()
    d_out[..., scenario.shape.hidden_size :] = 0
    return {"d_out": d_out}


def at_rows(*rows: int) -> Kind:
    """Of everything, in some rows of the batch alone: so few that their sum needs few bits."""

    def kind(_: Scenario, drawn: Cotangents) -> Cotangents:
        found = {name: np.zeros_like(array) for name, array in drawn.items()}
        for name, array in drawn.items():
            places = list(rows) if name == "d_out" else (slice(None), list(rows))
            found[name][places] = array[places]
        return found

    return kind


def at_units(*units: int) -> Kind:
    """Of out, in some units of each direction at the last step it visits: gradients of other units' rows stay small."""

    def kind(scenario: Scenario, drawn: Cotangents) -> Cotangents:
        d_out = np.zeros_like(drawn["d_out"])
        hidden = scenario.shape.hidden_size
        for start, step in zip(range(0, d_out.shape[-1], hidden), (-1, 0), strict=False):
            places = [start + unit for unit in units]
            given = drawn["d_out"][..., step, places]
            d_out[..., step, places] = np.where(given == 0, 1.0, given)
        return {"d_out": d_out}

    return kind


@dataclass(frozen=True)
class Asked:
    """What is asked of the way back through a variant.

    Attributes:
        kind: which cotangents are given.
        purpose: what they are there to show or to expose: a sentence.
    """

    kind: Kind
    purpose: str
