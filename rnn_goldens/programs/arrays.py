"""Arrays of an answer. NumPy reads their data, for which jsonschema is too slow; the schema checks the rest."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.plurals import counted

Read = NDArray[np.float64]

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, None: math.nan}


def without_data(array: object) -> object:
    """Return an array without its data, for validation by the schema."""
    if isinstance(array, dict) and isinstance(array.get("data"), list):
        return array | {"data": []}
    return array


def read_arrays(arrays: Mapping[str, Mapping[str, Any]], below: str = "") -> dict[str, Read]:
    """Read arrays whose data the schema has not checked, as float64; ``below`` is their path in the message.

    Raises:
        ValueError: the data do not match the shape, or contain something that is not a number.
    """
    return {name: _array(f"{below}{name}", **array) for name, array in arrays.items()}


def _array(name: str, shape: list[float], data: list[Any]) -> Read:
    sizes = tuple(map(int, shape))
    if set(map(type, data)) <= {int, float}:  # not bool, which NumPy accepts as a number
        numbers = data
    else:
        numbers = [_number(f"{name}/data/{index}", item) for index, item in enumerate(data)]
    if len(data) != math.prod(sizes):
        raise ValueError(f"{name}: data holds {counted(len(data), 'number')}, shape {sizes} needs {math.prod(sizes)}")
    return np.array(numbers, dtype=np.float64).reshape(sizes)


def _number(where: str, item: object) -> float:
    if isinstance(item, int | float) and not isinstance(item, bool):
        return item
    if (item is None or isinstance(item, str)) and item in _NOT_FINITE:
        return _NOT_FINITE[item]
    raise ValueError(f"{where}: {json.dumps(item)[:40]} is not a number, 'NaN', 'Infinity', '-Infinity' or null")
