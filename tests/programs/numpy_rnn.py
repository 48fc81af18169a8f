"""Every cell and feature as a program: the definition in NumPy, in the precision asked for; bfloat16 aside."""

import json
import sys
from typing import Any

import numpy as np

from rnn_goldens.cells import DEFINED, Array, Case, Network
from rnn_goldens.golden.shapes import LAYOUTS, Config, state_shape

HELLO = {
    "answer": "hello",
    "protocol": 1,
    "cells": ["rnn_tanh", "rnn_relu", "lstm", "gru"],
    "features": ["bias", "state", "multilayer", "bidirectional", "lengths", "unbatched"],
    "precisions": ["float64", "float32", "float16"],
}


def array(message: dict[str, Any], dtype: str = "int64") -> Array:
    return np.array(message["data"], dtype=dtype).reshape(message["shape"])


def run(request: dict[str, Any]) -> dict[str, Any]:
    inputs, dtype, config = request["inputs"], request["precision"], Config(**request["config"])
    x = array(inputs["x"], dtype)
    names = [f"{name}0" for name in LAYOUTS[request["cell"]].states]
    zeros = np.zeros(state_shape(config, x.shape[:-2]), dtype)
    case = Case(
        DEFINED[request["cell"]],
        config,
        {name: array(weight, dtype) for name, weight in request["weights"].items()},
        x,
        tuple(array(inputs[name], dtype) if name in inputs else zeros for name in names),
        array(inputs["lengths"]) if "lengths" in inputs else None,
    )
    outputs = zip(("out", "h_n", "c_n"), Network().run(case), strict=False)
    arrays = {name: {"shape": output.shape, "data": output.ravel().tolist()} for name, output in outputs}
    return {"answer": "outputs", "id": request["id"], **arrays}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(HELLO if request["request"] == "hello" else run(request)), flush=True)
