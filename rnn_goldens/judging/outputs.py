"""What an implementation returned, whatever library it comes from, as NumPy arrays and the names of their precision.

Other libraries are never imported: an array that needs its own library to be converted has it loaded already.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.counted import counted
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Layout

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Conversion = Callable[[Any], tuple[NDArray[Any], str]]
"""An array of some library → the same values in NumPy, and the name of the type they came in."""

OUTPUTS = (2, 3)
"""How many outputs an implementation returns: a pair of states counts as one."""

EXPECTED = "(out, h_n) is expected, or (out, (h_n, c_n)) of an LSTM"
"""What is said where one array came."""

_OUT_ALONE = '--rnn-goldens-outputs=out or @pytest.mark.rnn_goldens(outputs=["out"])'

_MOST_NUMBERS = 100_000_000
"""Of one output."""

_AS_MANY = 100
"""Numbers of an array that take as long to read as one part of a sequence."""

_INTEGERS = frozenset(np.dtype(code).name for code in np.typecodes["AllInteger"])

_OF_NUMPY = {np.dtype(name): name for name in PRECISIONS if hasattr(np, name)}
"""Precisions that NumPy has."""

_NUMBERS = (float, int, np.generic)
"""Types of which NumPy reads a list at once."""

_ARRAY_INTERFACES = ("__array__", "__array_interface__", "__array_struct__")
"""What an object that is an array in itself has, other than a buffer."""


@dataclass(frozen=True, eq=False)
class Output:
    """One output.

    Attributes:
        values: float64, which holds every value of the four precisions exactly.
        dtype: the type it came in: a precision, or an integer type, which is exact.
    """

    values: NDArray[np.float64]
    dtype: str

    @property
    def bits(self) -> int | None:
        """Significant bits of the type it came in; None if it is exact."""
        return PRECISIONS[self.dtype].bits if self.dtype in PRECISIONS else None


class NotNumbers(Exception):
    """An output that holds no real numbers; the text goes on after ``out ``."""


def read(value: object) -> Output:
    """Convert any array-like: NumPy, torch, JAX, TensorFlow, MLX, sequences of them; raises NotNumbers if it is none.

    Of parts in several types the least precise one counts. What has been read already is returned as it is.
    """
    if isinstance(value, Output):
        return value
    if value is None:
        raise NotNumbers("is None: the implementation returned nothing for it")
    if type(value).__name__ == "PackedSequence":
        raise NotNumbers("is a PackedSequence: unpack it with torch's pad_packed_sequence")
    try:
        with np.errstate(all="ignore"):  # whatever np.seterr an implementation leaves behind
            if type(value) is np.ndarray and value.dtype in _OF_NUMPY and value.size <= _MOST_NUMBERS:
                return Output(value.astype(np.float64, copy=False), _OF_NUMPY[value.dtype])
            readable, types = _readable(value)
            if isinstance(readable, np.ndarray) and not readable.ndim and readable.dtype.kind in "OUS":
                raise NotNumbers(f"is {_type(value)}, not an array of numbers")
            for name in sorted(types):
                _require_real(name)
            if isinstance(readable, np.ndarray):
                _require_few(readable.size, f"has shape {readable.shape}")
            return Output(np.asarray(readable, dtype=np.float64), _least_precise(types))
    except (TypeError, ValueError, LookupError, OverflowError, RuntimeError, AttributeError) as error:
        raise NotNumbers(f"is {_type(value)} that NumPy can not read as an array: {error}") from None


def _require_few(size: int, said: str) -> None:
    """Raise NotNumbers for what takes memory or time for nothing: a view may be of any size."""
    if size > _MOST_NUMBERS:
        raise NotNumbers(f"{said}, more than any golden has")


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
    """The same as NumPy can read it, an array or nested lists of arrays and numbers; and the names of its types."""
    kind = type(value)
    if kind is list or kind is tuple:
        _require_few(_AS_MANY * len(value), f"is {_type(value)} of {counted(len(value), 'part')}")  # type: ignore[arg-type]
        return _readable_parts(value)  # type: ignore[arg-type]
    conversion = _from_array_like if kind is np.ndarray else _own_conversion(kind)
    if conversion is None and _is_sequence(value):
        _require_few(_AS_MANY * len(value), f"is {_type(value)} of {counted(len(value), 'part')}")
        return _readable_parts([value[index] for index in range(len(value))])  # iterating may never end
    array, dtype = (conversion or _from_array_like)(value)
    return array, {dtype}


def _readable_parts(parts: list[Any] | tuple[Any, ...]) -> tuple[Any, set[str]]:
    kinds = set(map(type, parts))
    if all(issubclass(kind, _NUMBERS) for kind in kinds):
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
    """Whether NumPy would read it part by part: it is no array in itself, and has parts in an order."""
    if isinstance(value, str | Mapping) or any(hasattr(value, name) for name in _ARRAY_INTERFACES):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not _is_buffer(value)


def _is_buffer(value: Any) -> bool:  # noqa: ANN401 - anything
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def _own_conversion(kind: type) -> Conversion | None:
    """The conversion that a type needs; a class derived from a library's array needs that of the library."""
    bases = (f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)
    return next((_CONVERSIONS[base] for base in bases if base in _CONVERSIONS), None)


