"""The sizes of each dimension that goldens must have: one, and just above the sizes of vectors, tiles and buffers."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.generator.coverage.implementation_kinds import ONE_LAYER, ImplementationKind
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.shapes import Config

OF_ONE_LAYER = ("input", "hidden", "batch", "time")
DEEP = ("input of upper layers", "layers · directions")
DIMENSIONS = (*OF_ONE_LAYER, *DEEP)

SIZES = (1, 9, 17, 33, 65, 129)
"""One, and one more than powers of two."""

JUST = 5 / 4
"""A golden covers a size if it has at least the size and at most this multiple of the size: 18 inputs cover 17."""

Sizes = Mapping[str, int]
"""The sizes of a golden by dimension."""


@dataclass(frozen=True)
class SizeGap:
    """Sizes that no golden has, on purpose."""

    dimension: str
    sizes: tuple[int, ...]
    cells: tuple[str, ...]  # the cells without a golden of these sizes
    reason: str


CERTIFIED = ("rnn_tanh", "lstm", "gru")

GAPS = (
    SizeGap(
        "input of upper layers",
        (1,),
        CELLS,
        "an upper layer with one input is computed like a first layer with one input",
    ),
    SizeGap(
        "input of upper layers",
        (129,),
        CERTIFIED,
        "a golden would have up to 9 MB; a relu RNN with integers covers it",
    ),
    SizeGap(
        "layers · directions",
        (17,),
        CERTIFIED,
        "no cell depends on so many layers; a relu RNN with integers covers it",
    ),
    SizeGap(
        "layers · directions",
        (33, 65, 129),
        CELLS,
        "no framework is known to treat so many differently from 18",
    ),
)


WITH: Mapping[str, Mapping[str, int]] = {
    "bidirectional": {"input": 33, "hidden": 33},
    "multilayer": {"input": 33, "hidden": 33},
    "lengths": {"batch": 129, "time": 129},
}
"""Sizes that some golden with a feature must have: a bug with large sizes may affect only one direction or layer.

Not required: an unbatched input of many steps, which is computed as a batch of one; many rows or steps of several
layers, which are computed one after the other.
"""


@dataclass(frozen=True)
class SizeCombination:
    """Sizes that one golden must have together: some implementations fail only if two dimensions are large."""

    sizes: Sizes  # the smallest sizes by dimension
    of: ImplementationKind  # the kind of implementation that the golden must fit
    backward: bool = False  # whether a golden with gradients must have these sizes, too

    @property
    def network(self) -> str:
        """The features, in words."""
        return f"with {', '.join(self.of.features)} and without {', '.join(self.of.without)}"

    @property
    def large(self) -> str:
        """The sizes, in words."""
        return ", ".join(f"{dimension} {size}" for dimension, size in self.sizes.items())

    def is_in(self, features: Collection[str], sizes: Sizes) -> bool:
        """Return whether a golden with these features has these sizes."""
        return self.of.can(features) and all(sizes.get(name, 0) >= size for name, size in self.sizes.items())


NINE = {"input": 9, "hidden": 9, "batch": 9}
"""Just above vectors of 8; larger sizes together would take megabytes per cell."""

_DEEP = ImplementationKind(
    "deep",
    "Layers and directions from a given state.",
    features=("bias", "multilayer", "bidirectional", "state"),
    without=("lengths",),
)
_RAGGED = ImplementationKind(
    "ragged", "Ragged, without biases.", features=("bidirectional", "lengths", "state"), without=("bias",)
)

AT_ONCE = (
    SizeCombination(NINE | {"time": 9}, ONE_LAYER, backward=True),
    SizeCombination(NINE | {"time": 9, "input of upper layers": 18}, _DEEP),
    SizeCombination(NINE | {"time": 9}, _RAGGED),
)


def missing_at_once(
    goldens: Iterable[tuple[str, Collection[str], Sizes]], required: Iterable[SizeCombination]
) -> Iterator[str]:
    """Yield the required combinations of sizes that no golden of a cell has."""
    listed = list(goldens)
    for cell, at_once in product(CELLS, required):
        if not any(of == cell and at_once.is_in(features, sizes) for of, features, sizes in listed):
            yield f"{cell}: no golden {at_once.network} has all of {at_once.large}"


def sizes_of(config: Config, x: tuple[int, ...]) -> dict[str, int]:
    """Return the sizes of a golden by dimension; the shape of ``x`` is (batch, time, input) or (time, input)."""
    sizes = {"input": config.input_size, "hidden": config.hidden_size, "time": x[-2]}
    if len(x) == 3:  # noqa: PLR2004 - with a batch axis
        sizes["batch"] = x[0]
    if config.num_layers > 1:
        sizes["input of upper layers"] = config.hidden_size * config.num_directions
    return sizes | {"layers · directions": config.num_layers * config.num_directions}


def missing(goldens: Iterable[tuple[str, Sizes]], dimensions: Iterable[str] = DIMENSIONS) -> Iterator[str]:
    """Yield the sizes that no golden of a cell has and that are not listed as gaps, and covered gaps."""
    sizes_of_goldens: dict[tuple[str, str], set[int]] = {}
    for cell, sizes in goldens:
        for dimension, size in sizes.items():
            sizes_of_goldens.setdefault((cell, dimension), set()).add(size)
    for cell in CELLS:
        for dimension in dimensions:
            for size in SIZES:
                covered = any(size <= n <= size * JUST for n in sizes_of_goldens.get((cell, dimension), ()))
                known = is_gap(cell, dimension, size)
                if not covered and not known:
                    yield f"{cell}, {dimension}: no golden has {size}"
                if covered and known:
                    yield f"{cell}, {dimension}: {size} is listed as a gap, but a golden has it"


def missing_with_features(goldens: Iterable[tuple[str, Collection[str], Sizes]]) -> Iterator[str]:
    """Yield the sizes that no golden of a cell with a feature has."""
    listed = list(goldens)
    for cell in CELLS:
        for feature, least in WITH.items():
            having = [sizes for of, features, sizes in listed if of == cell and feature in features]
            for dimension, size in least.items():
                if not any(sizes.get(dimension, 0) >= size for sizes in having):
                    yield f"{cell}, {dimension}: no golden with {feature} has {size}"


def sizes_back(config: Config, gradients: Mapping[str, NDArray[np.float64]]) -> dict[str, int]:
    """Return the sizes whose last index has a nonzero gradient; of time the first step, which is computed last."""
    x, w_ih, last = gradients["x"], gradients["weight_ih_l0"], config.hidden_size - 1
    last_places = {
        "input": w_ih[:, -1],
        "hidden": w_ih[last :: config.hidden_size],
        "batch": x[-1],
        "time": x[..., 0, :],
        "input of upper layers": gradients.get("weight_ih_l1", w_ih)[:, -1],
        "layers · directions": w_ih,
    }
    return {dimension: size for dimension, size in sizes_of(config, x.shape).items() if last_places[dimension].any()}


def is_gap(cell: str, dimension: str, size: int) -> bool:
    """Return whether a size is left out on purpose."""
    return any(cell in gap.cells and dimension == gap.dimension and size in gap.sizes for gap in GAPS)
