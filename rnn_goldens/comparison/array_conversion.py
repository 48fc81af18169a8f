"""Converts arrays of any library to NumPy arrays and the names of their precisions.

Only NumPy is imported. If an array needs its library for the conversion, the library is already loaded. Arrays that an
implementation returns must not be the expected ones, and those that it receives must not be written to.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.stored_arrays import InputArrays
from rnn_goldens.plurals import counted

Conversion = Callable[[Any], tuple[NDArray[Any], str]]
"""An array of some library → the same values in NumPy, and the name of its type."""

_MAX_NUMBERS = 100_000_000
"""Largest number of elements of an output."""

_ELEMENTS_PER_PART = 100
"""The number of elements of an array that take as long to read as one part of a sequence."""

_INTEGERS = frozenset(np.dtype(code).name for code in np.typecodes["AllInteger"])

_OF_NUMPY = {np.dtype(name): name for name in PRECISIONS if hasattr(np, name)}
"""The precisions that NumPy has as types."""

NUMBERS = (float, int, np.generic)
"""Types of numbers. NumPy converts a list of them in one call."""

_LISTS = (list, tuple)
"""Types that are certainly sequences, so that reading many of them is fast."""

_ARRAY_INTERFACES = ("__array__", "__array_interface__", "__array_struct__")
"""Attributes that identify an array. A buffer is identified separately."""


@dataclass(frozen=True, eq=False)
class Output:
    """One output, converted.

    Attributes:
        values: float64, which represents every value of the four precisions exactly.
        dtype: the original type: a precision, or an integer type, which is exact.
    """

    values: NDArray[np.float64]
    dtype: str

    @property
    def bits(self) -> int | None:
        """Significant bits of the original type; None if it is exact."""
        return PRECISIONS[self.dtype].bits if self.dtype in PRECISIONS else None


class NotNumbers(Exception):
    """Raised for an output without real numbers. The text completes a sentence that begins with the output's name."""


def read(value: object) -> Output:
    """Convert any array-like: NumPy, torch, JAX, TensorFlow, MLX or sequences of them; else raise NotNumbers.

    The type of a sequence is the type of its least precise part. An ``Output`` is returned unchanged.
    """
    if isinstance(value, Output):
        return value
    if value is None:
        raise NotNumbers("is None: the implementation returned nothing for it")
    if type(value).__name__ == "PackedSequence":
        raise NotNumbers("is a PackedSequence: unpack it with torch's pad_packed_sequence")
    try:
        with np.errstate(all="ignore"):  # an implementation may have changed np.seterr
            if type(value) is np.ndarray and value.dtype in _OF_NUMPY and value.size <= _MAX_NUMBERS:
                return Output(value.astype(np.float64, copy=False), _OF_NUMPY[value.dtype])
            readable, types = _readable(value)
            if isinstance(readable, np.ndarray) and not readable.ndim and readable.dtype.kind in "OUS":
                raise NotNumbers(f"is {_type(value)}, not an array of numbers")
            for name in sorted(types):
                _require_real(name)
            if isinstance(readable, np.ndarray):
                _require_at_most(readable.size, f"has shape {readable.shape}")
            bits = {name: getattr(PRECISIONS.get(name), "bits", math.inf) for name in sorted(types)}
            return Output(np.asarray(readable, dtype=np.float64), min(bits, key=bits.__getitem__, default="float64"))
    except (TypeError, ValueError, LookupError, OverflowError, RuntimeError, AttributeError) as error:
        raise NotNumbers(f"is {_type(value)} that NumPy cannot read as an array: {error}") from None


def _require_at_most(size: int, text: str) -> None:
    """Raise NotNumbers for an output that is too large to convert: a view may have any size."""
    if size > _MAX_NUMBERS:
        raise NotNumbers(f"{text}, more than any golden has")


def _require_real(dtype: str) -> None:
    """Raise NotNumbers unless a type is a precision, or an integer type of NumPy, which is exact."""
    if dtype in PRECISIONS or dtype in _INTEGERS:
        return
    if dtype.startswith(("float", "int", "uint")):
        raise NotNumbers(f"holds {dtype}, which is none of {', '.join(PRECISIONS)}")
    raise NotNumbers(f"holds {dtype}, not real numbers")


def _readable(value: object) -> tuple[Any, set[str]]:
    """Return an array, or nested lists that NumPy can read, and the names of the types in it."""
    kind = type(value)
    conversion = _from_array_like if kind is np.ndarray else None if kind in _LISTS else _own_conversion(kind)
    if conversion is None and (parts := parts_of(value)) is not None:
        return _readable_parts(parts)
    array, dtype = (conversion or _from_array_like)(value)
    return array, {dtype}


