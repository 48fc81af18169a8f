"""Checks that the numbers of a scenario are exact in each of its precisions: a golden has the same numbers in all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.precision import PRECISIONS, Precision

SMALLEST = 2.0**-14
"""The smallest normal number of float16; some implementations flush smaller numbers to zero."""


class Refused(RnnGoldensError):
    """A scenario that cannot be certified; the message has its id and the reason."""


@contextmanager
def refusing(golden_id: str) -> Iterator[None]:
    """Raise Refused with the id for other errors of this package."""
    try:
        yield
    except (Unsupported, RnnGoldensError) as error:
        raise Refused(f"{golden_id}: {str(error).removeprefix(f'{golden_id}: ')}") from None


def exact_array(
    golden_id: str, name: str, array: NDArray[np.float64], precisions: Sequence[str]
) -> NDArray[np.float64]:
    """Return an array in C order. Raises Refused if a number is not finite, or not exact in one of the precisions."""
    if not np.isfinite(array).all():
        raise Refused(f"{golden_id}: {name} holds NaN or infinity")
    exact_in = {name: not _inexact(array, precision).any() for name, precision in PRECISIONS.items()}
    for precision in precisions:
        if not exact_in[precision]:
            raise Refused(f"{golden_id}: {name} holds {_why(array, PRECISIONS[precision])}{_remedy(exact_in)}")
    return np.ascontiguousarray(array)


def _inexact(array: NDArray[np.float64], precision: Precision) -> NDArray[np.bool_]:
    """Return which numbers are not exact in a precision, or subnormal in float16, which may be flushed to zero."""
    small = (array != 0) & (np.abs(array) < SMALLEST) if precision.name == "float16" else np.zeros(1, bool)
    with np.errstate(over="ignore"):
        return np.asarray(small | (precision.round(array) != array))


def _why(array: NDArray[np.float64], precision: Precision) -> str:
    inexact = _inexact(array, precision)
    first, others = array[inexact][0], int(inexact.sum()) - 1
    more = f" (and {others} more numbers)" if others else ""
    if precision.name == "float16" and abs(first) < SMALLEST:
        return f"{first}{more}, which is below the normal range of float16"
    return f"{first}{more}, which {precision.name} cannot represent"


def _remedy(exact_in: Mapping[str, bool]) -> str:
    possible = [name for name, is_exact in exact_in.items() if is_exact]
    return f"; select only precisions that can: precisions={possible}" if possible else ""
