"""Scenarios of integer LSTMs: the same variants for each definition, each drawn from its own name."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_goldens.generator.integer_scenario import IntegerScenario
from rnn_goldens.generator.scenarios.integer_arrays import over_tables, power_of_two, with_large_biases, with_ties
from rnn_goldens.generator.scenarios.random_numbers import integers
from rnn_goldens.golden.integer_config import SINGLE, WIDE, multipliers
from rnn_goldens.golden.recurrences import INTEGER_GATES, INTEGER_LSTMS
from rnn_goldens.golden.stored_arrays import Float64

_SHORT = 12
"""Bits of a scale: the product of two is exact in float32, so that engines derive the same multiplier from scales."""


@dataclass(frozen=True)
class Variant:
    """A variant of a scenario.

    Attributes:
        sizes: batch, time steps, inputs and units.
        gain: about how large the sums of gates are, as real numbers.
        power: the scale of c is 2^power.
        clip: the largest c; 0 for none.
        zeros: the zero points of x and h, of 8 bits.
        state: whether initial states are given; those of c then reach both ends of 16 bits.
        weights: the largest weight.
        cells: the cells that have it.
        rounding: how CMSIS-NN rounds a multiplier.
        powers: whether all scales are powers of two, so that all multipliers are 2^30, and x and h are small.
        directed: the function that chooses the arrays of the drawn scenario, if any.
    """

    name: str
    purpose: str
    sizes: tuple[int, int, int, int] = (2, 8, 5, 6)
    gain: float = 1.0
    power: int = -11
    clip: int = 0
    zeros: tuple[int, int] = (-3, 5)
    state: bool = False
    weights: int = 127
    cells: tuple[str, ...] = tuple(INTEGER_LSTMS)
    rounding: str = ""
    powers: bool = False
    directed: Callable[[IntegerScenario], IntegerScenario] | None = None


VARIANTS = (
    Variant("plain", "Two sequences at random: every rounding, both tables and all four gates.", zeros=(0, 0)),
    Variant("zero-points", "Zero points at the ends of 8 bits: x - zero point needs 9 bits.", zeros=(-128, 127),
        cells=tuple(cell for cell in INTEGER_LSTMS if cell not in WIDE)),
    Variant(
        "saturated",
        "Large sums: gates at both ends. One bias of each gate exceeds 16 bits; with 16-bit inputs, 32 bits.",
        gain=9.0, power=-10, sizes=(2, 12, 4, 5), directed=with_large_biases,
    ),
    Variant(
        "fine-cell", "The finest scale of c, 2^-15: it saturates at 1.", power=-15, gain=2.0, sizes=(4, 24, 3, 6),
    ),
    Variant("clip", "c is clipped below its saturation.", clip=1500, gain=3.0, zeros=(17, -20), sizes=(3, 8, 2, 4)),
    Variant(
        "one-unit", "One unit and one input: each element by hand.", sizes=(1, 6, 1, 1), gain=2.0, zeros=(11, -7),
    ),
    Variant(
        "recurrent-saturation",
        "The product of h saturates alone and is brought back by that of x: TensorFlow Lite Micro limits it, CMSIS-NN "
        "does not.",
        sizes=(2, 10, 1, 2), gain=16.0,
    ),
    Variant(
        "ties-of-sums",
        "All multipliers are 2^30: many products of x and of h are a tie of their first or second rounding, or next to "
        "one.",
        sizes=(12, 1, 3, 8), gain=0.25, power=-14, zeros=(-3, 4), state=True, powers=True,
    ),
    Variant(
        "ties-of-products",
        "Each of f·c, i·g and the output in turn is a tie of its second rounding, or next to one, of both signs.",
        sizes=(1, 2, 1, 16), power=-14, powers=True, directed=with_ties,
    ),
    Variant(
        "tables", "The arguments of the gates are spread over all entries of the tables.",
        sizes=(32, 2, 4, 8), power=-14, powers=True, directed=over_tables,
    ),
    Variant(
        "state", "Initial states, with c at both ends of 16 bits; its coarsest scale, 2^-9, reaches 64.",
        sizes=(2, 8, 2, 5), gain=2.0, power=-9, state=True,
    ),
    Variant(
        "left-shift", "Small weights with a large scale: multipliers above one, which shift to the left.",
        sizes=(2, 10, 2, 3), gain=14.0, weights=2, clip=9000,
    ),
    Variant("sixty-four-units", "The size of a small keyword model.", sizes=(1, 4, 3, 64), weights=1, state=True,
        cells=("lstm_int8_cmsis",)),
    Variant(
        "single-rounding-of-sums", "CMSIS_NN_USE_SINGLE_ROUNDING: a multiplier rounds once. Many products are ties.",
        sizes=(8, 1, 3, 8), gain=0.25, power=-14, state=True, powers=True, rounding=SINGLE, cells=("lstm_int8_cmsis",),
    ),
    Variant(
        "single-rounding", "CMSIS_NN_USE_SINGLE_ROUNDING: a multiplier rounds once. Each product is a tie in turn.",
        sizes=(1, 2, 1, 16), power=-14, powers=True, directed=with_ties, rounding=SINGLE,
        cells=("lstm_int8_cmsis", "lstm_16x8_cmsis"),
    ),
)  # fmt: skip


def scenarios() -> tuple[IntegerScenario, ...]:
    """Return all scenarios of integer LSTMs, by definition, from simple to hard."""
    return tuple(draw(cell, variant) for cell in INTEGER_LSTMS for variant in VARIANTS if cell in variant.cells)


def draw(cell: str, of: Variant) -> IntegerScenario:
    """Return the scenario of a variant, drawn from its name."""
    key, wide = f"{cell.replace('_', '-')}/{of.name}", cell in WIDE
    batch, time, inputs, hidden = of.sizes
    shapes = dict.fromkeys((f"W_{gate}" for gate in INTEGER_GATES), (hidden, inputs))
    shapes |= dict.fromkeys((f"R_{gate}" for gate in INTEGER_GATES), (hidden, hidden))
    weights = {name: integers(f"{key} {name}", shape, of.weights) for name, shape in shapes.items()}
    quantization = _quantization(cell, of, key)
    for k, gate in enumerate(INTEGER_GATES):
        step = quantization["W_scale"][k] * quantization["x_scale"]
        drawn = integers(f"{key} b_{gate}", (hidden,), 128)
        weights[f"b_{gate}"] = np.rint(of.gain * drawn / 100 / step)
    largest = 32767 if wide and not of.powers else 127
    found = IntegerScenario(
        id=key,
        purpose=of.purpose,
        cell=cell,
        config={"input_size": inputs, "hidden_size": hidden, **quantization},
        x=integers(f"{key} x", (batch, time, inputs), largest),
        weights=weights,
        states=_states(key, (batch, hidden), largest) if of.state else {},
        documented_in=INTEGER_LSTMS[cell].source,
    )
    return of.directed(found) if of.directed else found


def _states(key: str, shape: tuple[int, int], largest: int) -> dict[str, Float64]:
    c = integers(f"{key} c0", shape, 20000)
    c[0, :2] = 32767, -32768
    return {"h0": integers(f"{key} h0", shape, largest), "c0": c}


def _quantization(cell: str, of: Variant, key: str) -> dict[str, Any]:
    """Return scales at random, and the multipliers that an engine of this cell derives from them."""
    wide = cell in WIDE
    random: Iterator[float] = iter((1 + integers(f"{key} scales", (10,), 500) / 1000).tolist())
    bits = 15 if wide else 7
    rounded = power_of_two if of.powers else _short
    x_scale, h_scale = rounded(next(random) * 2.0**-bits * 4), rounded(next(random) * 2.0**-bits)
    _, _, inputs, hidden = of.sizes
    typical = 0.6 * 2.0 ** (7 if of.powers else bits) * 0.6 * of.weights
    of_x = [rounded(of.gain * next(random) / (math.sqrt(inputs) * typical * x_scale)) for _ in INTEGER_GATES]
    of_h = [rounded(of.gain * next(random) / (math.sqrt(hidden) * typical * h_scale)) for _ in INTEGER_GATES]
    x_zero, h_zero = (0, 0) if wide else of.zeros
    found = {"x_zero": x_zero, "h_zero": h_zero, **multipliers(cell, x_scale, h_scale, of_x, of_h)}
    found |= {"cell_power": of.power, "cell_clip": of.clip}
    found |= {"x_scale": x_scale, "h_scale": h_scale, "W_scale": of_x, "R_scale": of_h}
    return found | ({"rounding": of.rounding} if of.rounding else {})


def _short(real: float) -> float:
    """Return a number rounded to few bits."""
    part, power = math.frexp(real)
    return math.ldexp(round(part * 2**_SHORT), power - _SHORT)
