"""Back-propagation through time as in textbooks, number by number: a second backward pass of the standard cells.

It shares no code with ``rnn_goldens/cells`` and the generator: derivatives are written by hand in ``decimal``, one
sequence and one unit at a time, on top of the scalar networks.

Sources:
    P. J. Werbos, Backpropagation through time: what it does and how to do it, Proc. IEEE 78 (1990).
    K. Greff et al., LSTM: a search space odyssey, arXiv:1503.04069 (2015), appendix: the LSTM's gradients.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, localcontext
from typing import Any, NamedTuple

from independent.scalar_rnn import CELLS, State, Vector, Weights, affine, each, sigmoid, tanh

DIGITS = 80


class UnitBack(NamedTuple):
    """Cotangents of a unit's step: of W x + b_ih and U h + b_hh (one number per gate), and of the previous state."""

    of_input: Vector
    of_state: Vector
    state: Vector


Back = Callable[[Vector, Vector, Vector, Vector], UnitBack]
"""A function of W x + b_ih, U h + b_hh, the previous state, and the cotangents of the next state."""


def slope_of_sigmoid(z: Decimal) -> Decimal:
    return sigmoid(z) * sigmoid(-z)


def slope_of_tanh(z: Decimal) -> Decimal:
    return 4 * slope_of_sigmoid(2 * z)


def rnn_tanh(x: Vector, h: Vector, _: Vector, d: Vector) -> UnitBack:
    back = [d[0] * slope_of_tanh(x[0] + h[0])]
    return UnitBack(back, back, [Decimal(0)])


def rnn_relu(x: Vector, h: Vector, _: Vector, d: Vector) -> UnitBack:
    back = [d[0] if x[0] + h[0] > 0 else Decimal(0)]
    return UnitBack(back, back, [Decimal(0)])


def lstm(x: Vector, h: Vector, state: Vector, d: Vector) -> UnitBack:
    i, f, g, o = (of_input + of_state for of_input, of_state in zip(x, h, strict=True))
    c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
    d_c = d[1] + d[0] * sigmoid(o) * slope_of_tanh(c)
    back = [
        d_c * tanh(g) * slope_of_sigmoid(i),
        d_c * state[1] * slope_of_sigmoid(f),
        d_c * sigmoid(i) * slope_of_tanh(g),
        d[0] * tanh(c) * slope_of_sigmoid(o),
    ]
    return UnitBack(back, back, [Decimal(0), d_c * sigmoid(f)])


def gru(x: Vector, h: Vector, state: Vector, d: Vector) -> UnitBack:
    r, z = x[0] + h[0], x[1] + h[1]
    n = x[2] + sigmoid(r) * h[2]
    d_n = d[0] * sigmoid(-z) * slope_of_tanh(n)
    d_r = d_n * h[2] * slope_of_sigmoid(r)
    d_z = d[0] * (state[0] - tanh(n)) * slope_of_sigmoid(z)
    return UnitBack([d_r, d_z, d_n], [d_r, d_z, d_n * sigmoid(r)], [d[0] * sigmoid(z)])


BACK: dict[str, Back] = {"rnn_tanh": rnn_tanh, "rnn_relu": rnn_relu, "lstm": lstm, "gru": gru}


def times_transposed(matrix: Sequence[Vector], vector: Vector) -> Vector:
    return [
        sum((w * v for w, v in zip(column, vector, strict=True)), Decimal(0)) for column in zip(*matrix, strict=True)
    ]


def plus(a: Any, b: Any) -> Any:
    """Add nested lists number by number."""
    return [plus(p, q) for p, q in zip(a, b, strict=True)] if isinstance(a, Sequence) else a + b


def outer(a: Vector, b: Vector) -> list[Vector]:
    return [[p * q for q in b] for p in a]


class Step(NamedTuple):
    x: Vector
    of_input: Vector
    of_state: Vector
    before: State


def forward(cell: str, w: Weights, sequence: Sequence[Vector], state: State) -> tuple[list[Vector], list[Step]]:
    """Run one layer in one direction; return h at every step and the values for the backward pass."""
    outputs, steps, size = [], [], len(state[0])
    for x in sequence:
        step = Step(x, affine(w.weight_ih, x, w.bias_ih), affine(w.weight_hh, state[0], w.bias_hh), state)
        sums = zip(range(size), zip(*state, strict=True), strict=True)
        units = [CELLS[cell](step.of_input[k::size], step.of_state[k::size], unit) for k, unit in sums]
        state = list(zip(*units, strict=True))
        outputs.append(state[0])
        steps.append(step)
    return outputs, steps


