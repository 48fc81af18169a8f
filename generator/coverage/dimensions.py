"""Which sizes of each dimension the goldens have: one, and just above what vectors, tiles and buffers hold."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.generator.coverage.profiles import ONE_LAYER, Profile
from rnn_goldens.golden.shapes import CELLS, Config

OF_ONE_LAYER = ("input", "hidden", "batch", "time")
DEEP = ("input of upper layers", "layers · directions")
DIMENSIONS = (*OF_ONE_LAYER, *DEEP)

SIZES = (1, 9, 17, 33, 65, 129)
"""One, and one more than powers of two."""

JUST = 5 / 4
"""A size counts for another up to this multiple of it: 18 inputs of an upper layer are just above 16."""

Sizes = Mapping[str, int]
"""By dimension, how large a golden is."""


@dataclass(frozen=True)
class Hole:
    """Sizes that no golden has, on purpose.

    Attributes:
        dimension: which.
        sizes: of it.
        cells: that are not asked.
        reason: why.
    """

    dimension: str
    sizes: tuple[int, ...]
    cells: tuple[str, ...]
    reason: str


CERTIFIED = ("rnn_tanh", "lstm", "gru")

HOLES = (
    Hole("input of upper layers", (1,), CELLS, "an upper layer with one input is computed as a first one with one is"),
    Hole(
        "input of upper layers",
        (129,),
        CERTIFIED,
        "a golden of up to 9 MB a cell; a relu RNN, whose numbers are whole, is asked",
    ),
    Hole(
        "layers · directions",
        (17,),
        CERTIFIED,
        "nothing of a cell depends on so many layers; a relu RNN, whose numbers are whole, is asked",
    ),
    Hole(
        "layers · directions",
        (33, 65, 129),
        CELLS,
        "no framework is known to compute so many in another way than 18",
    ),
)


WITH: Mapping[str, Mapping[str, int]] = {
    "bidirectional": {"input": 33, "hidden": 33},
    "multilayer": {"input": 33, "hidden": 33},
    "lengths": {"batch": 129, "time": 129},
}
"""By feature, how large some golden is that has it: what is cut off can be so in one direction or layer alone.

Not asked: an unbatched input of many steps, which is computed as a batch of one; many rows or steps of several layers,
which are computed one after the other.
"""


@dataclass(frozen=True)
class AtOnce:
    """Sizes that one golden has together: what is right in each dimension can fail where two of them are large.

    Attributes:
        sizes: by dimension, the least.
        of: the kind of implementation that can be asked the golden.
        backward: whether its gradients are asked, too.
    """

    sizes: Sizes
    of: Profile
    backward: bool = False

    @property
    def network(self) -> str:
        """The features, in words."""
        return f"with {', '.join(self.of.features)} and without {', '.join(self.of.without)}"

    @property
    def large(self) -> str:
        """The sizes, in words."""
        return ", ".join(f"{dimension} {size}" for dimension, size in self.sizes.items())

    def is_in(self, features: Collection[str], sizes: Sizes) -> bool:
        """Whether a golden with these features has these sizes."""
        return self.of.can(features) and all(sizes.get(name, 0) >= size for name, size in self.sizes.items())


NINE = {"input": 9, "hidden": 9, "batch": 9}
"""Beyond vectors of 8; larger ones at once would take megabytes a cell."""

_DEEP = Profile(
    "deep",
    "Layers and directions from a given state.",
    features=("bias", "multilayer", "bidirectional", "state"),
    without=("lengths",),
)
_RAGGED = Profile(
    "ragged", "Ragged, without biases.", features=("bidirectional", "lengths", "state"), without=("bias",)
)

AT_ONCE = (
    AtOnce(NINE | {"time": 9}, ONE_LAYER, backward=True),
    AtOnce(NINE | {"time": 9, "input of upper layers": 18}, _DEEP),
    AtOnce(NINE | {"time": 9}, _RAGGED),
)


def missing_at_once(goldens: Iterable[tuple[str, Collection[str], Sizes]], asked: Iterable[AtOnce]) -> Iterator[str]:
    """The sizes that no golden of a cell has together.

    Args:
        goldens: their cells, features and sizes.
        asked: which.
    """
    found = list(goldens)
    for cell, at_once in product(CELLS, asked):
        if not any(of == cell and at_once.is_in(features, sizes) for of, features, sizes in found):
            yield f"{cell}: no golden {at_once.network} has at once: {at_once.large}"


def sizes_of(config: Config, x: tuple[int, ...]) -> dict[str, int]:
    """How large a golden is, by dimension; those that it has.

    Args:
        config: of its network.
        x: the shape of its input, (batch, time, input) or (time, input).
    """
    found = {"input": config.input_size, "hidden": config.hidden_size, "time": x[-2]}
    if len(x) == 3:  # noqa: PLR2004 - with a batch axis
        found["batch"] = x[0]
    if config.num_layers > 1:
        found["input of upper layers"] = config.hidden_size * config.num_directions
    return found | {"layers · directions": config.num_layers * config.num_directions}


def missing(goldens: Iterable[tuple[str, Sizes]], dimensions: Iterable[str] = DIMENSIONS) -> Iterator[str]:
    """The sizes of dimensions that no golden of a cell has, and that are not listed as holes; and the reverse.

    Args:
        goldens: their cells and sizes.
        dimensions: that are asked for.
    """
    held: dict[tuple[str, str], set[int]] = {}
    for cell, sizes in goldens:
        for dimension, size in sizes.items():
            held.setdefault((cell, dimension), set()).add(size)
    for cell in CELLS:
        for dimension in dimensions:
            for size in SIZES:
                there = any(size <= n <= size * JUST for n in held.get((cell, dimension), ()))
                known = is_hole(cell, dimension, size)
                if not there and not known:
                    yield f"{cell}, {dimension}: no golden has {size}"
                if there and known:
                    yield f"{cell}, {dimension}: {size} is listed as a hole, and a golden has it"


def missing_with_features(goldens: Iterable[tuple[str, Collection[str], Sizes]]) -> Iterator[str]:
    """The sizes that no golden of a cell with a feature has.

    Args:
        goldens: their cells, features and sizes.
    """
    found = list(goldens)
    for cell in CELLS:
        for feature, least in WITH.items():
            having = [sizes for of, features, sizes in found if of == cell and feature in features]
            for dimension, size in least.items():
                if not any(sizes.get(dimension, 0) >= size for sizes in having):
                    yield f"{cell}, {dimension}: no golden with {feature} has {size}"


def sizes_back(config: Config, gradients: Mapping[str, NDArray[np.float64]]) -> dict[str, int]:
    """How large a golden is in each dimension of which the last place has a gradient that is not zero.

    The last step of the way back is the first one.

    Args:
        config: of its network.
        gradients: by the name of the array, as a golden expects them.
    """
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


def is_hole(cell: str, dimension: str, size: int) -> bool:
    """Whether a size is left out on purpose."""
    return any(cell in hole.cells and dimension == hole.dimension and size in hole.sizes for hole in HOLES)
