"""Converts outputs of any library to NumPy arrays and the names of their precisions.

Only NumPy is imported. If an array needs its library for the conversion, the library is already loaded.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison import recurrence_outputs
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RecurrenceLayout
from rnn_goldens.golden.shapes import Layout
from rnn_goldens.plurals import counted

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Conversion = Callable[[Any], tuple[NDArray[Any], str]]
"""An array of some library → the same values in NumPy, and the name of its type."""

OUTPUTS = (2, 3)
"""The possible lengths of the tuple that an implementation returns. A pair of states is one element of the tuple."""

EXPECTED = "(out, h_n) is expected, or (out, (h_n, c_n)) for an LSTM"
"""Part of the error text for an implementation that returns a single array."""

_OUT_ALONE = '--rnn-goldens-outputs=out or @pytest.mark.rnn_goldens(outputs=["out"])'

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
            return Output(np.asarray(readable, dtype=np.float64), _least_precise(types))
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


def _least_precise(types: set[str]) -> str:
    return min(sorted(types), key=lambda name: getattr(PRECISIONS.get(name), "bits", math.inf), default="float64")


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


def states_apart(
    layout: Layout,
    out: object,
    h_n: object = None,
    c_n: object = None,
    *more: object,
    state_shape: tuple[int, ...] | None = None,
) -> dict[str, object]:
    """Return outputs by name. Takes out and the last states; or out and a tuple of them; or all as a tuple in ``out``.

    The result has every output of the cell; an output that was not passed is None. For a cell with one state, the
    result has ``c_n`` only if it was passed: as the second state, or as the second element of a pair of states. Such a
    pair must have two arrays with as many axes as ``out``, and with the shape of a state if the shape is known.
    """
    given = _without_trailing_none((h_n, c_n, *more))
    if not given and isinstance(out, tuple) and len(out) in possible_counts(layout):
        out, *given = out  # callers handle a tuple that is only out
        given = _without_trailing_none(given)
    if len(given) == 1 and isinstance(given[0], tuple | list) and _are_states(layout, out, given[0], state_shape):
        given = list(given[0])
    names = layout.outputs[1:]
    if len(given) > max(len(names), 2):
        raise TypeError(f"{counted(len(given), 'state')} passed after out; the cell has {len(names)}")
    passed = zip(names, [*given, *[None] * len(names)], strict=False)
    unexpected = {"c_n": given[1]} if len(given) > len(names) == 1 else {}
    return {"out": out, **dict(passed), **unexpected}


def possible_counts(layout: Layout | None = None) -> set[int]:
    """Return the possible lengths of the tuple of an implementation: out, and the states apart or as one element."""
    return {*OUTPUTS, *(() if layout is None else (len(layout.outputs),))}


def _are_states(layout: Layout, out: object, given: Sequence[object], state_shape: tuple[int, ...] | None) -> bool:
    """Return whether a tuple in place of h_n has one element for each state."""
    if len(layout.states) > 1:
        return len(given) == len(layout.states)
    # With one state, a pair may be two layers, each with one axis less than out or with an axis of size 1.
    axes = {getattr(value, "ndim", None) for value in (out, *given)}
    are_shaped = state_shape is None or all(getattr(value, "shape", None) == state_shape for value in given)
    return len(given) == 2 and len(axes) == 1 and None not in axes and are_shaped  # noqa: PLR2004 - a pair


def _without_trailing_none(states: Iterable[object]) -> list[object]:
    given = list(states)
    while given and given[-1] is None:
        given.pop()
    return given


def compared_outputs(
    golden: "GoldenData", out: object, h_n: object = None, c_n: object = None, *more: object
) -> dict[str, object]:
    """Return the outputs to compare by name. Takes the outputs as ``states_apart`` does."""
    first = golden.layout.outputs[0]
    if is_out_alone(golden, out):
        return {first: out}
    if isinstance(golden.layout, RecurrenceLayout):
        found = recurrence_outputs.by_name(golden.layout, out, h_n, c_n, *more)
        return {name: value for name, value in found.items() if not golden.outputs or name in golden.outputs}
    outputs = states_apart(golden.layout, out, h_n, c_n, *more, state_shape=golden.state_shapes["h"])
    return {name: value for name, value in outputs.items() if not golden.outputs or name in golden.outputs}


def is_out_alone(golden: "GoldenData", result: object) -> bool:
    """Return whether a result is only ``out``, for a golden that compares only ``out``.

    A tuple or list with as many parts as outputs is a tuple of outputs, unless it has as many axes as ``out``.
    """
    if golden.outputs != golden.layout.outputs[:1]:
        return False
    if not isinstance(result, tuple | list):
        return golden.is_network or not isinstance(result, Mapping)
    try:
        return (
            len(result) not in {1, *possible_counts(golden.layout)}
            or read(result).values.ndim == golden.stored.expected[golden.layout.outputs[0]].ndim
        )
    except NotNumbers:
        return False


def is_array(result: object) -> bool:
    """Return whether a result is one array of any library."""
    return isinstance(result, Output) or (hasattr(result, "shape") and not isinstance(result, tuple | list))


def only_array(result: object) -> Any:  # noqa: ANN401 - an array of any library
    """Return the array if a result is one array, or a tuple or list of one; else None."""
    if isinstance(result, tuple | list) and len(result) == 1:
        result = result[0]
    return result if is_array(result) else None


def outputs_of(result: object, golden: "GoldenData | None" = None, layout: Layout | None = None) -> Sequence[Any]:
    """Return the outputs in the result of an implementation, as arguments of ``Golden.check``.

    Args:
        result: the result.
        golden: the golden, if it may compare only ``out``.
        layout: the layout of the cell, if there is no golden. Without both, the cell has at most two states.

    Raises:
        TypeError: the result does not contain outputs.
    """
    __tracebackhide__ = True
    if golden is not None and is_out_alone(golden, result):
        return (result,)
    of = layout if golden is None else golden.layout
    out_only = golden is not None and golden.outputs == golden.layout.outputs[:1]
    if isinstance(of, RecurrenceLayout):
        if out_only and isinstance(result, tuple | list) and len(result) == 1:
            return result
        return _of_recurrence(result, of, with_hint=golden is not None)
    counts = possible_counts(of)
    if isinstance(result, tuple | list) and len(result) in ({1, *counts} if out_only else counts):
        return result if len(result) <= max(OUTPUTS) else (result[0], tuple(result[1:]))
    if only_array(result) is not None:
        hint = "" if golden is None else f". To check out alone: {_OUT_ALONE}"
        raise TypeError(f"the implementation returned one array; {EXPECTED}{hint}")
    kind = counted(len(result), "output") if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise TypeError(f"the implementation returned {kind}; expected (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n)")


def _of_recurrence(result: object, layout: RecurrenceLayout, *, with_hint: bool) -> Sequence[Any]:
    """Return the outputs in the result of an implementation of a recurrence, in the order of the layout."""
    __tracebackhide__ = True
    expected = f"({', '.join(layout.outputs)}) is expected, or a mapping with these names"
    if isinstance(result, Mapping):
        if unknown := recurrence_outputs.unknown(layout, result):
            raise TypeError(f"the implementation returned {', '.join(map(str, unknown))}; {expected}")
        return tuple(result.get(name) for name in layout.outputs)
    if isinstance(result, tuple | list) and (found := recurrence_outputs.in_order(layout, result)) is not None:
        return found
    if only_array(result) is not None:
        hint = f". To check it alone: {_OUT_ALONE}" if with_hint else ""
        raise TypeError(f"the implementation returned one array; {expected}{hint}")
    kind = counted(len(result), "output") if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise TypeError(f"the implementation returned {kind}; {expected}")