def parts_of(value: object) -> Sequence[Any] | None:
    """Return the parts of a list, tuple or other sequence; None for other values. Raises NotNumbers for too many."""
    if type(value) not in _LISTS and not _is_sequence(value):
        return None
    parts: Sequence[Any] = value  # type: ignore[assignment]
    _require_at_most(_ELEMENTS_PER_PART * len(parts), f"is {_type(parts)} of {counted(len(parts), 'part')}")
    return parts if type(parts) in _LISTS else [parts[index] for index in range(len(parts))]  # iteration may never end


def _readable_parts(parts: Sequence[Any]) -> tuple[Any, set[str]]:
    kinds = set(map(type, parts))
    if all(issubclass(kind, NUMBERS) for kind in kinds):
        return parts, set(map(_type_of_numbers, kinds))
    read_parts = [_readable(part) for part in parts]
    return [part for part, _ in read_parts], {name for _, types in read_parts for name in types}


def _type_of_numbers(kind: type) -> str:
    if issubclass(kind, np.generic):
        return _type_name(np.dtype(kind))
    if issubclass(kind, bool):
        return "bool"
    return "float64" if issubclass(kind, float) else "int64"


def _is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:  # noqa: ANN401 - anything
    """Return whether a value is a sequence and not an array. NumPy reads a sequence part by part."""
    if isinstance(value, str | Mapping) or is_array_like(value):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__")


def is_array_like(value: object) -> bool:
    """Return whether a value is an array of any library, or a buffer."""
    if any(hasattr(value, name) for name in _ARRAY_INTERFACES):
        return True
    try:
        memoryview(value)  # type: ignore[arg-type] # anything
    except TypeError:
        return False
    return True


def _own_conversion(kind: type) -> Conversion | None:
    """Return the conversion for a type or for its base class in a library; None if NumPy can read the type."""
    bases = (f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)
    return next((_CONVERSIONS[base] for base in bases if base in _CONVERSIONS), None)


def _from_array_like(value: object) -> tuple[NDArray[Any], str]:
    array = np.asarray(value)
    if array.dtype.kind != "O":
        return array, _type_name(array.dtype)
    if not array.ndim:
        return array, _type(value)
    least_numeric = sorted(array.flat, key=lambda element: isinstance(element, Number))[:1]
    raise NotNumbers(
        f"is an array of Python objects, such as {', '.join(map(_type, least_numeric))}, not of real numbers"
    )


@lru_cache
def _type_name(dtype: np.dtype[Any]) -> str:
    """Return the name of a type; "float64" for ``longdouble``, which is wider than every precision here."""
    return "float64" if dtype.type is np.longdouble else dtype.name


def _from_torch(tensor: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - a torch.Tensor
    dtype = str(tensor.dtype).removeprefix("torch.")
    _require_real(dtype)  # NumPy knows fewer types and would raise another error
    tensor = tensor.detach().cpu()
    return (tensor.float() if dtype == "bfloat16" else tensor).numpy(), dtype


def _from_mlx(array: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - an mlx.core.array
    dtype = str(array.dtype).removeprefix("mlx.core.")
    return np.asarray(array.tolist(), dtype=np.float32) if dtype == "bfloat16" else np.asarray(array), dtype


def _from_masked(array: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - a numpy.ma.MaskedArray
    if masked := int(array.mask.sum()):
        raise NotNumbers(f"has {masked} masked elements, which have no value")
    return _from_array_like(array)


_CONVERSIONS: dict[str, Conversion] = {
    "torch.Tensor": _from_torch,
    "mlx.core.array": _from_mlx,
    "numpy.ma.MaskedArray": _from_masked,
    "numpy.ma.core.MaskedArray": _from_masked,  # its name in NumPy 1
}
"""Conversions by class name, of arrays for which ``np.asarray`` fails or loses information."""


def _type(value: object) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[:1] in tuple('aeiou') else 'a'} {name}"


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
    original, rounding = dict(_stored_arrays(vars(before))), inputs.rounded
    now = [(name, array, original[name]) for name, array in _stored_arrays(vars(inputs.stored))]
    for name, array in _stored_arrays(vars(inputs)):
        stored = original[name] if name in original else np.full(array.shape, inputs.config.zero_of(name))
        now.append((name, array, rounding(stored, name)))  # undefined states and cotangents, too
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
