"""A convention for weights: a name, and the conversions from and to PyTorch's convention."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.outputs import NotNumbers, read
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS, standard_cell
from rnn_goldens.golden.shapes import Config, Layout, is_custom_cell, weight_shapes

Array = NDArray[np.float64]

Weights = Mapping[str, Array]

Conversion = Callable[[str, Config, Weights], Weights]
"""(cell, config, weights) → the same weights in another convention."""

TORCH = {cell: layout.gates for cell, layout in LAYOUTS.items()}
KERAS = {
    cell: {"gru": "zrn"}.get(standard_cell(cell), gates)
    for cell, gates in TORCH.items()
    if not LAYOUTS[cell].further and gates == TORCH[standard_cell(cell)]
}
ONNX = {
    cell: {"lstm": "iofg", "gru": "zrn"}.get(standard_cell(cell), gates)
    for cell, gates in TORCH.items()
    if cell in CELLS or DIALECTS[cell].in_onnx
}
"""The gate orders of conventions, with PyTorch's letter for each gate.

LSTM: input i, forget f, candidate g (c in Keras and ONNX), output o. GRU: reset r, update z, candidate n (h).
"""


@dataclass(frozen=True)
class Convention:
    """A convention for the weights of recurrent networks.

    Attributes:
        name: its name in ``Golden.weights_as``.
        torch_to: PyTorch's weights → this convention's; raises Unsupported if this convention cannot represent them.
        torch_from: the inverse, for weights with valid names and shapes, which ``to_torch`` checks.
        cells: the supported cells; if empty, all cells and custom cells.
        foreign_names: parts of names that only another library uses, and the error text for them.
    """

    name: str
    torch_to: Conversion
    torch_from: Conversion
    cells: tuple[str, ...] = ()
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

        Args:
            cell: the cell.
            config: the configuration of the network.
            weights: by name; or nested, as in Flax and JAX: ``{"l0": {"ii": {"kernel": …`` is ``l0/ii/kernel``, as is
                ``{"params": {"l0": …``; a single layer may omit ``l0``.
            layout: the layout of a custom cell.

        Raises:
            Unsupported: the convention cannot represent such a network, or the network cannot represent these weights.
            WrongUse: an array is missing, unknown, not numeric or of another shape than the configuration requires.
        """
        if not isinstance(weights, Mapping):
            raise WrongUse(f"{self.name} weights are a {type(weights).__name__}, not a mapping of names to arrays")
        zeros = self.from_torch(cell, config, _zeros(layout or LAYOUTS[cell], config))
        wanted = {name: array.shape for name, array in zeros.items()}
        weights = named_as(wanted, dict(flat(weights)))
        for part in (part for name in weights for part in name.split("/") if part in self.foreign_names):
            raise WrongUse(f"{self.foreign_names[part]} ({part})")
        problems = [f"no {name}" for name in wanted if name not in weights]
        problems += [f"{name} is not one of {', '.join(wanted)}" for name in weights if name not in wanted]
        arrays: dict[str, Array] = {}
        for name in (name for name in wanted if name in weights):
            try:
                arrays[name] = read(weights[name]).values
            except NotNumbers as reason:
                problems.append(f"{name} {reason}")
        problems += [
            f"{name} is {arrays[name].shape}, not {shape}"
            for name, shape in wanted.items()
            if name in arrays and arrays[name].shape != shape
        ]
        if problems:
            raise WrongUse(f"{self.name} weights of a {cell} with {dict(config)}: {'; '.join(problems)}")
        return self.torch_from(cell, config, arrays)


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


def _zeros(layout: Layout, config: Config) -> Weights:
    return {name: np.zeros(shape) for name, shape in weight_shapes(layout, config).items()}


def reorder(stacked: Array, order: str, wanted: str) -> Array:
    """Return (gates·hidden, …) with the gates in another order: ``reorder(weight_ih, "ifgo", "iofg")``."""
    blocks = dict(zip(order, np.split(stacked, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in wanted])
