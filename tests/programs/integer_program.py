"""A program with the 8-bit LSTM of LiteRT, in plain Python integers.

    python integer_program.py [wrong]

``wrong`` leaves out the biases.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from independent.scalar_integers import outputs

HELLO = {
    "answer": "hello", "protocol": 2, "name": "integer_program", "cells": ["lstm_int8_tflite"], "features": ["state"],
    "precisions": ["int8"],
}  # fmt: skip


def nested(shape: list[int], data: list[int]) -> Any:
    if len(shape) == 1:
        return data
    size = math.prod(shape[1:])
    return [nested(shape[1:], data[k : k + size]) for k in range(0, len(data), size)]


def flat(numbers: Any) -> list[int]:
    return [one for part in numbers for one in flat(part)] if isinstance(numbers[0], list) else numbers


def shape_of(numbers: Any) -> list[int]:
    return [len(numbers), *shape_of(numbers[0])] if isinstance(numbers, list) else []


def answer(request: dict[str, Any]) -> dict[str, Any]:
    config, given = request["config"], {**request["weights"], **request["inputs"]}
    arrays = {name: nested(array["shape"], array["data"]) for name, array in given.items()}
    rows, units = len(arrays["x"]), config["hidden_size"]
    arrays.setdefault("h0", [[config["h_zero"]] * units] * rows)
    arrays.setdefault("c0", [[0] * units] * rows)
    if "wrong" in sys.argv:
        arrays |= {f"b_{gate}": [0] * units for gate in "ifgo"}
    found = outputs(request["cell"], config, arrays)
    listed = {name: {"shape": shape_of(array), "data": flat(array)} for name, array in found.items()}
    return {"answer": "outputs", "id": request["id"], **listed}


for line in sys.stdin:
    message = json.loads(line)
    print(json.dumps(HELLO if message["request"] == "hello" else answer(message)), flush=True)
