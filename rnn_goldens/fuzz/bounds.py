"""The bounds of drawn goldens: cells, sizes, features and precisions, checked for contradictions before drawing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from rnn_goldens.cells import cell_named
from rnn_goldens.corpus import names
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.features import INPUT_FEATURES
from rnn_goldens.golden.precision import PRECISIONS, precision_name, whole_number
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES
from rnn_goldens.golden.shapes import is_custom_cell


@dataclass(frozen=True)
class Sizes:
    """The largest sizes to draw. Raises TypeError if a size is not an integer."""

    layers: int = 3
    time: int = 40
    batch: int = 129
    hidden: int = 72
    input: int = 72

    def __post_init__(self) -> None:
        """Convert integers of any library to Python's."""
        for name, size in list(vars(self).items()):
            if (whole := whole_number(size)) is None:
                raise TypeError(f"max_{name} must be an integer, not {size!r}")
            object.__setattr__(self, name, whole)


@dataclass(frozen=True)
class Bounds:
    """The bounds of drawn goldens."""

    cells: tuple[str, ...]  # the cells to draw from
    sizes: Sizes  # the largest sizes
    having: frozenset[str]  # features that every golden has
    lacking: frozenset[str]  # features that no golden has
    precisions: tuple[str, ...]  # the precisions to draw from

    def stated(self, cells: Collection[str], features: Collection[str], precisions: Collection[str]) -> "Bounds":
        """Return the bounds restricted to what a program supports; unchanged if nothing would be left."""
        within = replace(
            self,
            cells=tuple(cell for cell in self.cells if cell in cells),
            lacking=self.lacking | (set(INPUT_FEATURES) - set(features)),
            precisions=tuple(name for name in self.precisions if name in precisions),
        )
        return within if within.cells and within.precisions and not within.having & within.lacking else self

    def allow(self, golden: GoldenData) -> bool:
        """Return whether the cell, features and sizes of a golden are within the bounds."""
        config, features = golden.network, set(golden.features)
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
    """Return bounds after checking that some golden meets them; raises as ``rnn_goldens.hypothesis.goldens``."""
    cells, having, lacking = names("cell", cell), names("features", features), names("without", without)
    for name in (*having, *lacking):
        if name not in INPUT_FEATURES:
            raise UnknownName("feature", name, INPUT_FEATURES, plural="features that can be drawn")
    for name in cells:
        if name in RECURRENCES or name in INTEGER_LSTMS:
            what = "a recurrence" if name in RECURRENCES else "an integer LSTM"
            raise WrongUse(f"{name} is {what}, and only networks are drawn: rnn-goldens check --cell {name}")
        if name not in LAYOUTS and not is_custom_cell(name):
            raise UnknownName("cell", name, LAYOUTS)
        cell_named(name)
    checked = Bounds(
        _in_order(cells, (*CELLS, *cells)), sizes, frozenset(having), frozenset(lacking), _precisions(precisions)
    )
    _require_satisfiable(checked)
    return checked


def _precisions(value: object) -> tuple[str, ...]:
    several = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    try:
        selected = [precision_name(one) for one in several]
    except TypeError:
        raise TypeError(f"precisions takes one or several of {', '.join(PRECISIONS)}, not {value!r}") from None
    return _in_order(selected, ("float32", *PRECISIONS))


def _in_order(names: Iterable[str], order: Iterable[str]) -> tuple[str, ...]:
    """Return names in the given order. The first is the simplest: failing examples shrink to it."""
    selected = set(names)
    return tuple(name for name in dict.fromkeys(order) if name in selected)


def _require_satisfiable(bounds: Bounds) -> None:
    for name, size in vars(bounds.sizes).items():
        if size < 1:
            raise WrongUse(f"max_{name} is {size}: it must be at least 1")
    if not bounds.cells or not bounds.precisions:
        raise WrongUse("nothing can be drawn: no cell or no precision is selected; omit the argument to draw from all")
    if both := bounds.having & bounds.lacking:
        raise WrongUse(f"{', '.join(sorted(both))} is both required and excluded")
    if {"lengths", "unbatched"} <= bounds.having:
        raise WrongUse("an unbatched golden cannot have lengths: require only one of unbatched and lengths")
    for feature, name, size in (("lengths", "time", bounds.sizes.time), ("multilayer", "layers", bounds.sizes.layers)):
        if feature in bounds.having and size == 1:
            raise WrongUse(f"max_{name} is 1, but {feature} is required, which needs at least 2")
