"""A question whose arrays a framework follows, and the outputs that it goes back from, to differentiate a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question
from rnn_goldens.conventions import convention as named
from rnn_goldens.conventions.gradients import places
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import COTANGENTS, need_state
from rnn_goldens.golden.precision import precision_name
from rnn_goldens.judging.outputs import is_array, outputs_of, states_apart

Function = Callable[[Question], Any]
"""A user's, which returns outputs."""

Make = Callable[[NDArray[Any]], Any]
"""NumPy's array → the framework's."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Traced(Question):
    """A question with ``x``, initial states and weights of a framework; the rest is as it is.

    Attributes:
        make: makes arrays that are not followed.
    """

    make: Make

    def weights_as(self, convention: str) -> dict[str, Any]:
        """As ``Question.weights_as``, in arrays that follow from the weights that are traced."""
        untraced = super().weights_as(convention)
        found: dict[str, Any] = {}
        for name, went in places(named(convention), self.cell, self.config, self.layout).items():
            numbers = self.weights[name].reshape(-1)
            for at, place in went.items():
                index = np.maximum(np.abs(place) - 1, 0).astype(np.int64)
                part = numbers[self.make(index)] * self.make(np.sign(place).astype(untraced[at].dtype))
                found[at] = found[at] + part if at in found else part
        return {at: found[at] if at in found else self.make(array) for at, array in untraced.items()}

    def in_precision(self, dtype: object) -> "Traced":
        """Itself; raises Unsupported for another precision, whose arrays do not follow from those that are traced."""
        if precision_name(dtype) != self.dtype:
            raise Unsupported("a function that asks for another precision can not be differentiated")
        return self


def arrays_of(golden: Question) -> dict[str, NDArray[Any]]:
    """By name, what gradients are asked by."""
    states = () if golden.initial_state is None else golden.layout.states
    return {"x": golden.x, **{f"{name}0": getattr(golden, f"{name}0") for name in states}, **golden.weights}


def traced(golden: Question, arrays: Mapping[str, Any], make: Make) -> Traced:
    """The question with a framework's arrays in place of those of ``arrays_of``."""
    question = Traced(**{f.name: getattr(golden, f.name) for f in fields(Question)}, make=make)
    weights = {name: arrays[name] for name in golden.weights}
    given = {name: array for name, array in arrays.items() if name not in weights}
    vars(question).update(given, weights=MappingProxyType(weights))  # where a question keeps what it has cast
    return question


def with_cotangents(golden: Question, outputs: Any) -> dict[str, Any]:  # noqa: ANN401 - of a network
    """By the name of a cotangent the output that it is of; of a network that returns out alone those that are not zero.

    Raises:
        Unsupported: it returns out alone, and there are cotangents of other outputs.
        TypeError: it returned no outputs.
    """
    if not is_array(outputs):
        found = states_apart(golden.layout, *outputs_of(outputs))
        return {name: found.get(COTANGENTS[name]) for name in golden.cotangents}
    for name, cotangent in golden.cotangents.items():
        if COTANGENTS[name] != "out" and cotangent.any():
            raise Unsupported(need_state(COTANGENTS[name]))
    return {"d_out": outputs}


def untraceable(library: str, error: Exception) -> Unsupported:
    """The refusal of a function that took NumPy's arrays, and does not take those that are followed."""
    said = (str(error).strip() or "no reason given").splitlines()[0]
    return Unsupported(f"{library} can not differentiate the function: {type(error).__name__}: {said}")
