"""What an implementation returned, whatever library it comes from, as NumPy arrays and the names of their precision.

Other libraries are never imported: an array that needs its own library to be converted has it loaded already.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.precision import PRECISIONS
from rnn_goldens.shapes import state_names

Conversion = Callable[[Any], tuple[NDArray[Any], str]]
"""An array of some library → the same values in NumPy, and the name of the type they came in."""


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
    """Convert any array-like: NumPy, torch, JAX, TensorFlow, MLX, lists of them; raises NotNumbers if it is none."""
    if value is None:
        raise NotNumbers("is None: the implementation returned nothing for it")
    if type(value).__name__ == "PackedSequence":
        raise NotNumbers("is a PackedSequence: unpack it with torch's pad_packed_sequence")
    try:
        array, dtype = _convert(value)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise NotNumbers(f"is {_type(value)} that NumPy can not read as an array: {error}") from None
    if array.ndim == 0 and array.dtype.kind in "OUS":
        raise NotNumbers(f"is {_type(value)}, not an array of numbers")
    if array.dtype == object:
        oddest = sorted(array.flat, key=lambda element: isinstance(element, Number))[:1]
        raise NotNumbers(f"is an array of Python objects, such as {', '.join(map(_type, oddest))}, not of real numbers")
    if dtype not in PRECISIONS and array.dtype.kind not in "iuf":
        raise NotNumbers(f"holds {dtype}, not real numbers")
    with np.errstate(over="ignore"):
        return Output(np.asarray(array, dtype=np.float64), dtype)


def _convert(value: object) -> tuple[NDArray[Any], str]:
    if own := _own_conversion(type(value)):
        return own(value)
    if isinstance(value, list | tuple) and _holds_tensors(value):
        parts = [_convert(part) for part in value]
        least = min((dtype for _, dtype in parts), key=lambda dtype: getattr(PRECISIONS.get(dtype), "bits", math.inf))
        return np.stack([array for array, _ in parts]), least
    return _from_array_like(value)


def _holds_tensors(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether nested lists end in arrays of a library whose arrays NumPy can not read."""
    if any(_own_conversion(kind) for kind in set(map(type, value))):
        return True
    return any(_holds_tensors(part) for part in value if isinstance(part, list | tuple))


def _own_conversion(kind: type) -> Conversion | None:
    """The conversion that a type needs; a class derived from a library's array needs that of the library."""
    bases = (f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)
    return next((_CONVERSIONS[base] for base in bases if base in _CONVERSIONS), None)


def _from_array_like(value: object) -> tuple[NDArray[Any], str]:
    array = np.asarray(value)
    dtype = array.dtype.name
    if array.dtype.kind == "f" and dtype not in PRECISIONS:
        dtype = "float64"  # longdouble: wider than any precision here
    return array, dtype


def _from_torch(tensor: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - a torch.Tensor
    dtype = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach().cpu()
    return (tensor.float() if dtype == "bfloat16" else tensor).numpy(), dtype


def _from_mlx(array: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - an mlx.core.array
    dtype = str(array.dtype).removeprefix("mlx.core.")
    return np.asarray(array.tolist(), dtype=np.float32) if dtype == "bfloat16" else np.asarray(array), dtype


def _from_masked(array: Any) -> tuple[NDArray[Any], str]:  # noqa: ANN401 - a numpy.ma.MaskedArray
    if masked := int(np.sum(array.mask)):
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
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def states_apart(cell: str, out: object, h_n: object = None, c_n: object = None) -> dict[str, object]:
    """Outputs by name, from (out, h_n), (out, h_n, c_n) or, of an LSTM, (out, (h_n, c_n)).

    All that the cell has, None for what is not there, and a c_n that it has not.
    """
    has_cell_state = "c" in state_names(cell)
    if has_cell_state and c_n is None and isinstance(h_n, tuple | list) and len(h_n) == 2:  # noqa: PLR2004 - a pair
        h_n, c_n = h_n
    given = {"out": out, "h_n": h_n}
    return {**given, "c_n": c_n} if has_cell_state or c_n is not None else given


def outputs_of(result: object) -> Sequence[Any]:
    """The outputs an implementation returned, as arguments of ``Golden.check``; raises TypeError if they are none."""
    if isinstance(result, tuple | list) and len(result) in (2, 3):
        return result
    what = f"{len(result)} outputs" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise TypeError(f"the implementation returned {what}; it returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n)")
