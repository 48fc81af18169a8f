"""Engines of integer LSTMs: LiteRT, TensorFlow Lite Micro, and CMSIS-NN on the CPU.

CMSIS-NN has no Python package: ``CMSIS_NN`` is the path of a library that ``docs/integer-lstms.md`` says how to build,
and ``CMSIS_NN_SINGLE`` that of one with single rounding. ``later`` are the inputs x of calls that begin with the states
that the call before left in the engine; their outputs follow in time.
"""

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export.tflite_model import model
from rnn_goldens.golden.integer_config import DOUBLE
from rnn_goldens.golden.recurrences import INTEGER_GATES

Array = NDArray[Any]


def litert(inputs: Inputs, *, later: Sequence[Array] = ()) -> Array:
    """Return out, computed by LiteRT's built-in kernels. Raises Unsupported as ``model``, and for 16-bit inputs."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    if inputs.dtype != "int8":
        raise Unsupported("LiteRT's LSTM has 8-bit inputs")
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    engine = Interpreter(model_content=model(inputs), num_threads=1, experimental_op_resolver_type=plain)
    engine.allocate_tensors()
    outputs = []
    for x in (inputs.x, *later):
        engine.set_tensor(engine.get_input_details()[0]["index"], np.array(x))
        engine.invoke()
        outputs.append(engine.get_tensor(engine.get_output_details()[0]["index"]))
    return np.concatenate(outputs, axis=1)


def tflm(inputs: Inputs, *, later: Sequence[Array] = ()) -> Array:
    """Return out, computed by TensorFlow Lite Micro's reference kernels. Raises Unsupported as ``model``."""
    from tflite_micro.python.tflite_micro import runtime

    engine = runtime.Interpreter.from_bytes(model(inputs))
    outputs = []
    for x in (inputs.x, *later):
        engine.set_input(np.array(x), 0)
        engine.invoke()
        outputs.append(engine.get_output(0))
    return np.concatenate(outputs, axis=1)


def cmsis(inputs: Inputs) -> tuple[Array, Array, Array]:
    """Return out, h and c, computed by CMSIS-NN, one row of the batch at a time.

    Raises WrongUse without a library, and Unsupported without one of single rounding, which is an option of a build.
    """
    rows = [_row(inputs, row) for row in range(len(inputs.x))]
    out, h, c = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return out, h, c


def _row(inputs: Inputs, row: int) -> tuple[Array, Array, Array]:
    config, x = inputs.config, inputs.x[row : row + 1].copy()
    _, time, size = x.shape
    units = config["hidden_size"]
    h, c = (array[row : row + 1].copy() for array in (inputs.h0, inputs.c0))
    out, scratch = np.zeros((1, time, units), x.dtype), np.zeros((2, units + 16), np.int16)
    sizes = [1, time, size, units, config["cell_clip"], config["cell_power"]]
    of_h = [config["h_multiplier"], config["h_shift"], config["h_zero"]]
    halves = [1 << 30, -14, 1 << 30, -29 - config["cell_power"]]
    names = ("W_multiplier", "W_shift", "R_multiplier", "R_shift")
    of_gates = [config[name][k] for k in range(len(INTEGER_GATES)) for name in names]
    arguments = [np.array([*sizes, *of_h, *halves, *of_gates], np.int32), x, *_weights(inputs), out, h, c, *scratch]
    code = _library(config.get("rounding", DOUBLE)).lstm(
        int(inputs.dtype == "int16"), *(ctypes.c_void_p(one.ctypes.data) for one in arguments)
    )
    if code:
        raise RuntimeError(f"CMSIS-NN returned {code}")
    return out, h, c


def _weights(inputs: Inputs) -> list[Array]:
    """Return W, R, and the biases of both, which have the zero points in them."""
    config, w = inputs.config, inputs.weights
    stacked = [np.stack([w[f"{name}_{gate}"] for gate in INTEGER_GATES]) for name in "WRb"]
    sums = [matrix.astype(np.int64).sum(axis=2) for matrix in stacked[:2]]
    of_x = stacked[2].astype(np.int64) - config["x_zero"] * sums[0]
    kind = stacked[2].dtype
    return [*stacked[:2], of_x.astype(kind), (-config["h_zero"] * sums[1]).astype(kind)]


@cache
def _library(rounding: str) -> ctypes.CDLL:
    name, error = ("CMSIS_NN", WrongUse) if rounding == DOUBLE else ("CMSIS_NN_SINGLE", Unsupported)
    if not (path := os.environ.get(name)):
        raise error(f"{name} is not set: the path of a library that docs/integer-lstms.md says how to build")
    return ctypes.CDLL(path)
