"""A tanh and a relu RNN in Python without packages, as a program that reads JSON.

rnn-goldens check --rnn-goldens-dtype=float64 -- python my_rnn.py
"""

import json
import math
import platform
import sys
from typing import Any

Rows = list[list[float]]

HELLO = {
    "answer": "hello",
    "protocol": 1,
    "name": "my_rnn.py",
    "version": f"on Python {platform.python_version()}",
    "cells": ["rnn_tanh", "rnn_relu"],
    "features": ["bias", "state"],
    "precisions": ["float64"],
}


def run(request: dict[str, Any]) -> dict[str, Any]:
    batch, steps, size = request["inputs"]["x"]["shape"]
    units = request["config"]["hidden_size"]
    arrays = {name: array["data"] for name, array in (request["weights"] | request["inputs"]).items()}
    x, h0 = rows(arrays["x"], size), rows(arrays.get("h0", [0.0] * batch * units), units)
    w_ih, w_hh = rows(arrays["weight_ih_l0"], size), rows(arrays["weight_hh_l0"], units)
    b_ih, b_hh = (arrays.get(name, [0.0] * units) for name in ("bias_ih_l0", "bias_hh_l0"))
    activation = math.tanh if request["cell"] == "rnn_tanh" else lambda z: max(z, 0.0)

    out: Rows = []
    last: Rows = []
    for b in range(batch):
        h = h0[b]
        for x_t in x[b * steps : (b + 1) * steps]:
            z = zip(product(w_ih, x_t), b_ih, product(w_hh, h), b_hh, strict=True)
            h = [activation(sum(terms)) for terms in z]
            out.append(h)
        last.append(h)
    return {
        "answer": "outputs",
        "id": request["id"],
        "out": {"shape": [batch, steps, units], "data": flat(out)},
        "h_n": {"shape": [1, batch, units], "data": flat(last)},
    }


def rows(data: list[float], size: int) -> Rows:
    return [data[start : start + size] for start in range(0, len(data), size)]


def flat(lists: Rows) -> list[float]:
    return [number for numbers in lists for number in numbers]


def product(matrix: Rows, vector: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(HELLO if request["request"] == "hello" else run(request)), flush=True)
