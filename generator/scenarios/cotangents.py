"""Cotangents of scenarios: kinds of them, and how they are drawn."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.cells import gradients
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.random_numbers import DRAWN_AGAIN, Float64, integers

Cotangents = dict[str, Float64]
Kind = Callable[[Cotangents], Cotangents]
"""Selects or changes the cotangents drawn for all outputs."""


def with_cotangents(scenario: Scenario, kind: Kind, purpose: str, *, ones: bool = False) -> Scenario:
    """Return the scenario with cotangents of a kind; ``ones`` do not cancel in sums, and keep files small."""
    exact = scenario.cell == "rnn_relu"
    again = DRAWN_AGAIN.get(scenario.id, "") if exact else ""
    chosen: dict[str, Any] = kind(
        {
            name: np.ones(shape) if ones else integers(f"{scenario.id} {name}{again}", shape, 1 if exact else 15)
            for name, shape in scenario.shapes.cotangents.items()
        }
    )
    if not exact:  # the largest gradient is about 64, so that float16 flushes few gradients
        largest = max(float(np.abs(array).max()) for array in gradients(scenario.case(), chosen).values())
        chosen = {name: array * 64 * 2.0 ** -round(np.log2(largest)) for name, array in chosen.items()}
    return replace(scenario, gradient_purpose=purpose, **chosen)


def without_cotangents(scenario: Scenario) -> Scenario:
    """Return the scenario without cotangents."""
    return replace(scenario, d_out=None, d_h_n=None, d_c_n=None, gradient_purpose="")


def of(*names: str) -> Kind:
    """Return a kind with the cotangents of some outputs."""
    return lambda drawn: {name: array for name, array in drawn.items() if name in names}


everything, of_out, of_h_n, of_last = of("d_out", "d_h_n", "d_c_n"), of("d_out"), of("d_h_n"), of("d_h_n", "d_c_n")


def of_c_n(drawn: Cotangents) -> Cotangents:
    """Return the cotangent of c_n only, without zeros."""
    return {"d_c_n": np.where(drawn["d_c_n"] == 0, 1.0, drawn["d_c_n"])}


def of_last_step(drawn: Cotangents) -> Cotangents:
    """Return the cotangent of out at the last step only."""
    d_out = np.zeros_like(drawn["d_out"])
    d_out[..., -1, :] = drawn["d_out"][..., -1, :]
    return {"d_out": d_out}


def of_forward(drawn: Cotangents) -> Cotangents:
    """Return the cotangent of out, zero for the reverse direction."""
    d_out = drawn["d_out"].copy()
    d_out[..., d_out.shape[-1] // 2 :] = 0
    return {"d_out": d_out}


def every_other_row_doubled(drawn: Cotangents) -> Cotangents:
    """Return all cotangents, doubled in every other row, so that rows with opposite inputs do not cancel."""
    return _by_row(drawn, np.where(np.arange(len(drawn["d_out"])) % 2, 2.0, 1.0))


def at_rows(*rows: int) -> Kind:
    """Return a kind with cotangents in some rows of the batch only, so that their sums need few bits."""
    return lambda drawn: _by_row(drawn, np.where(np.isin(np.arange(len(drawn["d_out"])), rows), 1.0, 0.0))


def _by_row(drawn: Cotangents, factors: Float64) -> Cotangents:
    """Return the cotangents times a factor for each row of the batch, without negative zeros."""
    by_row = factors[:, None]
    return {name: array * (by_row[:, None] if name == "d_out" else by_row) + 0.0 for name, array in drawn.items()}


def at_unit(unit: int, hidden_size: int) -> Kind:
    """Return a kind with a nonzero cotangent of out in one unit only, at the last step of each direction."""

    def kind(drawn: Cotangents) -> Cotangents:
        d_out = np.zeros_like(drawn["d_out"])
        for place, step in zip(range(unit, d_out.shape[-1], hidden_size), (-1, 0), strict=False):
            values = drawn["d_out"][..., step, place]
            d_out[..., step, place] = np.where(values == 0, 1.0, values)
        return {"d_out": d_out}

    return kind
