"""A program with every standard cell and every feature: the definition in NumPy, in every precision except bfloat16.

    python numpy_rnn.py [back [REQUEST_ID=MISBEHAVIOUR]...]

With ``back`` the program speaks protocol 2, returns requested gradients, and misbehaves on each request REQUEST_ID.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network, gradients
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import Config, state_shapes

Message = dict[str, Any]

FEATURES = ["bias", "state", "multilayer", "bidirectional", "lengths", "unbatched"]
HELLO = {
    "answer": "hello", "protocol": 1, "cells": ["rnn_tanh", "rnn_relu", "lstm", "gru"], "features": FEATURES,
    "precisions": ["float64", "float32", "float16"],
}  # fmt: skip
HELLO_BACK = {**HELLO, "protocol": 2, "name": "numpy_rnn", "features": [*FEATURES, "gradients"]}


def array(message: Message, dtype: str = "int64") -> Array:
    return np.array(message["data"], dtype=dtype).reshape(message["shape"])


def case(request: Message) -> Case:
    inputs, dtype, config = request["inputs"], request["precision"], Config(**request["config"])
    x = array(inputs["x"], dtype)
    names = [f"{name}0" for name in LAYOUTS[request["cell"]].states]
    zeros = np.zeros(state_shapes(LAYOUTS[request["cell"]], config, x.shape[:-2])["h"], dtype)
    return Case(
        BUILT_IN_CELLS[request["cell"]],
        config,
        {name: array(weight, dtype) for name, weight in request["weights"].items()},
        x,
        tuple(array(inputs[name], dtype) if name in inputs else zeros for name in names),
        array(inputs["lengths"]) if "lengths" in inputs else None,
        state_given="h0" in inputs,
    )


def to_message(arrays: dict[str, Array]) -> Message:
    return {name: {"shape": list(array.shape), "data": array.ravel().tolist()} for name, array in arrays.items()}


def run(request: Message) -> Message:
    outputs = dict(zip(("out", "h_n", "c_n"), Network().run(case(request)), strict=False))
    return {"answer": "outputs", "id": request["id"], **to_message(outputs)}


def run_back(request: Message) -> Message:
    cotangents = {name: array(value, request["precision"]) for name, value in request["cotangents"].items()}
    return {
        "answer": "gradients",
        "id": request["id"],
        "gradients": to_message(gradients(case(request), cotangents)),
    }


def with_x(answer: Message, x: Any) -> Message:
    return {**answer, "gradients": {**answer["gradients"], "x": x}}


def halved(answer: Message) -> Message:
    x = answer["gradients"]["x"]
    return with_x(answer, {**x, "data": [number / 2 for number in x["data"]]})


MISBEHAVIOUR: dict[str, Callable[[Message], Message]] = {
    "halves_x": halved,
    "gives_null": lambda answer: with_x(answer, None),
    "gives_a_list": lambda answer: with_x(answer, [1.0]),
    "gives_too_few_numbers": lambda answer: with_x(answer, {**answer["gradients"]["x"], "data": [1.0]}),
    "gives_only_x": lambda answer: {**answer, "gradients": {"x": answer["gradients"]["x"]}},
    "leaves_gradients_out": lambda answer: {name: answer[name] for name in ("answer", "id")},
}


def answer(request: Message, instructions: dict[str, str]) -> Message:
    if request["request"] == "hello":
        return HELLO_BACK if "back" in sys.argv else HELLO
    how = instructions.get(str(request["id"]), "")
    if how == "answers_outputs" or "cotangents" not in request:
        return {**run(request), "answer": "outputs"}
    if how == "gives_outputs_beside":
        return {**run(request), **run_back(request)}
    right = run_back(request)
    return MISBEHAVIOUR[how](right) if how else right


if __name__ == "__main__":
    instructions = dict(argument.split("=") for argument in sys.argv[2:])
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), instructions)), flush=True)
