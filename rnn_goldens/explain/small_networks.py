"""Small networks of named numbers, by which sums of numbers are recognised: a name has the same numbers everywhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np

from rnn_goldens.cells import Array, Case, Cell, Weights
from rnn_goldens.explain.equations_text import added, block_name, scaled
from rnn_goldens.golden.shapes import STACKED, Config, Shape, state_shapes, weight_shapes

SAMPLES = 64
"""The number of samples, which exceeds the number of names in the smallest networks."""

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


_REARRANGED: dict[str, Callable[[Array], Array]] = {
    "{}": lambda block: block,
    "{}[::-1]": lambda block: block[:, ::-1],
    "{}[0]": lambda block: np.broadcast_to(block[:, :1], block.shape),
    "{}^T": lambda block: block.swapaxes(1, 2),
    "diag({})": lambda block: block * np.eye(*block.shape[1:]),
    "{}[:, ::-1]": lambda block: block[..., ::-1],
    "identity": lambda block: np.broadcast_to(np.eye(*block.shape[1:]), block.shape),
}
"""Rearrangements of blocks by their text. The first three are of vectors, too."""

_OF_VECTORS = ("{}", "{}[::-1]", "{}[0]")


def drawn(name: str, *shape: int) -> Array:
    """Return random numbers within ±1, the same for each call with this name and shape."""
    return np.random.default_rng(crc32(name.encode())).uniform(-1, 1, shape)


def formula(values: Array, named: Mapping[str, Array]) -> str:
    """Return arrays of all samples as a sum of multiples of named ones and a number; raises ValueError if none fits."""
    if (values == values.flat[0]).all():
        return f"{values.flat[0] + 0.0:g}".replace("inf", "infinity")
    same, of_shape = values.tobytes(), {name: own for name, own in named.items() if own.shape == values.shape}
    for name, own in of_shape.items():
        if own.tobytes() == same:
            return name
    distinct: dict[bytes, str] = {}
    for name, own in of_shape.items():
        if np.ptp(own):
            distinct.setdefault(own.tobytes(), name)
    columns = np.stack([np.ones(values.size), *(named[name].ravel() for name in distinct.values())], axis=1)
    if len(columns) <= columns.shape[1] or not np.isfinite(values).all():
        raise ValueError("a number that has no name")
    (number, *factors), *_ = np.linalg.lstsq(columns, values.ravel(), rcond=None)
    if not np.allclose(columns @ [number, *factors], values.ravel(), rtol=0, atol=1e-9):
        raise ValueError("a number that has no name")
    parts = [(name, round(factor, 9)) for name, factor in zip(distinct.values(), factors, strict=True)]
    texts = [scaled(name, factor) for name, factor in parts if factor]
    return added([*texts, f"{number:g}"] if round(number, 9) else texts)


@dataclass(frozen=True)
class Size:
    """The size of a small network and its inputs."""

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
        letters = f" ({', '.join(ROWS[: self.rows])})" if self.rows <= len(ROWS) else ""
        parts = {
            "1 layer" if self.layers == 1 else f"{self.layers} layers": True,
            "both directions": self.directions > 1,
            f"{self.rows} batch rows{letters}": self.rows > 1,
            "no batch axis": not self.batched,
            f"{self.times} time steps": True,
            f"{self.units} units": self.units > 1,
            f"{self.inputs} inputs": self.inputs > 1,
            f"lengths {' and '.join(map(str, self.lengths or ()))}" if letters else "ragged": self.lengths,
            "no initial state": not self.state,
        }
        return ", ".join(part for part, is_shown in parts.items() if is_shown)


def sizes(needs: Sequence[str]) -> Iterator[Size]:
    """Yield sizes from small to large, each with the features that the deviation needs."""
    layers, directions = 1 + ("multilayer" in needs), 1 + ("bidirectional" in needs)
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


@dataclass(frozen=True)
class SmallNetwork:
    """A network of a cell and size, with random inputs and weights in every sample."""

    cell: Cell
    size: Size
    samples: int = SAMPLES

    @cached_property
    def config(self) -> Config:
        """The configuration of the network."""
        return Config(self.size.inputs, self.size.units, self.size.layers, self.size.directions > 1)

    @cached_property
    def arrays(self) -> Mapping[str, Array]:
        """The inputs, initial states and weights by name; the first axis is the sample."""
        shapes: dict[str, Shape] = {"x": (self.size.rows, self.size.times, self.size.inputs)}
        states = state_shapes(self.cell.layout, self.config, (self.size.rows,))
        shapes |= {f"{name}0": shape for name, shape in states.items()} | weight_shapes(self.cell.layout, self.config)
        arrays = {name: drawn(name, self.samples, *shape) for name, shape in shapes.items()}
        return arrays if self.size.state else arrays | {f"{name}0": 0 * arrays[f"{name}0"] for name in states}

    def case(self, sample: int = 0) -> Case:
        """Return the case of one sample."""
        of_sample = {name: array[sample] for name, array in self.arrays.items()}
        x, states = of_sample.pop("x"), tuple(of_sample.pop(f"{name}0") for name in self.cell.states)
        lengths = None if self.size.lengths is None else np.array(self.size.lengths)
        case = Case(self.cell, self.config, of_sample, x, states, lengths, self.size.state)
        if self.size.batched:
            return case
        return replace(case, x=x[0], state=tuple(part[:, 0] for part in states), batch_given=False)

    def weights(self, suffix: str) -> Weights:
        """Return the weights of a layer and direction by names without the suffix; the first axis is the sample."""
        end = f"_{suffix}"
        return {name.removesuffix(end): array for name, array in self.arrays.items() if name.endswith(end)}

    def changed_blocks(self, suffix: str, found: Weights) -> dict[tuple[str, int], str]:
        """Return the text of each block of weights that is not the right one, by the weight's name and the gate.

        Raises ValueError if a block is not a sum of multiples of right blocks.
        """
        named, right = self._blocks(suffix), {}
        for other in self.config.suffixes:
            named |= {} if other == suffix else self._blocks(other, f"_{other}")
        for name, array in self.weights(suffix).items():
            for number, (own, block) in enumerate(
                zip(self._split(name, array), self._split(name, found[name]), strict=True)
            ):
                own_name = block_name(self.cell, name, number)
                if not np.array_equal(own, block):
                    right[name, number] = formula(block, {own_name: own, **named})
        return right

    def _split(self, name: str, array: Array) -> list[Array]:
        return np.split(array, len(self.cell.gates), axis=1) if name in dict(STACKED) else [array]

    def _blocks(self, suffix: str, ending: str = "") -> dict[str, Array]:
        """Return the blocks of the weights of a layer and direction by name, as they are and rearranged."""
        return {
            text.format(block_name(self.cell, name, number) + ending): rearranged(block)
            for name, array in self.weights(suffix).items()
            for number, block in enumerate(self._split(name, array))
            for text, rearranged in _REARRANGED.items()
            if block.shape[2:] or text in _OF_VECTORS
        }

    def names(self) -> dict[str, Array]:
        """Return the samples of each number of the inputs and initial states by its name."""
        found, arrays = dict[str, Array](), self.arrays
        for row, t in np.ndindex(self.size.rows, self.size.times):
            found |= self.by_unit(self.name(f"x{t + 1}", row), arrays["x"][:, row, t])
        for state in self.cell.states if self.size.state else ():
            for index, row in np.ndindex(arrays[f"{state}0"].shape[1:3]):
                name = self.name(f"{self.letter(state, *divmod(index, self.size.directions))}0", row)
                found |= self.by_unit(name, arrays[f"{state}0"][:, index, row])
        return found

    def letter(self, state: str, layer: int, reverse: int) -> str:
        """Return the letter of a state in a layer and direction."""
        return LETTERS[state][layer + 2 * reverse]

    def name(self, base: str, row: int) -> str:
        """Return the name of an x or a state of a batch row: ``h1``; with several rows ``h1a``."""
        return f"{base}{ROWS[row] if self.size.rows > 1 else ''}"

    def by_unit(self, name: str, values: Array) -> dict[str, Array]:
        """Return the samples of each unit by its name: ``h1``; with several units ``h1[0]``."""
        units = values.shape[1]
        return {f"{name}[{unit}]" if units > 1 else name: values[:, unit] for unit in range(units)}
