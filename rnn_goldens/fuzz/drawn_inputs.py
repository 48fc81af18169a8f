"""Draws the model inputs of a golden: sizes first, then numbers. A smaller choice of Hypothesis is a simpler one.

Hypothesis shrinks earlier choices first: fewer layers, directions, steps, rows, units and inputs, no optional inputs,
unscaled and simple numbers. The numbers come from one table. Each has at most 6 significant bits, so that all four
precisions can represent it, also multiplied by a power of two. Most sizes are small, about one golden in three is large
in one dimension.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from math import prod
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnn_goldens.cells import cell_named
from rnn_goldens.fuzz.bounds import Bounds, Sizes
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenario_fields import inexact
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.shapes import Config

_PARTS, _LARGEST = 16, 2


def _simplicity(number: float) -> tuple[bool, int, float, bool]:
    """Return a sort key: 0, powers of two (nearest to 1 first), other numbers by odd factor; positive first."""
    numerator, denominator = abs(number).as_integer_ratio()
    odd = numerator // (numerator & -numerator) if numerator else 0
    return number != 0, odd, abs(math.log2(abs(number))) if odd == 1 else float(denominator), number < 0


TABLE = tuple(sorted((n / _PARTS for n in range(-_LARGEST * _PARTS, _LARGEST * _PARTS + 1)), key=_simplicity))
"""Multiples of 1/16 from -2 to 2, from simple to less simple: 0, 1, -1, 2, …"""

MAX_VALUES = 23
"""The largest number of values drawn for one array; a larger array repeats them."""

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

_CHOICE = st.integers(0, 10)
"""All choices use one strategy, so that Hypothesis can replace one by another.

