"""Draws the model inputs of a golden: sizes first, then numbers.

Hypothesis shrinks earlier choices first, and a smaller choice is a simpler one: fewer layers, directions, steps, rows,
units and inputs, no optional inputs, unscaled and simple numbers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import cell_named
from rnn_goldens.fuzz.bounds import Bounds
from rnn_goldens.fuzz.choices import MAX_VALUES, SMALL, Draw, Shape, choice, one_of, several, shape
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenario_fields import inexact
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.shapes import Config

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
