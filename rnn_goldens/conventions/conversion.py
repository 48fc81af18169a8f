"""What a convention is: a name, and the way there and back."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.shapes import LAYOUTS, Config, Layout, is_own_cell, weight_shapes
from rnn_goldens.judging.outputs import NotNumbers, read

Array = NDArray[np.float64]

Weights = Mapping[str, Array]

Conversion = Callable[[str, Config, Weights], Weights]
"""(cell, config, weights) → the same weights in another convention."""


@dataclass(frozen=True)
class Convention:
    """A convention for the weights of recurrent networks.

    Attributes:
        name: what ``Golden.weights_as`` calls it.
        torch_to: PyTorch's weights → this convention's; raises Unsupported where it can not hold them.
        torch_from: the way back, for weights whose names and shapes are right; ``to_torch`` sees to that.
        of_any_cell: whether it has cells of someone's own.
        strangers: parts of names by which weights are known to be of another library, and what to say of them.
    """

    name: str
    torch_to: Conversion
    torch_from: Conversion
    of_any_cell: bool = False
    strangers: Mapping[str, str] = field(default_factory=dict)

    def from_torch(self, cell: str, config: Config, weights: Weights) -> Weights:
        """Turn PyTorch's weights into this convention's. Raises Unsupported where it can not hold them."""
        if is_own_cell(cell) and not self.of_any_cell:
            raise Unsupported(f"the {self.name} convention has no cell {cell}: its weights are as torch's are")
        return self.torch_to(cell, config, weights)

    def to_torch(self, cell: str, config: Config, weights: Mapping[str, Any], layout: Layout | None = None) -> Weights:
        """Turn this convention's weights, array-likes of any library, into PyTorch's.

        Args:
            cell: of which cell they are.
            config: of which network.
            weights: by name; or nested, as Flax and JAX have them: ``{"l0": {"ii": {"kernel": …`` is ``l0/ii/kernel``,
                as is ``{"params": {"l0": …``; a single layer's may do without ``l0``.
            layout: of a cell of someone's own.

        Raises:
            Unsupported: this convention can not hold the weights of such a network, or the network not these weights.
            WrongUse: an array is missing, is one too many, is no array of numbers or has another shape than the
                configuration asks for.
        """
        if not isinstance(weights, Mapping):
            raise WrongUse(f"{self.name} weights are a {type(weights).__name__}, not a mapping of names to arrays")
        zeros = self.from_torch(cell, config, _zeros(layout or LAYOUTS[cell], config))
        wanted = {name: array.shape for name, array in zeros.items()}
        weights = named_as(wanted, dict(flat(weights)))
        for part in (part for name in weights for part in name.split("/") if part in self.strangers):
            raise WrongUse(f"{self.strangers[part]} ({part})")
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
    """Nested mappings as one, with a slash between the names."""
    for name, value in weights.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value


def named_as(wanted: Iterable[str], weights: dict[str, Any]) -> dict[str, Any]:
    """Without the ``params`` that Flax puts above all; of a single layer, whose own names are plain, with its name."""
    if weights and all(name.startswith("params/") for name in weights):
        weights = {name.removeprefix("params/"): array for name, array in weights.items()}
    if weights and {f"l0/{name}" for name in weights} <= set(wanted):
        weights = {f"l0/{name}": array for name, array in weights.items()}
    return weights


def _zeros(layout: Layout, config: Config) -> Weights:
    return {name: np.zeros(shape) for name, shape in weight_shapes(layout, config).items()}
