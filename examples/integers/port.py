"""Runs lstm_int8.c on goldens: ``cc -shared -fPIC -o lstm_int8.so lstm_int8.c``, then
``rnn-goldens check port:lstm --cell lstm_int8_cmsis``.
"""

import ctypes
import math
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens import Unsupported
from rnn_goldens.checkable_golden import Inputs

TABLE = np.array(
    [
        round(2**16 * (y + y * (1 - y) * (2 * y - 1) / (16 * 24**2)))
        for y in (1 / (1 + math.exp(-k / 24)) for k in range(255))
    ]
    + [65535],
    np.int32,
)
"""The sigmoid at 0, 1/24, … 254/24 and beyond, each raised by half of what a chord between two entries loses."""

LIBRARY = Path(__file__).with_name("lstm_int8.so")
FIELDS = ("x_zero", "h_zero", "cell_power", "cell_clip", "W_multiplier", "W_shift", "R_multiplier", "R_shift")


def lstm(golden: Inputs) -> tuple[Any, Any, Any]:
    """Return out, h and c of a golden, computed by the C function."""
    if golden.config.get("rounding") == "single":
        raise Unsupported("a multiplier rounds twice")
    x, c = golden.config, golden.c0.copy()
    flat = [*golden.x.shape, golden.config["hidden_size"]]
    for name in (*FIELDS, "h_multiplier", "h_shift"):
        flat += x[name] if isinstance(x[name], list) else [x[name]]
    h, out = golden.h0.copy(), np.zeros((*golden.x.shape[:2], x["hidden_size"]), np.int8)
    weights = [[golden.weights[f"{matrix}_{gate}"].copy() for gate in "ifgo"] for matrix in "WRb"]
    arrays = [np.array(flat, np.int32), TABLE, *weights, golden.x.copy(), h, c, out]
    ctypes.CDLL(str(LIBRARY)).lstm_int8(*map(_pointer, arrays))
    return out, h, c


def _pointer(array: Any) -> Any:  # noqa: ANN401 - an array or a list of them
    """Return the address of an array, or of the addresses of several."""
    if isinstance(array, list):
        return (ctypes.c_void_p * len(array))(*(part.ctypes.data for part in array))
    return ctypes.c_void_p(array.ctypes.data)
