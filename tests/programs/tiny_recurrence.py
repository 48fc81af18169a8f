"""A program with the gated delta rule in plain Python, without grouped queries and packed sequences.

    python tiny_recurrence.py [wrong | other_names]

``wrong`` decays the state after the update; ``other_names`` answers with a network's names.
"""

import json
import math
import sys
from itertools import product
from typing import Any

Message = dict[str, Any]

HELLO = {
    "answer": "hello", "protocol": 2, "name": "tiny_recurrence", "cells": ["gated_delta"], "features": ["state"],
    "precisions": ["float64", "float32", "bfloat16", "float16"],
}  # fmt: skip


class Array:
    def __init__(self, shape: list[int], data: list[float] | None = None) -> None:
        self.shape, self.data = shape, data or [0.0] * math.prod(shape)

    def place(self, *index: int) -> int:
        place = 0
        for i, size in zip(index, self.shape, strict=True):
            place = place * size + i
        return place

    def __getitem__(self, index: tuple[int, ...]) -> float:
        return self.data[self.place(*index)]

    def __setitem__(self, index: tuple[int, ...], value: float) -> None:
        self.data[self.place(*index)] = value


def outputs(request: Message, *, wrong: bool) -> Message:
    config, arrays = request["config"], {n: Array(a["shape"], a["data"]) for n, a in request["inputs"].items()}
    if config.get("decay", "head") != "head":
        return {"answer": "unsupported", "id": request["id"], "reason": "a decay by key"}
    q, k, v, g, beta = (arrays[name] for name in ("q", "k", "v", "g", "beta"))
    batch, steps, heads, d_k = k.shape
    d_v, scale = config["d_v"], config.get("scale", 1 / math.sqrt(d_k))
    s = arrays.get("S0", Array([batch, heads, d_k, d_v]))
    o = Array([batch, steps, heads, d_v])
    for b, t, h in product(range(batch), range(steps), range(heads)):
        decay = math.exp(g[b, t, h])
        before, after = (1.0, decay) if wrong else (decay, 1.0)
        for j in range(d_v):
            column = [before * s[b, h, i, j] for i in range(d_k)]
            change = beta[b, t, h] * (v[b, t, h, j] - sum(column[i] * k[b, t, h, i] for i in range(d_k)))
            for i in range(d_k):
                s[b, h, i, j] = after * (column[i] + k[b, t, h, i] * change)
            o[b, t, h, j] = scale * sum(s[b, h, i, j] * q[b, t, h, i] for i in range(d_k))
    named = {"o": o, "S_n": s}
    return {
        "answer": "outputs",
        "id": request["id"],
        **{name: {"shape": array.shape, "data": array.data} for name, array in named.items()},
    }


def main() -> None:
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    for line in sys.stdin:
        request = json.loads(line)
        answer = HELLO if request["request"] == "hello" else outputs(request, wrong=how == "wrong")
        if how == "other_names" and "o" in answer:
            answer["out"], answer["h_n"] = answer.pop("o"), answer.pop("S_n")
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
