"""Whole numbers, of whatever library."""

from operator import index

import numpy as np


def whole_number(given: object) -> int | None:
    """A whole number as Python's, NumPy's included; None if it is none, as True and False are none."""
    if isinstance(given, bool | np.bool_):
        return None
    try:
        return index(given)  # type: ignore[arg-type] # which says if it is none
    except TypeError:
        return None
