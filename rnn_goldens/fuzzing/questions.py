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

EDGES = (5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 40, 63, 64, 65, 67, 72, 101, 127, 128, 129, 132)


@dataclass(frozen=True)
class Style:
    """How the numbers are scaled, by powers of two, and whether they have as many bits as the precision holds."""

    weights: int = 0
    bias: int = 0
    x: int = 0
    state: int = 0
    is_full: bool = False


STYLES = (
    *[Style()] * 4,
    Style(is_full=True),
    Style(state=3),
    Style(x=3),
    Style(weights=2, bias=2),
    Style(weights=1, bias=1, x=4),
    Style(weights=-3, bias=-8, x=-4, state=-4),
    Style(bias=3),
)
"""Plain; with all bits; large states, inputs, weights; saturating; tiny; large biases."""


def scenario(draw: Draw, bounds: Bounds) -> tuple[Scenario, str]:
    """A question, and the precision it is asked in."""
    precision = _one_of(draw, bounds.precisions)
    cell = _one_of(draw, bounds.cells)
    large = _large(draw, bounds)

    def has(feature: str, can: bool = True) -> bool:
        if feature in bounds.having or feature in bounds.lacking or not can:
            return feature in bounds.having
        return bool(_at_most(draw, 1))

    def size(name: str, least: int = 1) -> int:
        most = getattr(bounds.sizes, name)
        if name == large:
            return _one_of(draw, _edges(getattr(SMALL, name), most))
        return least + _at_most(draw, max(0, min(most, getattr(SMALL, name)) - least))

    layers = size("layers", 2) if has("multilayer", bounds.sizes.layers > 1 and large is None) else 1
    bidirectional = has("bidirectional")
    is_batch = not has("unbatched", "lengths" not in bounds.having and large != "batch")
    ragged = is_batch and has("lengths", bounds.sizes.time > 1)
    time = size("time", 2 if ragged else 1)
    batch = (size("batch"),) if is_batch else ()
    hidden, inputs = size("hidden"), size("input")
    has_state, has_bias = has("state"), has("bias")
    config = Config(inputs, hidden, layers, bidirectional, has_bias)
    style = _one_of(draw, STYLES)
    padding = [_at_most(draw, time - 1) for _ in range(batch[0])] if ragged else None
    numbers_of = _Numbers(draw, style, precision)
    fields: dict[str, Any] = {
        "cell": cell,
        "config": config,
        "weights": {name: numbers_of(name, shape) for name, shape in weight_shapes(cell, config).items()},
        "lengths": None if padding is None else [time - steps for steps in padding],
    }
    if has_state:
        fields |= {f"{name}0": numbers_of("state", state_shape(config, batch)) for name in state_names(cell)}
    fields["x"] = numbers_of("x", (*batch, time, inputs))  # last: to leave out steps and rows moves no other numbers
    return _declared(fields), precision


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
    without_rows = "unbatched" in bounds.having and chosen == "batch"
    return chosen if chosen in there and not without_rows and "multilayer" not in bounds.having else None


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
        scale = {"weight": self.style.weights, "bias": self.style.bias}.get(kind) or getattr(self.style, kind, 0)
        places = self.draw(_places(min(prod(shape), numbers.MOST)))
        found = numbers.array(places, shape)
        if self.style.is_full:
            found = _filled(found, self.precision)
        columns = shape[-1] if kind == "weight" else 1
        return np.ldexp(found, scale - _narrower(columns))


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
