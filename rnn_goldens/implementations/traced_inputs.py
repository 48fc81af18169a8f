"""Inputs whose arrays a framework traces, and the outputs to differentiate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.returned import by_name, only_array, outputs_of
from rnn_goldens.conventions import convention as named
from rnn_goldens.conventions.gradients import places
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import missing_output_reason, output_of
from rnn_goldens.golden.precision import precision_name

Function = Callable[[Inputs], Any]
"""A user's function that returns outputs."""

Make = Callable[[NDArray[Any]], Any]
"""Converts a NumPy array into an array of the framework."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TracedInputs(Inputs):
    """Inputs with ``x``, initial states and weights of a framework.

    Attributes:
        make: creates arrays that are not traced.
    """

    make: Make

    def weights_as(self, convention: str) -> dict[str, Any]:
        """Return the weights as ``Inputs.weights_as`` does, with arrays derived from the traced weights."""
        untraced = super().weights_as(convention)
        found: dict[str, Any] = {}
        for name, targets in places(named(convention), self.cell, self.network, self.layout).items():
            numbers = self.weights[name].reshape(-1)
            for target, positions in targets.items():
                index = np.maximum(np.abs(positions) - 1, 0).astype(np.int64)
                part = numbers[self.make(index)] * self.make(np.sign(positions).astype(untraced[target].dtype))
                found[target] = found[target] + part if target in found else part
        return {target: found[target] if target in found else self.make(array) for target, array in untraced.items()}

    def in_precision(self, dtype: object) -> "TracedInputs":
        """Return itself; raises Unsupported for another precision, whose arrays would not be traced."""
        if precision_name(dtype) != self.dtype:
            raise Unsupported("a function that requests another precision cannot be differentiated")
        return self


def arrays_of(golden: Inputs) -> dict[str, NDArray[Any]]:
    """Return the arrays to differentiate by; those of a network under PyTorch's names."""
    return {**golden.inputs, **golden.given_states, **golden.weights}


def traced(golden: Inputs, arrays: Mapping[str, Any], make: Make) -> TracedInputs:
    """Return the inputs with a framework's arrays instead of those of ``arrays_of``."""
    inputs = TracedInputs(**{f.name: getattr(golden, f.name) for f in fields(Inputs)}, make=make)
    groups = {"inputs": golden.inputs, "weights": golden.weights, "states": golden.given_states}
    named = {group: MappingProxyType({n: arrays[n] for n in names}) for group, names in groups.items() if names}
    vars(inputs).update(named)  # where cached properties are stored
    return inputs


def with_cotangents(golden: Inputs, outputs: Any) -> dict[str, Any]:  # noqa: ANN401 - of a network
    """Return out, and each output whose cotangent is not zero, by cotangent: the loss has no other terms.

    Raises:
        Unsupported: one of these outputs is not returned.
        TypeError: no outputs are returned.
    """
    first, *others = golden.cotangents
    if (alone := only_array(outputs)) is not None:
        found = {output_of(first): alone}
    else:
        found = by_name(golden.layout, *outputs_of(outputs, layout=golden.layout))
    needed = [first, *(name for name in others if golden.cotangents[name].any())]
    for name in needed[1:]:
        if found.get(output_of(name)) is None:
            raise Unsupported(missing_output_reason(output_of(name)))
    return {name: found[output_of(name)] for name in needed}


def untraceable(library: str, error: Exception) -> Unsupported:
    """Return the refusal of a function that accepts NumPy arrays but not traced arrays."""
    reason = (str(error).strip() or "no reason given").splitlines()[0]
    return Unsupported(f"{library} cannot differentiate the function: {type(error).__name__}: {reason}")
