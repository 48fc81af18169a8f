"""Inputs whose arrays a framework traces, and the outputs to differentiate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.outputs import is_array, outputs_of, states_apart
from rnn_goldens.conventions import convention as named
from rnn_goldens.conventions.gradients import places
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import COTANGENTS, missing_output_reason
from rnn_goldens.golden.precision import precision_name

Function = Callable[[Inputs], Any]
"""A user's function that returns outputs."""

Make = Callable[[NDArray[Any]], Any]
"""Converts a NumPy array into the framework's."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TracedInputs(Inputs):
    """Inputs with ``x``, initial states and weights of a framework.

    Attributes:
        make: creates arrays that are not traced.
    """

    make: Make

    def weights_as(self, convention: str) -> dict[str, Any]:
        """As ``Inputs.weights_as``, with arrays derived from the traced weights."""
        untraced = super().weights_as(convention)
        found: dict[str, Any] = {}
        for name, went in places(named(convention), self.cell, self.config, self.layout).items():
            numbers = self.weights[name].reshape(-1)
            for at, place in went.items():
                index = np.maximum(np.abs(place) - 1, 0).astype(np.int64)
                part = numbers[self.make(index)] * self.make(np.sign(place).astype(untraced[at].dtype))
                found[at] = found[at] + part if at in found else part
        return {at: found[at] if at in found else self.make(array) for at, array in untraced.items()}

    def in_precision(self, dtype: object) -> "TracedInputs":
        """Return itself; raises Unsupported for another precision, whose arrays would not be traced."""
        if precision_name(dtype) != self.dtype:
            raise Unsupported("a function that requests another precision cannot be differentiated")
        return self


def arrays_of(golden: Inputs) -> dict[str, NDArray[Any]]:
    """Return the arrays to differentiate by, by name."""
    states = () if golden.initial_state is None else golden.layout.states
    return {"x": golden.x, **{f"{name}0": getattr(golden, f"{name}0") for name in states}, **golden.weights}


def traced(golden: Inputs, arrays: Mapping[str, Any], make: Make) -> TracedInputs:
    """Return the inputs with a framework's arrays in place of those of ``arrays_of``."""
    inputs = TracedInputs(**{f.name: getattr(golden, f.name) for f in fields(Inputs)}, make=make)
    weights = {name: arrays[name] for name in golden.weights}
    given = {name: array for name, array in arrays.items() if name not in weights}
    vars(inputs).update(given, weights=MappingProxyType(weights))  # where cached properties are stored
    return inputs


def with_cotangents(golden: Inputs, outputs: Any) -> dict[str, Any]:  # noqa: ANN401 - of a network
    """Return the output for each cotangent; for a network that returns only out, only nonzero cotangents.

    Raises:
        Unsupported: the network returns only out, and there are cotangents of other outputs.
        TypeError: it returned no outputs.
    """
    if not is_array(outputs):
        found = states_apart(golden.layout, *outputs_of(outputs))
        return {name: found.get(COTANGENTS[name]) for name in golden.cotangents}
    for name, cotangent in golden.cotangents.items():
        if COTANGENTS[name] != "out" and cotangent.any():
            raise Unsupported(missing_output_reason(COTANGENTS[name]))
    return {"d_out": outputs}


def untraceable(library: str, error: Exception) -> Unsupported:
    """Return the refusal of a function that accepts NumPy arrays but not traced ones."""
    reason = (str(error).strip() or "no reason given").splitlines()[0]
    return Unsupported(f"{library} cannot differentiate the function: {type(error).__name__}: {reason}")
