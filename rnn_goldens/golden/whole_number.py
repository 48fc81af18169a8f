"""Integers of any library."""

from operator import index

import numpy as np


def whole_number(value: object) -> int | None:
    """Return an integer of any library as ``int``; None if the value is not an integer. Booleans are not integers."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return index(value)  # type: ignore[arg-type] # raises TypeError if it is not an integer
    except TypeError:
        return None