def _from_array_like(value: object) -> tuple[NDArray[Any], str]:
    array = np.asarray(value)
    if array.dtype.kind != "O":
        return array, _type_name(array.dtype)
    if not array.ndim:
        return array, _type(value)
    oddest = sorted(array.flat, key=lambda element: isinstance(element, Number))[:1]
    raise NotNumbers(f"is an array of Python objects, such as {', '.join(map(_type, oddest))}, not of real numbers")


@lru_cache
def _type_name(dtype: np.dtype[Any]) -> str:
    """The name of a type; that of ``longdouble``, which is wider than any precision here, is that of the widest."""
    return "float64" if dtype.type is np.longdouble else dtype.name


def _from_torch(tensor: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - a torch.Tensor
    dtype = str(tensor.dtype).removeprefix("torch.")
    _require_real(dtype)  # before NumPy, which knows fewer types, says something else
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
    "numpy.ma.core.MaskedArray": _from_masked,  # what NumPy 1 calls it
}
"""Arrays that NumPy does not read as they are, by the name of their class."""


def _type(value: object) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[:1] in tuple('aeiou') else 'a'} {name}"


def states_apart(
    layout: Layout, out: object, h_n: object = None, c_n: object = None, *, state_shape: tuple[int, ...] | None = None
) -> dict[str, object]:
    """Outputs by name, from (out, h_n), (out, h_n, c_n) or, with a cell state, (out, (h_n, c_n)); or a tuple of these.

    All that the cell has, None for what is not there, and a c_n that it has not: the second of two arrays that both
    have the shape of a state, if that is known.
    """
    if h_n is None and c_n is None and isinstance(out, tuple) and len(out) in OUTPUTS:
        out, h_n, c_n = (*out, None)[:3]  # no guess: out alone, which a tuple may be too, is never all of the outputs
    has_cell_state = "c" in layout.states
    if c_n is None and isinstance(h_n, tuple | list) and len(h_n) == 2:  # noqa: PLR2004 - a pair
        # Without a cell state they may be two layers, with one axis less than out, or with one of size 1.
        axes = [getattr(value, "ndim", None) for value in (out, *h_n)]
        are_states = state_shape is None or all(getattr(value, "shape", None) == state_shape for value in h_n)
        if has_cell_state or (axes[0] is not None and len(set(axes)) == 1 and are_states):
            h_n, c_n = h_n
    given = {"out": out, "h_n": h_n}
    return {**given, "c_n": c_n} if has_cell_state or c_n is not None else given


def compared_outputs(golden: "GoldenData", out: object, h_n: object = None, c_n: object = None) -> dict[str, object]:
    """The same, without those of a golden's outputs that are not compared, whatever was given for them."""
    if is_out_alone(golden, out):
        return {"out": out}
    given = states_apart(golden.layout, out, h_n, c_n, state_shape=golden.state_shape)
    return {name: value for name, value in given.items() if not golden.outputs or name in golden.outputs}


def is_out_alone(golden: "GoldenData", result: object) -> bool:
    """Whether what was returned is out, of a golden of which that alone is compared; a tuple may be all outputs."""
    if golden.outputs != ("out",):
        return False
    if not isinstance(result, tuple | list):
        return True
    try:
        return len(result) not in (1, *OUTPUTS) or read(result).values.ndim == golden.stored.out.ndim
    except NotNumbers:
        return False


def is_array(result: object) -> bool:
    """Whether what was returned is one array, of whatever library."""
    return isinstance(result, Output) or (hasattr(result, "shape") and not isinstance(result, tuple | list))


def outputs_of(result: object, golden: "GoldenData | None" = None) -> Sequence[Any]:
    """The outputs an implementation returned, as arguments of ``Golden.check``.

    Args:
        result: what it returned.
        golden: what it was asked, where out alone may be compared.

    Raises:
        TypeError: it returned something else.
    """
    if golden is not None and is_out_alone(golden, result):
        return (result,)
    of_out = golden is not None and golden.outputs == ("out",)
    if isinstance(result, tuple | list) and len(result) in ((1, *OUTPUTS) if of_out else OUTPUTS):
        return result
    if is_array(result):
        hint = "" if golden is None else f". To check out alone: {_OUT_ALONE}"
        raise TypeError(f"the implementation returned one array; {EXPECTED}{hint}")
    what = counted(len(result), "output") if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise TypeError(f"the implementation returned {what}; it returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n)")