def one_direction(
    cell: str, w: Weights, steps: Sequence[Step], d_outs: Sequence[Vector], d_last: State
) -> tuple[list[Vector], State, Weights]:
    """Return the cotangents of the inputs and of the initial state, and the gradients of the weights."""
    d_state, size = d_last, len(d_last[0])
    d_inputs: list[Vector] = []
    total = Weights(*(each(lambda _: Decimal(0), array) for array in w))
    for step, d_out in zip(reversed(steps), reversed(d_outs), strict=True):
        d_state = [plus(d_state[0], d_out), *d_state[1:]]
        units = [
            BACK[cell](step.of_input[k::size], step.of_state[k::size], before, after)
            for k, before, after in zip(
                range(size), zip(*step.before, strict=True), zip(*d_state, strict=True), strict=True
            )
        ]
        of_input = [g for gate in zip(*(unit.of_input for unit in units), strict=True) for g in gate]
        of_state = [g for gate in zip(*(unit.of_state for unit in units), strict=True) for g in gate]
        h, *others = zip(*(unit.state for unit in units), strict=True)
        d_state = [plus(h, times_transposed(w.weight_hh, of_state)), *others]
        d_inputs.insert(0, times_transposed(w.weight_ih, of_input))
        of_step = Weights(outer(of_input, step.x), outer(of_state, step.before[0]), of_input, of_state)
        total = Weights(*(plus(a, b) for a, b in zip(total, of_step, strict=True)))
    return d_inputs, d_state, total


def network(
    cell: str,
    layers: Sequence[Sequence[Weights]],
    sequence: Sequence[Vector],
    initial: Sequence[State],
    d_outs: Sequence[Vector],
    d_last: Sequence[State],
) -> tuple[Sequence[Vector], list[State], list[Weights]]:
    """Return the cotangents of a sequence's input and initial states, and the gradients of the weights."""
    strides, count = (1, -1), len(layers[0])
    all_steps: list[list[Step]] = []
    for layer in layers:
        outs = []
        for weights, stride in zip(layer, strides, strict=False):
            outputs, steps = forward(cell, weights, sequence[::stride], initial[len(all_steps)])
            outs.append(outputs[::stride])
            all_steps.append(steps)
        sequence = [[h for vector in step for h in vector] for step in zip(*outs, strict=True)]
    d_start: list[State] = []
    gradients: list[Weights] = []
    for number in reversed(range(len(layers))):
        below, starts, found = [], [], []
        for side, (weights, stride) in enumerate(zip(layers[number], strides, strict=False)):
            k, size = number * count + side, len(initial[0][0])
            d_side = [d_out[side * size : (side + 1) * size] for d_out in d_outs]
            d_inputs, d_first, total = one_direction(cell, weights, all_steps[k], d_side[::stride], d_last[k])
            below.append(d_inputs[::stride])
            starts.append(d_first)
            found.append(total)
        d_outs = below[0] if count == 1 else plus(*below)
        d_start, gradients = [*starts, *d_start], [*found, *gradients]
    return d_outs, d_start, gradients


def batch(
    cell: str, layers: Any, x: Any, initial: Any, lengths: Sequence[int], d_out: Any, d_last: Any
) -> tuple[list[Any], list[Any], list[Weights]]:
    """Return the gradients of x, of the initial states, and of the weights (sums over the sequences)."""
    d_x, starts, total = [], [], None
    for b, length in enumerate(lengths):
        first, last = ([[s[b] for s in row] for row in zip(*of, strict=True)] for of in (initial, d_last))
        d_inputs, d_start, found = network(cell, layers, x[b][:length], first, d_out[b][:length], last)
        d_x.append([*d_inputs, *([Decimal(0)] * len(x[b][0]) for _ in x[b][length:])])
        starts.append(d_start)
        total = found if total is None else [Weights(*map(plus, *pair)) for pair in zip(total, found, strict=True)]
    rows = list(zip(*starts, strict=True))
    assert total is not None
    return d_x, [[[state[s] for state in row] for row in rows] for s in range(len(initial))], total


def gradients(
    cell: str, weights: Mapping[str, Any], x: Any, initial: Any, lengths: Sequence[int], d_out: Any, d_last: Any
) -> dict[str, Any]:
    """Return the gradients of x, h0, c0 (LSTM only) and every weight: exact, rounded to float64, ties to even.

    Arrays are nested lists of floats, as in ``scalar_rnn.answer``; ``d_last`` is [d_h_n], or [d_h_n, d_c_n].
    """
    exact = {name: each(Decimal, array) for name, array in weights.items()}
    no_bias = [Decimal(0)] * len(weights["weight_ih_l0"])
    directions = ("", "_reverse") if "weight_ih_l0_reverse" in weights else ("",)
    suffixes = [
        [f"l{layer}{direction}" for direction in directions] for layer in range(len(initial[0]) // len(directions))
    ]
    layers = [[Weights(*(exact.get(f"{n}_{s}", no_bias) for n in Weights._fields)) for s in row] for row in suffixes]
    arguments = (each(Decimal, x), each(Decimal, initial), lengths, each(Decimal, d_out), each(Decimal, d_last))
    digits, before = DIGITS, ""
    while True:
        with localcontext(Context(prec=digits, Emin=MIN_EMIN, Emax=MAX_EMAX)) as context:
            d_x, d_start, of_weights = batch(cell, layers, *arguments)
            found = {"x": d_x, **dict(zip(("h0", "c0"), d_start, strict=False))}
            for suffix, each_one in zip([s for row in suffixes for s in row], of_weights, strict=True):
                found |= {f"{name}_{suffix}": array for name, array in each_one._asdict().items()}
            now = {name: each(lambda number: float(number + 0), found[name]) for name in (*found,)}
        if not context.flags[Inexact] or (repr(now) == before and cell != "rnn_relu"):
            return {name: array for name, array in now.items() if name in (*weights, "x", "h0", "c0")}
        digits, before = 2 * digits, repr(now)
