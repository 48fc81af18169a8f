"""What an implementation returned, whatever library it comes from, as NumPy arrays and the names of their precision.

Other libraries are never imported: an array that needs its own library to be converted has it loaded already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.precision import PRECISIONS

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
    """Convert any array-like: NumPy, nested lists, torch, JAX, TensorFlow, MLX; raises NotNumbers if it is none."""
    if value is None:
        raise NotNumbers("is None: the implementation returned nothing for it")
    library = type(value).__module__.partition(".")[0]
    try:
        convert: Conversion = _CONVERSIONS.get(library, _from_array_like)
        array, dtype = convert(value)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise NotNumbers(f"is a {_type(value)} that NumPy can not read as an array: {error}") from None
    if dtype not in PRECISIONS and array.dtype.kind not in "iuf":
        raise NotNumbers(f"holds {dtype}, not real numbers")
    with np.errstate(over="ignore"):
        return Output(np.asarray(array, dtype=np.float64), dtype)


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


_CONVERSIONS: dict[str, Conversion] = {"torch": _from_torch, "mlx": _from_mlx}
"""Libraries whose arrays NumPy can not read in every precision, by the name of their package."""


def _type(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
