"""A recurrent network in lists and floats, in float32 by rounding every operation: a source to be edited."""

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Vector = Sequence[float]
State = Sequence[Vector]
"""[h], or [h, c] of an LSTM; of one layer in one direction and one sequence."""
Rounding = Callable[[float], float]


def to_float32(value: float) -> float:
    """The nearest float32."""
    return ctypes.c_float(value).value


def tanh(z: float, near: Rounding) -> float:
    """Rounded once."""
    return near(math.tanh(z))


def sigmoid(z: float, near: Rounding) -> float:
    """Rounded once; e^-|z| does not overflow."""
    e = math.exp(-abs(z))
    return near(1 / (1 + e) if z > 0 else e / (1 + e))


def unit(cell: str, of_x: Vector, of_h: Vector, state: Vector, near: Rounding) -> Vector:
    """One unit one time step later, from its W x + b and W h + b, a number a gate: its new h (and c)."""
    if cell == "gru":
        r = sigmoid(near(of_x[0] + of_h[0]), near)
        z = sigmoid(near(of_x[1] + of_h[1]), near)
        n = tanh(near(of_x[2] + near(r * of_h[2])), near)
        return [near(near(near(1 - z) * n) + near(z * state[0]))]
    sums = [near(a + b) for a, b in zip(of_x, of_h, strict=True)]
    if cell == "lstm":
        i, f, g, o = sums
        kept = near(sigmoid(f, near) * state[1])
        c = near(kept + near(sigmoid(i, near) * tanh(g, near)))
        return [near(sigmoid(o, near) * tanh(c, near)), c]
    return [max(sums[0], 0) if cell == "rnn_relu" else tanh(sums[0], near)]


def affine(matrix: Sequence[Vector], vector: Vector, bias: Vector | None, near: Rounding) -> Vector:
    """W v + b."""
    result = []
    for k in range(len(matrix)):
        total = 0.0
        for j in range(len(vector)):
            total = near(total + near(matrix[k][j] * vector[j]))
        if bias is not None:
            total = near(total + bias[k])
        result.append(total)
    return result


def one_direction(
    cell: str, w: Sequence[Any], sequence: Sequence[Vector], state: State, near: Rounding
) -> tuple[list[Vector], State]:
    """One layer in one direction: h at every step, and the last state."""
    said = []
    for x in sequence:
        of_x = affine(w[0], x, w[2], near)
        of_h = affine(w[1], state[0], w[3], near)
        size = len(state[0])
        units = [unit(cell, of_x[k::size], of_h[k::size], [part[k] for part in state], near) for k in range(size)]
        state = [[new[s] for new in units] for s in range(len(state))]
        said.append(state[0])
    return said, state


def one_sequence(
    cell: str, layers: Sequence[Sequence[Any]], sequence: Sequence[Vector], initial: Sequence[State], near: Rounding
) -> tuple[Sequence[Vector], list[State]]:
    """All layers: h of the last at every step, and the last state of each layer and direction."""
    last: list[State] = []
    for layer in layers:
        said, state = one_direction(cell, layer[0], sequence, initial[len(last)], near)
        last.append(state)
        if len(layer) > 1:
            back, state = one_direction(cell, layer[1], sequence[::-1], initial[len(last)], near)
            last.append(state)
            said = [[*ahead, *behind] for ahead, behind in zip(said, back[::-1], strict=True)]
        sequence = said
    return sequence, last


def network(
    cell: str,
    weights: Mapping[str, Any],
    x: Any,  # noqa: ANN401 - nested sequences of numbers, as are initial and the answer
    initial: Any,  # noqa: ANN401
    lengths: Sequence[int] | None,
    num_layers: int,
    suffixes: Sequence[str],
    *,
    unbatched: bool,
    precision: str,
) -> list[Any]:
    """All sequences: out, zero beyond a sequence's end, and the last h (and c) of each layer and direction."""
    near = to_float32 if precision == "float32" else float
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    ends = [["_l" + str(layer) + suffix for suffix in suffixes] for layer in range(num_layers)]
    layers = [[[weights.get(name + end) for name in names] for end in row] for row in ends]
    if unbatched:
        x = [x]
        initial = initial and [[[row] for row in part] for part in initial]
    states = 2 if cell == "lstm" else 1
    zeros = [0.0] * len(weights["weight_hh_l0"][0])
    out, last = [], []
    for b in range(len(x)):
        length = lengths[b] if lengths else len(x[b])
        first = [
            [initial[s][k][b] if initial else zeros for s in range(states)] for k in range(num_layers * len(suffixes))
        ]
        said, state = one_sequence(cell, layers, x[b][:length], first, near)
        width = len(said[0])
        out.append([*said, *([0.0] * width for _ in range(len(x[b]) - length))])
        last.append(state)
    finals = [[[state[k][s] for state in last] for k in range(len(last[0]))] for s in range(states)]
    return [out[0], *([row[0] for row in final] for final in finals)] if unbatched else [out, *finals]