It treats an integer up to 10 as a branch: it shrinks the integer first and draws later choices again.
"""


def one_of(draw: Draw, options: Sequence[T]) -> T:
    """Draw one of the options, which start with the simplest. Does not draw if there is only one."""
    return options[choice(draw) % len(options)] if len(options) > 1 else options[0]


def choice(draw: Draw) -> int:
    """Draw an integer from 0 to 10."""
    return int(draw(_CHOICE))


def several(draw: Draw, count: int) -> list[float]:
    """Draw numbers from the table."""
    values: list[float] = draw(_several(count))
    return values


@cache
def _several(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.sampled_from(TABLE), min_size=count, max_size=count)


SMALL = Sizes(layers=3, time=6, batch=3, hidden=4, input=3)

LARGE = (None, None, None, None, None, None, None, "time", "input", "hidden", "batch")
"""Choices of the dimension that is large; None: all are small."""

EDGES = (5, 7, 9, 16, 17, 33, 40, 65, 72, 101, 129)
"""Sizes at which kernels may switch to another code path: at or near multiples of vector and tile sizes."""


@dataclass(frozen=True)
class Shape:
    """The sizes and features of a golden."""

    config: Config  # the configuration of the network
    batch: tuple[int, ...]  # (rows,), or () if unbatched
    time: int  # the number of time steps
    lengths: list[int] | None  # the length of each row; None if all are equal
    has_state: bool  # whether there is an initial state


def shape(draw: Draw, bounds: Bounds) -> Shape:
    """Draw a shape within bounds. The number of choices is constant, so that shrinking one does not change others."""
    large, edge = _large(draw, bounds), choice(draw)

    def size(name: str) -> int:
        small, most = getattr(SMALL, name), getattr(bounds.sizes, name)
        usual, edges = one_of(draw, range(1, min(small, most) + 1)), _edges(small, most)
        return edges[edge % len(edges)] if name == large else usual

    def has(feature: str) -> bool:
        is_drawn = one_of(draw, (False, True))
        return feature in bounds.having or (is_drawn and feature not in bounds.lacking)

    layers = size("layers")
    if "multilayer" in bounds.having:
        layers = max(layers, 2)
    elif "multilayer" in bounds.lacking or large not in (None, "hidden"):
        layers = 1
    elif large == "hidden":
        layers = min(layers, 2)  # so that an upper layer has many inputs
    bidirectional, unbatched, ragged = has("bidirectional"), has("unbatched"), has("lengths")
    unbatched = unbatched and "lengths" not in bounds.having and large != "batch"
    ragged = ragged and not unbatched and bounds.sizes.time > 1
    time, rows, hidden, inputs = (size(name) for name in ("time", "batch", "hidden", "input"))
    time = max(time, 2) if ragged else time
    state, bias = has("state"), has("bias")
    padding = [choice(draw) * (1 + time // SMALL.time) % time for _ in range(SMALL.batch)]
    lengths = [time - padding[row % len(padding)] for row in range(rows)]
    config = Config(inputs, hidden, layers, bidirectional, bias)
    return Shape(config, () if unbatched else (rows,), time, lengths if ragged else None, state)


def _large(draw: Draw, bounds: Bounds) -> str | None:
    """Draw the dimension that is large, or None."""
    chosen = one_of(draw, LARGE)
    is_kept_small = "multilayer" in bounds.having or ("unbatched" in bounds.having and chosen == "batch")
    if chosen is None or is_kept_small or getattr(bounds.sizes, chosen) <= getattr(SMALL, chosen):
        return None
    return chosen


@cache
def _edges(small: int, most: int) -> tuple[int, ...]:
    """Return the edge sizes above the small ones, and the largest size."""
    return tuple(sorted({size for size in (*EDGES, most) if small < size <= most}))


Float64 = NDArray[np.float64]

PLAIN, FULL, SCALED = "plain", "full", "scaled"
STYLES = (*[PLAIN] * 5, FULL, *[SCALED] * 5)
"""Kinds of numbers: from the table; with all significant bits of the precision; multiplied by powers of two."""

SCALES = (
    {"bias": 3},
    {"state": 3},
    {"x": 3},
    {"weight": 2, "bias": 2},
    {"weight": 1, "bias": 1, "x": 4},
    {"weight": -3, "bias": -8, "x": -4, "state": -4},
)
"""Exponents of two by kind of array: for large biases, states, x, or weights; saturated activations; tiny numbers."""


@dataclass(frozen=True, eq=False)
class DrawnInputs:
    """The inputs of a drawn golden, which are changed until the golden can be certified."""

    cell: str
    config: Config
    weights: dict[str, Float64]
    state: dict[str, Float64]
    x: Float64
    lengths: list[int] | None

    def of_each(self, change: Callable[[str, Float64], Float64]) -> "DrawnInputs":
        """Return inputs with each array replaced by ``change(kind, array)``; kind is weight, bias, state or x."""
        weights = {name: change(name.partition("_")[0], array) for name, array in self.weights.items()}
        state = {name: change("state", array) for name, array in self.state.items()}
        return replace(self, weights=weights, state=state, x=change("x", self.x))

    def scenario(self) -> Scenario:
        """Return the inputs as a scenario in every precision that can represent their numbers."""
        arrays = [*self.weights.values(), *self.state.values(), self.x]
        digest = sha256(repr((self.cell, self.config, self.x.shape, sorted(self.state), self.lengths)).encode())
        for array in arrays:
            digest.update(array.tobytes())
        return Scenario(
            id=f"drawn/{_word(self.cell)}-{digest.hexdigest()[:12]}",
            purpose="Drawn at random.",
            documented_in="nowhere: it was drawn",
            cell=self.cell,
            config=self.config,
            weights=self.weights,
            x=self.x,
            lengths=self.lengths,
            precisions=SupportedOnly(n for n, p in PRECISIONS.items() if not any(inexact(a, p).any() for a in arrays)),
            h0=self.state.get("h0"),
            c0=self.state.get("c0"),
            states={name: array for name, array in self.state.items() if name not in ("h0", "c0")},
        )


def draw_inputs(draw: Draw, bounds: Bounds) -> tuple[DrawnInputs, str]:
    """Draw inputs and a precision."""
    precision, cell, style = one_of(draw, bounds.precisions), one_of(draw, bounds.cells), one_of(draw, STYLES)
    inputs = _plain(draw, cell, _of_cell(shape(draw, bounds), cell))
    if style == FULL:  # drawn after the numbers, so that they stay the same if this choice is removed
        seed = choice(draw)
        return inputs.of_each(lambda _, array: _filled(array, precision, seed)), precision
    if style == SCALED:
        scale = one_of(draw, SCALES)
        return inputs.of_each(lambda kind, array: _scaled(array, scale.get(kind, 0))), precision
    return inputs, precision


def _of_cell(of: Shape, cell: str) -> Shape:
    """Return the shape with the proj_size and the direction of a cell."""
    changed: dict[str, Any] = {}
    if cell_named(cell).layout.is_projected:
        changed["proj_size"] = 1 + of.config.hidden_size // 2
    if direction := DIALECTS[cell].options.get("direction") if cell in DIALECTS else None:
        changed |= {"direction": direction, "bidirectional": False}
    return replace(of, config=replace(of.config, **changed))


def gentler(inputs: DrawnInputs) -> DrawnInputs:
    """Return inputs with weights divided by 8, which amplify rounding errors less."""
    return inputs.of_each(lambda kind, array: _scaled(array, -3) if kind == "weight" else array)


def positive(inputs: DrawnInputs) -> DrawnInputs:
    """Return inputs with absolute values, so that relu passes all of them."""
    return inputs.of_each(lambda _, array: np.abs(array))


def _plain(draw: Draw, cell: str, of: Shape) -> DrawnInputs:
    def array(shape: tuple[int, ...]) -> Float64:
        drawn: Float64 = np.resize(several(draw, min(prod(shape), MAX_VALUES)), shape)
        return drawn

    shapes = of.config.array_shapes(cell_named(cell).layout, (*of.batch, of.time, of.config.input_size))
    weights = {name: _narrower(array(shape)) for name, shape in shapes.weights.items()}
    state = {name: array(shape) for name, shape in shapes.initial.items()} if of.has_state else {}
    x = array(shapes.inputs["x"])  # last, so that fewer steps and rows keep the other numbers
    return DrawnInputs(cell, of.config, weights, state, x, of.lengths)


def _narrower(weights: Float64) -> Float64:
    """Scale down weights with many columns, because sums over them would saturate the activations."""
    columns = weights.shape[-1] if weights.ndim > 1 else 1
    return _scaled(weights, 2 - int(np.log2(columns))) if columns > SMALL.hidden else weights


def _scaled(array: Float64, exponent: int) -> Float64:
    scaled: Float64 = np.ldexp(array, exponent)
    return scaled


def _filled(array: Float64, precision: str, seed: int) -> Float64:
    """Return the numbers, except zeros, with all significant bits of the precision set at random."""
    bits = np.random.default_rng([seed, array.size]).random(array.shape)
    return PRECISIONS[precision].round(array * (1 + bits / 16)).astype(np.float64)


def _word(cell: str) -> str:
    """Return the name of a cell, or of the function of a custom cell, as part of an id."""
    return re.sub("[^a-z0-9]+", "-", cell.rpartition(":")[2].lower()).strip("-") or "cell"
