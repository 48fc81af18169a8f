"""Runs lstm_int8.c on goldens: the command ``COMPILE``, then ``rnn-goldens check port:lstm --cell lstm_int8_cmsis``."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens import RnnGoldensError, Unsupported
from rnn_goldens.checkable_golden import Inputs

COMPILE = "cc -O2 -shared -fPIC -o lstm_int8.so lstm_int8.c -lm"
LIBRARY = Path(__file__).with_name("lstm_int8.so")
if not LIBRARY.exists():
    raise RnnGoldensError(f"{LIBRARY.name} is missing; in its folder, run: {COMPILE}")

C = ctypes.CDLL(str(LIBRARY))
TABLE = np.zeros(256, np.int32)
C.sigmoid_table(ctypes.c_void_p(TABLE.ctypes.data))

FIELDS = ("x_zero", "h_zero", "cell_power", "cell_clip", "W_multiplier", "W_shift", "R_multiplier", "R_shift")


def lstm(golden: Inputs) -> tuple[Any, Any, Any]:
    """Return out, h and c of a golden, computed by the C function."""
    if golden.dtype != "int8":
        raise Unsupported(f"{golden.cell} in {golden.dtype}; this port computes int8: give --cell lstm_int8_cmsis")
    if golden.config.get("rounding") == "single":
        raise Unsupported("multipliers that round once")
    config, h, c = golden.config, golden.h0.copy(), golden.c0.copy()
    flat = [*golden.x.shape, config["hidden_size"]]
    for name in (*FIELDS, "h_multiplier", "h_shift"):
        flat += config[name] if isinstance(config[name], list) else [config[name]]
    out = np.zeros((*golden.x.shape[:2], config["hidden_size"]), np.int8)
    weights = [[golden.weights[f"{matrix}_{gate}"].copy() for gate in "ifgo"] for matrix in "WRb"]
    arrays = [np.array(flat, np.int32), TABLE, *weights, golden.x.copy(), h, c, out]
    C.lstm_int8(*map(_pointer, arrays))
    return out, h, c


def _pointer(array: Any) -> Any:  # noqa: ANN401 - an array or a list of them
    """Return the address of an array, or of the addresses of several."""
    if isinstance(array, list):
        return (ctypes.c_void_p * len(array))(*(part.ctypes.data for part in array))
    return ctypes.c_void_p(array.ctypes.data)
