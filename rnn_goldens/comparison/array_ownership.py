"""Detects an implementation that returns the expected arrays themselves, or that wrote to its inputs."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.array_conversion import NUMBERS, is_array_like, parts_of
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.stored_arrays import InputArrays


def refuse_own_arrays(golden: GoldenData, *outputs: object) -> None:
    """Raise WrongUse if an output, as for ``Golden.check``, is an expected array of the golden or shares its memory."""
    found = [part for output in outputs for part in _arrays_in(output)]
    for name, arrays in golden.expected_arrays().items():
        if any(_shares_memory(part, array) for part in found for array in arrays):
            raise WrongUse(
                f"{golden.id}: an output is the golden's own {name}, which would be compared with itself; "
                "pass the outputs of your implementation"
            )


def _arrays_in(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any argument of a user
    """Yield the tensors and arrays in a value. One that cannot be read is left out: ``outputs.read`` reports it."""
    if type(value) is np.ndarray:
        yield value
        return
    with suppress(Exception):
        if hasattr(value, "data_ptr"):  # a torch tensor, which NumPy may be unable to read
            yield value
        elif is_array_like(value):
            yield np.asarray(value)
        else:
            parts = value.values() if isinstance(value, Mapping) else parts_of(value)
            for part in parts or ():
                if not isinstance(part, NUMBERS):
                    yield from _arrays_in(part)


def _shares_memory(value: Any, array: NDArray[Any]) -> bool:  # noqa: ANN401 - an array or a tensor
    if isinstance(value, np.ndarray):
        return np.may_share_memory(value, array)
    if value.device.type != "cpu":
        return False
    try:
        begin: int = value.data_ptr()
    except RuntimeError:  # a sparse tensor has no memory of its own
        return False
    return array.ctypes.data <= begin < array.ctypes.data + array.nbytes


def written_to(inputs: InputsData, before: InputArrays) -> list[str]:
    """Return the names of the arrays that were written to, although they are read-only in NumPy.

    ``before`` is a deep copy of the stored arrays. Of ``inputs``, arrays that were cast when read are checked, too.
    """
    original, rounding = dict(_stored_arrays(vars(before))), PRECISIONS[inputs.dtype].round
    now = [(name, array, original[name]) for name, array in _stored_arrays(vars(inputs.stored))]
    for name, array in _stored_arrays(vars(inputs)):
        stored = original[name] if name in original else np.zeros(array.shape)  # undefined states and cotangents
        now.append((name, array, rounding(stored)))
    return list(dict.fromkeys(name for name, array, other in now if array.tobytes() != other.tobytes()))


def wrote_into(names: list[str]) -> str:
    """Return the error text for an implementation that wrote to these arrays."""
    kinds = "inputs, weights and cotangents" if any(n.startswith("d_") for n in names) else "inputs and weights"
    return f"wrote into {', '.join(names)}: {kinds} belong to the caller and must not change"


def _stored_arrays(fields: Mapping[str, object]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays in the fields of inputs or of stored arrays, by name, with each state, weight and cotangent."""
    for name in ("lengths", "offsets"):
        if isinstance(value := fields.get(name), np.ndarray):
            yield name, value
    for group in ("inputs", "states", "weights", "cotangents"):
        if isinstance(arrays := fields.get(group), Mapping):
            yield from arrays.items()
