"""Converts weights between conventions: the names, shapes and orders of libraries. Goldens store PyTorch's weights.

A convention that cannot represent a golden raises Unsupported instead of omitting numbers. ``layouts.py`` has the
details; in short:

=========  =========================================  ============  ===========  =============================
name       arrays                                     LSTM gates    GRU gates    biases
=========  =========================================  ============  ===========  =============================
torch      ``weight_ih_l0`` (gates·hidden, input)     i, f, g, o    r, z, n      b_ih and b_hh
textbook   ``W_xh`` (input, hidden)                   none          none         ``b`` = b_ih + b_hh
keras      ``l0/kernel`` (input, gates·hidden)        i, f, c, o    z, r, h      b_ih + b_hh; GRU: both
onnx       ``l0/W`` (directions, gates·hidden, input) i, o, f, c    z, r, h      both, in one ``l0/B``
flax       ``l0/ii/kernel`` (input, hidden) per gate  by name       by name      b_ih + b_hh; GRU: b_hn apart
=========  =========================================  ============  ===========  =============================

A convention moves each number of a weight to one or more positions, possibly with the opposite sign, and may add two
numbers. To find the positions of each number, indices are converted instead of the weights. The way back, of weights
and of gradients, follows from these positions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.array_conversion import NotNumbers, Output, read
from rnn_goldens.conventions import layouts
from rnn_goldens.conventions.layouts import Array, Weights
from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS, standard_cell
from rnn_goldens.golden.precision import Precision
from rnn_goldens.golden.shapes import Config, Layout, is_custom_cell, weight_shapes

Conversion = Callable[[str, Config, Weights], Weights]
"""(cell, config, weights) → the same weights in another convention."""


@dataclass(frozen=True)
class Convention:
    """A convention for the weights of recurrent networks.

    Attributes:
        name: its name in ``Golden.weights_as``.
        torch_to: PyTorch's weights → this convention's; raises Unsupported if this convention cannot represent them.
        cells: the supported cells; if empty, all cells and custom cells.
        sums_to_hh: the standard cells whose sums of two biases become b_hh when converted back; else they become b_ih.
        foreign_names: parts of names that only another library uses, and the error text for them.
    """

    name: str
    torch_to: Conversion
    cells: tuple[str, ...] = ()
    sums_to_hh: tuple[str, ...] = ()
    foreign_names: Mapping[str, str] = field(default_factory=dict)

    def from_torch(self, cell: str, config: Config, weights: Weights) -> Weights:
        """Convert PyTorch's weights to this convention. Raises Unsupported if this is not possible."""
        if self.cells and cell not in self.cells:
            kind = "custom cell" if is_custom_cell(cell) else "cell"
            raise Unsupported(
                f"the {self.name} convention does not support the {kind} {cell}: use the torch convention"
            )
        return self.torch_to(cell, config, weights)

    def to_torch(self, cell: str, config: Config, weights: Mapping[str, Any], layout: Layout | None = None) -> Weights:
        """Convert this convention's weights, array-likes of any library, to PyTorch's.

        Weights are by name; or nested, as in Flax and JAX: ``{"l0": {"ii": {"kernel": …`` is ``l0/ii/kernel``, as is
        ``{"params": {"l0": …``; a single layer may omit ``l0``. A custom cell needs its layout.

        Raises:
            Unsupported: the convention cannot represent such a network, or the network cannot represent these weights.
            WrongUse: an array is missing, unknown, not numeric or of another shape than the configuration requires.
        """
        if not isinstance(weights, Mapping):
            raise WrongUse(f"{self.name} weights are a {type(weights).__name__}, not a mapping of names to arrays")
        layout = layout or LAYOUTS[cell]
        wanted = self._shapes(cell, config, layout)
        given = named_as(wanted, dict(flat(weights)))
        for part in (part for name in given for part in name.split("/") if part in self.foreign_names):
            raise WrongUse(f"{self.foreign_names[part]} ({part})")
        arrays, problems = _read(given, wanted)
        if problems := [*(f"no {name}" for name in wanted if name not in given), *problems]:
            raise WrongUse(f"{self.name} weights of a {cell} with {dict(config)}: {'; '.join(problems)}")
        found = {name: np.zeros(shape) for name, shape in weight_shapes(layout, config).items()}
        left = {name: np.ones(shape, bool) for name, shape in wanted.items()}
        targets = list(self.places(cell, config, layout).items())
        is_reversed = not is_custom_cell(cell) and standard_cell(cell) in self.sums_to_hh
        for name, places in targets[:: -1 if is_reversed else 1]:
            for at, place in places.items():
                used = (place != 0) & left[at]
                found[name].flat[_index(place[used])] = np.sign(place[used]) * arrays[at].values[used]
                left[at] &= ~used
        for at, is_left in left.items():
            if arrays[at].values[is_left].any():
                raise Unsupported(f"a network without biases cannot represent {at}: it is not zero")
        return found

    def gradients_to_torch(
        self, cell: str, config: Config, layout: Layout, gradients: Mapping[str, Any], least: Precision
    ) -> dict[str, Array]:
        """Return the gradients of PyTorch's weights from those of this convention's weights: the transposed conversion.

        Gradients are by name, possibly nested. Some may be missing; results that need them are omitted.

        Raises:
            TypeError: a gradient is less precise than ``least``.
            WrongUse: an array is unknown, not numeric or of another shape than its weight.
            Unsupported: the convention cannot represent such weights.
        """
        wanted = self._shapes(cell, config, layout)
        arrays, problems = _read(named_as(wanted, dict(flat(gradients))), wanted)
        if problems:
            raise WrongUse(f"{self.name} gradients: {'; '.join(problems)}")
        for name, array in arrays.items():
            if array.bits is not None and array.bits < least.bits:
                raise TypeError(
                    f"{self.name} gradients: {name} is {array.dtype}: less precise than the declared {least.name}"
                )
        found: dict[str, Array] = {}
        for name, places in self.places(cell, config, layout).items():
            if places.keys() <= arrays.keys():
                found[name] = np.zeros(weight_shapes(layout, config)[name])
                for at, place in places.items():
                    used = place != 0
                    np.add.at(
                        found[name].reshape(-1), _index(place[used]), np.sign(place[used]) * arrays[at].values[used]
                    )
        return found

    def places(self, cell: str, config: Config, layout: Layout) -> dict[str, dict[str, Array]]:
        """For each PyTorch weight and each array of this convention, return the index of the number at each position.

        Indices start at 1 and are negative for the opposite sign; 0 is a position without a number of this weight.
        Raises Unsupported if the convention cannot represent the weights.
        """
        zeros = _zeros(layout, config)
        found: dict[str, dict[str, Array]] = {}
        for name, zero in zeros.items():
            numbered = {**zeros, name: np.arange(1.0, 1 + zero.size).reshape(zero.shape)}
            moved = self.from_torch(cell, config, numbered)
            found[name] = {at: place for at, place in moved.items() if place.any()}
        return found

    def _shapes(self, cell: str, config: Config, layout: Layout) -> dict[str, tuple[int, ...]]:
        return {name: array.shape for name, array in self.from_torch(cell, config, _zeros(layout, config)).items()}


