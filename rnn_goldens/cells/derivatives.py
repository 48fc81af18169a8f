"""How the result of each elementwise primitive changes with its arguments."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnn_goldens.cells.arrays import Array

Derivative = Callable[..., Any]
"""``derivative(y, *arguments, *detail)`` of the result y, unit by unit."""

DERIVATIVES: Mapping[str, tuple[Derivative, ...]] = {
    "negative": (lambda _y, _z: -1.0,),
    "multiply": (lambda _y, _a, b: b, lambda _y, a, _b: a),
    "scaled": (lambda _y, _z, factor: float(factor),),
    "divide": (lambda _y, _a, b: 1 / b, lambda y, _a, b: -y / b),
    "mix": (lambda _y, _z, a, b: a - b, lambda _y, z, _a, _b: z, lambda _y, z, _a, _b: 1 - z),
    "sigmoid": (lambda y, _z: y * (1 - y),),
    "tanh": (lambda y, _z: 1 - y * y,),
    "exp": (lambda y, _z: y,),
    "rsqrt": (lambda y, _z: -(y**3) / 2,),
    "relu": (lambda _y, z: (z > 0).astype(float),),
    "maximum": (lambda _y, a, b: (a > b).astype(float), lambda _y, a, b: (b > a).astype(float)),
    "clip": (lambda _y, z, low, high: ((z > float(low)) & (z < float(high))).astype(float),),
}
"""By primitive, one for each argument. At a kink, where there is none, it is zero: whoever reads it minds the kink."""


def derivative(primitive: str, argument: int, y: Array, arguments: list[Array], detail: tuple[Any, ...]) -> Array:
    """Of the result by one of the arguments, unit by unit; a sum's is one."""
    if primitive in ("sum", "same"):
        return np.float64(1.0)  # type: ignore[return-value] # it meets arrays of any shape
    found: Array = DERIVATIVES[primitive][argument](y, *arguments, *detail)
    return found
