"""Scenarios of the sizes at which kernels change their path: units and rows around 16, 32, 64 and 128."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import Kind, at_rows
from rnn_goldens.generator.scenarios.random_numbers import Draw, Float64
from rnn_goldens.generator.scenarios.templates import CERTIFIED, FOLDERS, Call, Variant, exact, rounded
from rnn_goldens.golden.shapes import Config, Shape


def hidden_size(size: int, input_size: int, cotangents: Kind | None = None, gradient_purpose: str = "") -> Variant:
    """Return a variant whose hidden size fills a vector register or a tile, or is just above or below."""
    return Variant(
        f"hidden-{size}",
        f"hidden size {size}",
        f"Hidden size {size}: a size that fills vectors and tiles, or leaves a remainder.",
        Call(Config(input_size=input_size, hidden_size=size), batch=3, time=2, state=True),
        cotangents,
        gradient_purpose,
    )


def batch_size(size: int, cotangents: Kind | None = None, gradient_purpose: str = "") -> Variant:
    """Return a variant whose batch fills a tile, or is just above or below."""
    return Variant(
        f"batch-{size}",
        f"a batch of {size}",
        f"A batch of {size}: rows at the edge of a tile, and state buffers that are sized or cleared for fewer.",
        Call(Config(input_size=5, hidden_size=17), batch=size, time=2, state=True),
        cotangents,
        gradient_purpose,
    )


WIDE_STATE = replace(
    hidden_size(65, 2),
    purpose="Hidden size 65, one step: a product that stops at a full block drops one column of the state.",
    call=Call(Config(input_size=2, hidden_size=65, bias=False), time=1, state=True),
)

MANY_ROWS = replace(
    batch_size(129),
    purpose="A batch of 129, one step: rows beyond a full tile that are not computed.",
    call=Call(Config(input_size=2, hidden_size=3), batch=129, time=1, state=True),
    cotangents=at_rows(0, 63, 64, 127, 128),
    gradient_purpose="A batch of 129, cotangents at the edges of tiles: gradients of weights include rows beyond a "
    "full tile.",
)


def wide_sums(size: int, batch: int, *, input_size: int = 2, time: int = 1) -> Variant:
    """Return a variant whose sums have enough terms to detect a narrow accumulator, even in half precision."""
    return replace(
        hidden_size(size, input_size),
        purpose=f"Sums of {size} terms: an accumulator, or weights, of fewer bits than the precision's tolerance "
        "allows.",
        call=Call(Config(input_size=input_size, hidden_size=size, bias=False), batch=batch, time=time, state=True),
    )


WIDE_SUMS = {"rnn_tanh": (0.625, 0.5, 2), "gru": (0.625, 0.5, 4), "lstm": (0.375, 1.0, 2)}
"""Amplitudes of weights and states, and the batch."""


def positive(key: str, name: str, shape: Shape) -> Float64:
    """Draw positive numbers, so that a relu passes everything and no sum is near its kink."""
    drawn = np.abs(rounded(63 / 64, inputs=63 / 64)(key, name, shape))
    return drawn / {"h0": 4, "weight_hh_l0": 32}.get(name, 1)


PERIOD = 10
"""Period of recurrent weights along the units, short enough for compression to find it."""


def repeated(draw: Draw) -> Draw:
    """Return a function that repeats recurrent weights every ten units, so that files compress well."""

    def drawn(key: str, name: str, shape: Shape) -> Float64:
        if not name.startswith("weight_hh"):
            return draw(key, name, shape)
        rows, units = shape
        gates = rows // units
        period = draw(key, name, (gates * min(PERIOD, units), units)).reshape(gates, -1, units)
        return period[:, np.arange(units) % PERIOD].reshape(shape)

    return drawn


def scenarios() -> Iterator[Scenario]:
    """Yield scenarios of many sizes: exact if only positions matter, otherwise few steps of small states."""
    for variant in (*(hidden_size(n, 7) for n in (1, 3, 16, 17, 33, 64, 128)), *map(batch_size, (1, 3, 129))):
        yield variant.scenario("sizes-exact", "rnn_relu", exact)
    for size in (16, 17, 33, 64):
        for cell in CERTIFIED:
            draw = repeated(rounded(max(2 / math.sqrt(size), 0.25), states=0.375))
            yield hidden_size(size, 5).scenario(f"sizes-{FOLDERS[cell]}", cell, draw)
    for cell, (amplitude, states, batch) in WIDE_SUMS.items():
        folder = f"sizes-{FOLDERS[cell]}"
        yield WIDE_STATE.scenario(folder, cell, repeated(rounded(0.25)))
        yield wide_sums(129, batch).scenario(folder, cell, repeated(rounded(amplitude, states=states)))
        yield MANY_ROWS.scenario(folder, cell, rounded(1.0))
    relu = wide_sums(209, 2, input_size=1, time=2)  # the second step is not exact any more
    yield relu.scenario("sizes-rnn-relu", "rnn_relu", repeated(positive))
