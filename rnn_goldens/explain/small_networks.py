"""The smallest networks in which a deviation may be visible, with symbols as inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Case, Cell
from rnn_goldens.explain.symbols import symbols
from rnn_goldens.explain.weights_text import symbolic_weights
from rnn_goldens.golden.shapes import Config, Shape, state_shapes

LETTERS = {"h": ("h", "k", "r", "s"), "c": ("c", "d", "u", "v")}
"""Letters of the states: layers 0 and 1 forward, then reverse."""

ROWS = "abcd"

_WIDER: tuple[dict[str, Any], ...] = (
    {},
    {"rows": 2},
    {"units": 2},
    {"rows": 2, "units": 2},
    {"rows": 3},
    {"inputs": 2},
)
_DEEPER: tuple[dict[str, Any], ...] = ({}, {"layers": 2, "times": 2}, {"directions": 2, "times": 2})
"""Sizes to try, from small to large."""


@dataclass(frozen=True)
class Size:
    """The size of the small network and its inputs."""

    layers: int = 1
    directions: int = 1
    rows: int = 1
    times: int = 3
    units: int = 1
    inputs: int = 1
    state: bool = True
    batched: bool = True
    lengths: tuple[int, ...] | None = None

    def __str__(self) -> str:
        """Return the description. Most default properties are left out."""
        parts = [
            "1 layer" if self.layers == 1 else f"{self.layers} layers",
            "both directions" if self.directions > 1 else "",
            f"{self.rows} batch rows ({', '.join(ROWS[: self.rows])})"
            if self.rows > 1
            else ""
            if self.batched
            else "no batch axis",
            f"{self.times} time steps",
            f"{self.units} units" if self.units > 1 else "",
            f"lengths {' and '.join(map(str, self.lengths))}" if self.lengths else "",
            "" if self.state else "no initial state",
        ]
        return ", ".join(part for part in parts if part)


def sizes(needs: Sequence[str]) -> Iterator[Size]:
    """Yield sizes from small to large, each with the features that the deviation needs."""
    layers, directions = 2 if "multilayer" in needs else 1, 2 if "bidirectional" in needs else 1
    least = Size(layers, directions, times=3 if layers * directions == 1 else 2, batched="unbatched" not in needs)
    if "lengths" in needs:
        least = replace(least, rows=2, times=3, lengths=(2, 3))
    states = (True,) if "state" in needs else (True, False)
    for more, deeper, state in product(_WIDER, _DEEPER, states):
        size = replace(least, **more, **deeper, state=state)
        if size.lengths is not None and size.rows == len(size.lengths):
            yield from (replace(size, times=max(size.lengths) + padding) for padding in (0, 1))
        elif size.lengths is None and (size.batched or size.rows == 1):
            yield size


def case_of_size(cell: Cell, size: Size) -> Case:
    """Return the case of a size, in which every number is a symbol whose name includes its position."""
    config = Config(size.inputs, size.units, size.layers, size.directions > 1)

    def state(letters: Sequence[str], shape: Shape) -> Array:
        def name(index: int, row: int, unit: int) -> str:
            layer, direction = divmod(index, size.directions)
            return symbol_name(f"{letters[layer + 2 * direction]}0", row, size.rows, unit, size.units)

        return symbols(name, shape) if size.state else np.full(shape, 0, dtype=object)

    x = symbols(
        lambda row, t, unit: symbol_name(f"x{t + 1}", row, size.rows, unit, size.inputs),
        (size.rows, size.times, size.inputs),
    )
    shapes = state_shapes(cell.layout, config, (size.rows,))
    states = tuple(state(LETTERS[name], shape) for name, shape in shapes.items())
    lengths = None if size.lengths is None else np.array(size.lengths)
    case = Case(cell, config, symbolic_weights(cell, config), x, states, lengths, size.state)
    if size.batched:
        return case
    return replace(case, x=x[0], state=tuple(part[:, 0] for part in states), batch_given=False)


def symbol_name(base: str, row: int, rows: int, unit: int, units: int) -> str:
    """Return ``h1``; with several rows ``h1a``, with several units ``h1[0]``."""
    return f"{base}{ROWS[row] if rows > 1 else ''}{f'[{unit}]' if units > 1 else ''}"
