"""Which sizes of each dimension the goldens have: one, and just above what vectors, tiles and buffers hold."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rnn_goldens.golden.shapes import CELLS, Config

ONE_LAYER = ("input", "hidden", "batch", "time")
DEEP = ("input of upper layers", "layers · directions")
DIMENSIONS = (*ONE_LAYER, *DEEP)

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
        "a golden of some 2 MB a cell; a relu RNN, whose numbers are whole, is asked",
    ),
    Hole(
        "layers · directions",
        (17,),
        CERTIFIED,
        "nothing of a cell depends on so many layers; a relu RNN, whose numbers are whole, is asked",
    ),
    Hole("layers · directions", (33, 65, 129), CELLS, "no framework is known to do more than 16 layers otherwise"),
)


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


def is_hole(cell: str, dimension: str, size: int) -> bool:
    """Whether a size is left out on purpose."""
    return any(cell in hole.cells and dimension == hole.dimension and size in hole.sizes for hole in HOLES)
