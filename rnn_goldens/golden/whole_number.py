"""Integers of any library."""

from operator import index

import numpy as np


def whole_number(given: object) -> int | None:
    """Return an integer of any library as ``int``; None if the value is not an integer. Booleans are not."""
    if isinstance(given, bool | np.bool_):
        return None
    try:
        return index(given)  # type: ignore[arg-type] # raises TypeError if it is not
    except TypeError:
        return None
