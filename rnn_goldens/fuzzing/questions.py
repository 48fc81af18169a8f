"""What a drawn golden asks: choices in the order in which they are made simpler, the sizes before the numbers.

Hypothesis makes earlier choices smaller first, and a smaller choice is a simpler one here: fewer layers, directions,
steps, rows, units and inputs, nothing given that need not be, numbers that are not scaled, and simple ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from math import prod
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from rnn_goldens.fuzzing import numbers
from rnn_goldens.fuzzing.bounds import Bounds, Sizes
from rnn_goldens.fuzzing.numbers import Float64
from rnn_goldens.generator.scenario import SMALLEST, Scenario
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config, Shape, state_names, state_shape, weight_shapes

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

SMALL = Sizes(layers=3, time=6, batch=3, hidden=4, input=3)
"""What most goldens have at most. One in three has more of one thing: steps, rows, units or inputs."""

LARGE = (None, None, None, None, None, None, None, "time", "input", "hidden", "batch")

EDGES = (5, 7, 9, 16, 17, 33, 40, 65, 72, 101, 129)
"""Sizes around which kernels change their path: beyond whole vectors and tiles."""


@dataclass(frozen=True)
class Style:
    """How the numbers are scaled, by powers of two, and whether they have as many bits as the precision holds."""

    weight: int = 0
    bias: int = 0
    x: int = 0
    state: int = 0
    is_full: bool = False


STYLES = (
    *[Style()] * 4,
    Style(is_full=True),
    Style(state=3),
    Style(x=3),
    Style(weight=2, bias=2),
    Style(weight=1, bias=1, x=4),
    Style(weight=-3, bias=-8, x=-4, state=-4),
    Style(bias=3),
)
"""Plain; with all bits; large states, inputs, weights; saturating; tiny; large biases."""


@dataclass(frozen=True)
class _Sizes:
    """The choices that come before the numbers: always as many, so that making one smaller moves none of the others."""

    config: Config
    rows: int | None
    time: int
    lengths: list[int] | None
    has_state: bool
    style: Style

    @property
    def batch(self) -> tuple[int, ...]:
        return () if self.rows is None else (self.rows,)


def scenario(draw: Draw, bounds: Bounds) -> tuple[Scenario, str]:
    """A question, and the precision it is asked in."""
    precision = _one_of(draw, bounds.precisions)
    cell = _one_of(draw, bounds.cells)
    sizes = _sizes(draw, bounds)
    numbers_of = _Numbers(draw, sizes.style, precision)
    fields: dict[str, Any] = {
        "cell": cell,
        "config": sizes.config,
        "weights": {name: numbers_of(name, shape) for name, shape in weight_shapes(cell, sizes.config).items()},
        "lengths": sizes.lengths,
    }
    if sizes.has_state:
        shape = state_shape(sizes.config, sizes.batch)
        fields |= {f"{name}0": numbers_of("state", shape) for name in state_names(cell)}
    x = (*sizes.batch, sizes.time, sizes.config.input_size)
    fields["x"] = numbers_of("x", x)  # last: to leave out steps and rows moves no other numbers
    return _declared(fields), precision


def _sizes(draw: Draw, bounds: Bounds) -> _Sizes:
    large = _large(draw, bounds)

    def has(feature: str) -> bool:
        is_drawn = bool(_at_most(draw, 1))
        return feature in bounds.having or (is_drawn and feature not in bounds.lacking)

    edge = _at_most(draw, len(EDGES) - 1)

    def size(name: str) -> int:
        small, most = getattr(SMALL, name), getattr(bounds.sizes, name)
        usual, edges = 1 + _at_most(draw, min(small, most) - 1), _edges(small, most)
        return edges[edge % len(edges)] if name == large else usual

    layers = size("layers")
    if "multilayer" in bounds.having:
        layers = max(layers, 2)
    elif "multilayer" in bounds.lacking or large is not None:
        layers = 1
    bidirectional, unbatched, ragged = has("bidirectional"), has("unbatched"), has("lengths")
    unbatched = unbatched and "lengths" not in bounds.having and large != "batch"
    ragged = ragged and not unbatched and bounds.sizes.time > 1
    time, rows, hidden, inputs = (size(name) for name in ("time", "batch", "hidden", "input"))
    time = max(time, 2) if ragged else time
    state, bias, style = has("state"), has("bias"), _one_of(draw, STYLES)
    padding = [_at_most(draw, SMALL.time) * (1 + time // SMALL.time) % time for _ in range(SMALL.batch)]
    return _Sizes(
        Config(inputs, hidden, layers, bidirectional, bias),
        None if unbatched else rows,
        time,
        [time - padding[row % len(padding)] for row in range(rows)] if ragged else None,
        state,
        style,
    )


def gentler(asked: Scenario) -> Scenario:
    """The same, with smaller weights, by a power of two: what makes less of rounding errors."""
    weights = {n: np.ldexp(a, -3) if n.startswith("weight") else a for n, a in asked.torch_weights.items()}
    return _declared({**_fields(asked), "weights": weights})


def positive(asked: Scenario) -> Scenario:
    """The same, with no number below zero: a relu lets all of it through."""
    fields = _fields(asked)
    weights = {name: np.abs(array) for name, array in fields["weights"].items()}
    return _declared({**fields, "weights": weights, **{n: np.abs(fields[n]) for n in ("x", "h0") if n in fields}})


def _fields(asked: Scenario) -> dict[str, Any]:
    there = {name: getattr(asked, name) for name in ("h0", "c0") if getattr(asked, name) is not None}
    return {
        "cell": asked.cell,
        "config": asked.shape,
        "x": asked.x,
        "weights": asked.torch_weights,
        "lengths": asked.lengths,
        **there,
    }


@cache
def _edges(small: int, most: int) -> tuple[int, ...]:
    """Sizes above the small ones at which kernels change their path, and the largest."""
    return tuple(sorted({size for size in (*EDGES, most) if small < size <= most}))


def _large(draw: Draw, bounds: Bounds) -> str | None:
    """What there is more of than usual, if anything."""
    there = {n: size for n, size in vars(bounds.sizes).items() if size > getattr(SMALL, n)}
    chosen = _one_of(draw, LARGE)
    is_kept_small = "multilayer" in bounds.having or ("unbatched" in bounds.having and chosen == "batch")
    return chosen if chosen in there and not is_kept_small else None


def _declared(fields: dict[str, Any]) -> Scenario:
    digest = sha256()
    for name, value in sorted(fields.items()):
        digest.update(f"{name} {sorted(value) if isinstance(value, dict) else np.shape(value)}".encode())
        for array in value.values() if isinstance(value, dict) else [value]:
            digest.update(repr(array).encode() if not isinstance(array, np.ndarray) else array.tobytes())
    arrays = [fields["x"], *fields["weights"].values(), *(fields[n] for n in ("h0", "c0") if n in fields)]
    held = [name for name in PRECISIONS if all(_is_held(array, name) for array in arrays)]
    return Scenario(
        id=f"drawn/{fields['cell'].replace('_', '-')}-{digest.hexdigest()[:12]}",
        purpose="Drawn at random.",
        documented_in="nowhere: it was drawn",
        precisions=held,
        **fields,
    )


def _is_held(array: Float64, precision: str) -> bool:
    small = precision == "float16" and bool(((array != 0) & (np.abs(array) < SMALLEST)).any())
    return not small and bool((PRECISIONS[precision].round(array) == array).all())


@dataclass(frozen=True)
class _Numbers:
    draw: Draw
    style: Style
    precision: str

    def __call__(self, name: str, shape: Shape) -> Float64:
        """An array of drawn numbers."""
        kind = name.partition("_")[0]
        scale: int = getattr(self.style, kind)
        places = self.draw(_places(min(prod(shape), numbers.MOST)))
        found = numbers.array(places, shape)
        if self.style.is_full:
            found = _filled(found, self.precision)
        columns = shape[-1] if kind == "weight" else 1
        scaled: Float64 = np.ldexp(found, scale - _narrower(columns))
        return scaled


def _narrower(columns: int) -> int:
    """So many powers of two smaller are the weights of many inputs, whose sums would saturate everything."""
    return max(0, int(np.log2(columns)) - 2) if columns > SMALL.hidden else 0


def _filled(array: Float64, precision: str) -> Float64:
    """The same numbers with all the bits that a precision has, but for zeros."""
    bits = np.random.default_rng(array.size).random(array.shape)
    return PRECISIONS[precision].round(array * (1 + bits / 16)).astype(np.float64)


def _one_of(draw: Draw, options: Sequence[T]) -> T:
    return options[_at_most(draw, len(options) - 1)]


def _at_most(draw: Draw, most: int) -> int:
    """A whole number from zero on; nothing is drawn where there is no choice."""
    return int(draw(_whole(most))) if most > 0 else 0


@cache
def _whole(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


@cache
def _places(count: int) -> st.SearchStrategy[list[int]]:
    """Places in the table of numbers, from one: Hypothesis takes a small number from zero on for a branch."""
    return st.lists(st.integers(1, len(numbers.TABLE)), min_size=count, max_size=count)
