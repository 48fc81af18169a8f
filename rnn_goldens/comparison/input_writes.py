"""Detects an implementation that wrote to its inputs, which belong to the caller."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.arrays import InputArrays
from rnn_goldens.golden.precision import PRECISIONS

if TYPE_CHECKING:
    from rnn_goldens.golden.data import InputsData


def written_to(inputs: "InputsData", before: InputArrays) -> list[str]:
    """Return the names of the arrays that were written to, although they are read-only in NumPy.

    Args:
        inputs: the inputs that the implementation received: stored arrays, and the arrays that were cast when read.
        before: a deep copy of the stored arrays.
    """
    original, rounding = dict(_arrays(vars(before))), PRECISIONS[inputs.dtype].round
    now = [(name, array, original[name]) for name, array in _arrays(vars(inputs.stored))]
    for name, array in _arrays(vars(inputs)):
        stored = original[name] if name in original else np.zeros(array.shape)  # undefined states and cotangents
        now.append((name, array, rounding(stored)))
    return list(dict.fromkeys(name for name, array, other in now if array.tobytes() != other.tobytes()))


def wrote_into(names: list[str]) -> str:
    """Return the error text for an implementation that wrote to these arrays."""
    kinds = "inputs, weights and cotangents" if any(n.startswith("d_") for n in names) else "inputs and weights"
    return f"wrote into {', '.join(names)}: {kinds} belong to the caller and must not change"


def _arrays(fields: Mapping[str, object]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays in the fields of inputs or of stored arrays, by name, with each state, weight and cotangent."""
    for name in ("lengths", "offsets"):
        if isinstance(value := fields.get(name), np.ndarray):
            yield name, value
    for group in ("inputs", "states", "weights", "cotangents"):
        if isinstance(arrays := fields.get(group), Mapping):
            yield from arrays.items()