def _zeros(layout: Layout, config: Config) -> dict[str, Array]:
    return {name: np.zeros(shape) for name, shape in weight_shapes(layout, config).items()}


def _index(places: Array) -> NDArray[np.intp]:
    return np.abs(places).astype(np.intp) - 1


def flat(weights: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the items of nested mappings, with slashes between the names."""
    for name, value in weights.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value


def named_as(wanted: Iterable[str], weights: dict[str, Any]) -> dict[str, Any]:
    """Return weights without Flax's outer ``params``, and with ``l0/`` before the names of a single layer."""
    if weights and all(name.startswith("params/") for name in weights):
        weights = {name.removeprefix("params/"): array for name, array in weights.items()}
    if weights and {f"l0/{name}" for name in weights} <= set(wanted):
        weights = {f"l0/{name}": array for name, array in weights.items()}
    return weights


def _read(given: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, Output], list[str]]:
    """Return the arrays with known names, and the problems of all arrays."""
    problems = [f"{name} is not one of {', '.join(wanted)}" for name in given if name not in wanted]
    arrays: dict[str, Output] = {}
    for name in (name for name in wanted if name in given):
        try:
            arrays[name] = read(given[name])
        except NotNumbers as reason:
            problems.append(f"{name} {reason}")
    shapes = {name: array.values.shape for name, array in arrays.items()}
    problems += [f"{name} is {shape}, not {wanted[name]}" for name, shape in shapes.items() if shape != wanted[name]]
    return arrays, problems


CONVENTIONS = {
    c.name: c
    for c in (
        Convention("torch", layouts.torch),
        Convention("textbook", layouts.textbook, CELLS),
        Convention("keras", layouts.keras, tuple(layouts.KERAS)),
        Convention("onnx", layouts.onnx, tuple(layouts.ONNX)),
        Convention(
            "flax",
            layouts.flax,
            tuple(cell for cell in layouts.KERAS if cell != "gru_reset_before"),
            sums_to_hh=("lstm",),
            foreign_names=layouts.OF_NNX,
        ),
    )
}


def convention(name: str) -> Convention:
    """Return a convention by its name; raises UnknownName with the names that exist."""
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise UnknownName("convention", name, CONVENTIONS) from None
