"""What may be drawn: cells, sizes, features and precisions, held against each other before anything is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from rnn_goldens.cells import cell_named
from rnn_goldens.corpus import names
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.features import ASKED_FEATURES
from rnn_goldens.golden.precision import PRECISIONS, precision_name
from rnn_goldens.golden.shapes import CELLS, is_own_cell
from rnn_goldens.golden.whole_number import whole_number


@dataclass(frozen=True)
class Sizes:
    """The largest that are drawn.

    Raises:
        TypeError: one is no whole number.
    """

    layers: int = 3
    time: int = 40
    batch: int = 129
    hidden: int = 72
    input: int = 72

    def __post_init__(self) -> None:
        """Whole numbers of every library become Python's."""
        for name, size in vars(self).items():
            object.__setattr__(self, name, _whole(name, size))


def _whole(name: str, size: int) -> int:
    if (whole := whole_number(size)) is None:
        raise TypeError(f"max_{name} is a whole number, not {size!r}")
    return whole


@dataclass(frozen=True)
class Bounds:
    """What may be drawn.

    Attributes:
        cells: one of them.
        sizes: the largest.
        having: features that all have.
        lacking: features that none has.
        precisions: each is in one of them.
    """

    cells: tuple[str, ...]
    sizes: Sizes
    having: frozenset[str]
    lacking: frozenset[str]
    precisions: tuple[str, ...]

    def stated(self, cells: Collection[str], features: Collection[str], precisions: Collection[str]) -> "Bounds":
        """The same within what a program says it supports; as they are if nothing would be left."""
        within = replace(
            self,
            cells=tuple(cell for cell in self.cells if cell in cells),
            lacking=self.lacking | (set(ASKED_FEATURES) - set(features)),
            precisions=tuple(name for name in self.precisions if name in precisions),
        )
        return within if within.cells and within.precisions and not within.having & within.lacking else self

    def hold(self, golden: GoldenData) -> bool:
        """Whether a golden could have been drawn, as far as its cell, features and sizes go."""
        config, features = golden.config, set(golden.features)
        rows, (time, inputs) = golden.batch_shape or (1,), golden.stored.x.shape[-2:]
        sizes = Sizes(config.num_layers, time, rows[0], config.hidden_size, inputs)
        return (
            golden.cell in self.cells
            and self.having <= features
            and not self.lacking & features
            and all(size <= getattr(self.sizes, name) for name, size in vars(sizes).items())
        )


def bounds(
    cell: str | Iterable[str],
    sizes: Sizes,
    features: str | Iterable[str],
    without: str | Iterable[str],
    precisions: object,
) -> Bounds:
    """The bounds, once they are known to leave something to draw.

    Raises:
        UnknownName: a cell, feature or precision that there is not.
        WrongUse: nothing meets them, or a cell of one's own is not to be had; the message says why.
        TypeError: an argument is of the wrong kind.
    """
    cells, having, lacking = names("cell", cell), names("features", features), names("without", without)
    for name in (*having, *lacking):
        if name not in ASKED_FEATURES:
            raise UnknownName("feature", name, ASKED_FEATURES, plural="features that are drawn")
    for name in cells:
        if name not in CELLS and not is_own_cell(name):
            raise UnknownName("cell", name, CELLS)
        cell_named(name)
    found = Bounds(
        _in_order(cells, (*CELLS, *cells)), sizes, frozenset(having), frozenset(lacking), _precisions(precisions)
    )
    _require_something(found)
    return found


def _precisions(asked: object) -> tuple[str, ...]:
    several = list(asked) if isinstance(asked, Iterable) and not isinstance(asked, str) else [asked]
    try:
        named = [precision_name(one) for one in several]
    except TypeError:
        raise TypeError(f"precisions takes one or several of {', '.join(PRECISIONS)}, not {asked!r}") from None
    return _in_order(named, ("float32", *PRECISIONS))


def _in_order(asked: Iterable[str], order: Iterable[str]) -> tuple[str, ...]:
    """The simplest first: what a failing example is shrunk to."""
    wanted = set(asked)
    return tuple(name for name in dict.fromkeys(order) if name in wanted)


def _require_something(bounds: Bounds) -> None:
    for name, size in vars(bounds.sizes).items():
        if size < 1:
            raise WrongUse(f"max_{name} is {size}: every network has at least one; say 1 or more")
    if not bounds.cells or not bounds.precisions:
        raise WrongUse("nothing can be drawn: there is no cell or no precision to draw; leave the argument out for all")
    if both := bounds.having & bounds.lacking:
        raise WrongUse(f"{', '.join(sorted(both))} is asked of every golden and kept out of all: leave out one of them")
    if {"lengths", "unbatched"} <= bounds.having:
        raise WrongUse("lengths are those of the rows of a batch, and unbatched goldens have none: ask one of them")
    for feature, name, size in (("lengths", "time", bounds.sizes.time), ("multilayer", "layers", bounds.sizes.layers)):
        if feature in bounds.having and size == 1:
            raise WrongUse(f"max_{name} is 1, and {feature} is asked of every golden, which takes at least 2")
