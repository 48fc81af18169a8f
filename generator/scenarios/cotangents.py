"""Kinds of cotangents for scenarios."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.numbers import Float64

Cotangents = dict[str, Float64]
Kind = Callable[[Scenario, Cotangents], Cotangents]
"""Selects or changes the cotangents drawn for all outputs."""


def everything(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return cotangents of out and the last states."""
    return drawn


def of_out(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return the cotangent of out only."""
    return {"d_out": drawn["d_out"]}


def of_last(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return the cotangents of the last states only."""
    return {name: array for name, array in drawn.items() if name != "d_out"}


def of_h_n(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return the cotangent of h_n only."""
    return {"d_h_n": drawn["d_h_n"]}


def of_c_n(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return the cotangent of c_n only, without zeros."""
    return {"d_c_n": np.where(drawn["d_c_n"] == 0, 1.0, drawn["d_c_n"])}


def of_last_step(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return the cotangent of out at the last step only."""
    d_out = np.zeros_like(drawn["d_out"])
    d_out[..., -1, :] = drawn["d_out"][..., -1, :]
    return {"d_out": d_out}


def every_other_row_doubled(_: Scenario, drawn: Cotangents) -> Cotangents:
    """Return all cotangents, doubled in every other row, so that rows with opposite inputs do not cancel."""
    doubled = {name: array.copy() for name, array in drawn.items()}
    for name, array in doubled.items():
        array[(slice(1, None, 2),) if name == "d_out" else (slice(None), slice(1, None, 2))] *= 2
    return doubled


def of_forward(scenario: Scenario, drawn: Cotangents) -> Cotangents:
    """Return the cotangent of out, zero for the reverse direction."""
    d_out = drawn["d_out"].copy()
    d_out[..., scenario.shape.hidden_size :] = 0
    return {"d_out": d_out}


def at_rows(*rows: int) -> Kind:
    """Return a kind with cotangents in some rows of the batch only, so that their sums need few bits."""

    def kind(_: Scenario, drawn: Cotangents) -> Cotangents:
        cotangents = {name: np.zeros_like(array) for name, array in drawn.items()}
        for name, array in drawn.items():
            places = list(rows) if name == "d_out" else (slice(None), list(rows))
            cotangents[name][places] = array[places]
        return cotangents

    return kind


def at_units(*units: int) -> Kind:
    """Return a kind with a nonzero cotangent of out in some units only, at the last step of each direction."""

    def kind(scenario: Scenario, drawn: Cotangents) -> Cotangents:
        d_out = np.zeros_like(drawn["d_out"])
        hidden = scenario.shape.hidden_size
        for start, step in zip(range(0, d_out.shape[-1], hidden), (-1, 0), strict=False):
            places = [start + unit for unit in units]
            values = drawn["d_out"][..., step, places]
            d_out[..., step, places] = np.where(values == 0, 1.0, values)
        return {"d_out": d_out}

    return kind


@dataclass(frozen=True)
class CotangentChoice:
    """The kind of cotangents of a variant, and its purpose.

    Attributes:
        kind: the kind of cotangents.
        purpose: a sentence: what they show or detect.
    """

    kind: Kind
    purpose: str
