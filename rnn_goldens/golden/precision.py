"""The four precisions that an implementation can be checked in; the integer types; and integers of any library."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.errors import UnknownName

_BELOW_BFLOAT16 = 0xFFFF
"""The lower half of the bits of a float32. A bfloat16 consists of the upper half."""


@dataclass(frozen=True)
class Precision:
    """A binary floating-point format.

    Attributes:
        name: as in PyTorch and NumPy.
        bits: significant bits, including the implicit leading bit (bfloat16: 8).
        min_exponent: exponent of the smallest normal number.
        max_exponent: exponent of the largest number.
        carrier: the NumPy type that holds its values. NumPy has no bfloat16, so float32 arrays carry it: each value
            is a bfloat16 value, and ``torch.tensor(x).bfloat16()`` or ``jnp.asarray(x, "bfloat16")`` loses nothing.
    """

    name: str
    bits: int
    min_exponent: int
    max_exponent: int
    carrier: DTypeLike

    @property
    def roundoff(self) -> float:
        """The unit roundoff: the largest relative error of rounding to nearest."""
        return 2.0**-self.bits

    @property
    def smallest(self) -> float:
        """The smallest positive number, which is subnormal."""
        return 2.0 ** (self.min_exponent - self.bits + 1)

    @np.errstate(all="ignore")  # overflow gives infinity, underflow gives zero
    def round(self, values: NDArray[np.float64]) -> NDArray[np.floating]:
        """Return float64 values rounded once, to nearest even, in an array of the carrier type."""
        if self.name == "bfloat16":
            _, exponents = np.frexp(values)
            unit = np.ldexp(1.0, np.maximum(exponents, self.min_exponent + 1) - self.bits)
            values = np.rint(values / unit) * unit
        return values.astype(self.carrier)

    def holds(self, values: NDArray[np.float64]) -> bool:
        """Return whether this precision represents all of these float64 values exactly."""
        if self.carrier is np.float64:
            return True
        with np.errstate(over="ignore", invalid="ignore"):
            carried = values.astype(self.carrier)
        if not (carried == values).all():
            return False
        return self.name != "bfloat16" or not (carried.view(np.uint32) & _BELOW_BFLOAT16).any()


PRECISIONS = {
    p.name: p
    for p in (
        Precision("float64", 53, -1022, 1023, np.float64),
        Precision("float32", 24, -126, 127, np.float32),
        Precision("bfloat16", 8, -126, 127, np.float32),
        Precision("float16", 11, -14, 15, np.float16),
    )
}


@dataclass(frozen=True)
class IntegerType(Precision):
    """An integer type: nothing rounds, and a number that it does not hold is kept as it is."""

    @property
    def roundoff(self) -> float:
        """Zero."""
        return 0.0

    def round(self, values: NDArray[np.float64]) -> NDArray[Any]:
        """Return integers in an array of this type; other numbers, and larger ones, in float64."""
        return values.astype(self.carrier) if self.holds(values) else values

    def holds(self, values: NDArray[np.float64]) -> bool:
        """Return whether all of these numbers are integers of this type."""
        limit = 2.0 ** (self.bits - 1)
        return bool(((values == np.rint(values)) & (-limit <= values) & (values < limit)).all())


INTEGERS = {name: IntegerType(name, bits, 0, bits - 1, name) for bits in (8, 16, 32, 64) for name in (f"int{bits}",)}
"""The types of the arrays of integer goldens. The type of inputs and outputs takes the place of a precision."""

INPUT_TYPES = ("int8", "int16")
"""The types of inputs and outputs of integer goldens."""

DTYPES = (*PRECISIONS, *INPUT_TYPES)
"""The names of what a golden is checked in: a precision, or the type of integer inputs and outputs."""

NUMBER_TYPES: Mapping[str, Precision] = {**PRECISIONS, **INTEGERS}
"""The precisions and the integer types."""


def narrowest(names: Collection[str]) -> Collection[str]:
    """Return the half precisions in ``names``, or ``names`` if it has none. Wider precisions represent their values."""
    return [name for name in names if PRECISIONS[name].bits < PRECISIONS["float32"].bits] or names


class SupportedOnly(tuple[str, ...]):
    """Precisions to certify. A precision in which no tolerance is valid is left out, without an error."""

    __slots__ = ()


def precision(name: str) -> Precision:
    """Return a precision, or a type of integer inputs, by name; raises UnknownName with the names of all of them."""
    if name not in DTYPES:
        raise UnknownName("precision", name, DTYPES)
    return NUMBER_TYPES[name]


def precision_name(dtype: object) -> str:
    """Return the name of a precision: it, or a dtype of NumPy, torch or ml_dtypes. Raises UnknownName or TypeError."""
    if isinstance(dtype, str) or type(dtype).__module__ == "torch":
        return precision(str(dtype).removeprefix("torch.")).name
    try:
        if dtype is None:  # NumPy interprets None as float64
            raise TypeError
        return precision(np.dtype(dtype).name).name  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"dtype must be a precision, such as 'float32' or np.float32; got {dtype!r}") from None


def whole_number(value: object) -> int | None:
    """Return an integer of any library as ``int``; None if the value is not an integer. Booleans are not integers."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return index(value)  # type: ignore[arg-type] # raises TypeError if it is not an integer
    except TypeError:
        return None
