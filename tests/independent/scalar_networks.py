"""Recurrent networks as in the papers, number by number: a second implementation of the cells and of their gradients.

It shares no code and no library with ``rnn_goldens/cells`` and the generator: loops over ``decimal``, one sequence and
one unit at a time. The papers do not define layout and gate order; these are ``torch.nn``'s, as documented.

Sources:
    J. L. Elman, Finding structure in time, Cognitive Science 14 (1990): the recurrent layer, figure 2.
    S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997): the LSTM, section 4.
    F. A. Gers, J. Schmidhuber, F. Cummins, Learning to forget, Neural Computation 12 (2000): forget gates, section 3.
    K. Cho et al., Learning phrase representations, arXiv:1406.1078 (2014): the GRU, equations (5) to (8).
    M. Schuster, K. K. Paliwal, Bidirectional recurrent neural networks, IEEE Trans. Signal Processing 45 (1997).
    A. Graves, A. Mohamed, G. Hinton, Speech recognition with deep recurrent neural networks (2013): layers, section 2.
    Dialects: onnx.ai, Operators, RNN-22, LSTM-22 and GRU-22; PyTorch's ``nn.LSTM`` (proj_size); TensorFlow's
    ``CoupledInputForgetGateCell`` and ``LSTMCell`` (cell_clip).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from independent.scalar_numbers import DECIMAL, TAPED, Functions, Variable, dot, each, flat, pull_back, rounded, value

Vector = Sequence[Any]
State = Sequence[Vector]
"""State of one layer in one direction: [h], or [h, c] for an LSTM."""
Function = Callable[[Any], Any]


def constant(text: str) -> Decimal:
    """Return a constant: a decimal or a fraction such as 1/6."""
    above, _, below = text.partition("/")
    return Decimal(above) / Decimal(below or 1)


def limited(z: Any, low: Any, high: Any) -> Any:
    return Decimal(low) if value(z) < Decimal(low) else Decimal(high) if value(z) > Decimal(high) else z


def hard_sigmoid(alpha: str) -> Function:
    return lambda z: limited(constant(alpha) * z + Decimal("0.5"), 0, 1)


def from_kink(positive: Function, negative: Function) -> Function:
    return lambda z: positive(z) if value(z) >= 0 else negative(z)


def limit(f: Function) -> Function:
    return lambda z: f(limited(z, -1, 1))


@dataclass(frozen=True)
class Layer:
    """The weights of one layer in one direction, of which ``negated`` names a gate; gates are in PyTorch's order."""

    gates: str
    weights: Mapping[str, Any]
    units: int
    negated: str = ""

    def part(self, side: str, gate: str, v: Vector) -> Vector:
        """Return W v + b of one gate for one side: i (input) or h (state)."""
        first = self.gates.index(gate) * self.units
        rows = slice(first, first + self.units)
        biases = self.weights[f"bias_{side}h"][rows] if f"bias_{side}h" in self.weights else [Decimal(0)] * self.units
        sums = [dot(row, v, b) for row, b in zip(self.weights[f"weight_{side}h"][rows], biases, strict=True)]
        return [-z for z in sums] if gate == self.negated else sums

    def gate(self, gate: str, x: Vector, h: Vector) -> Vector:
        return plus(self.part("i", gate, x), self.part("h", gate, h))


def plus(a: Vector, b: Vector) -> Vector:
    return [p + q for p, q in zip(a, b, strict=True)]


def by(a: Vector, b: Vector) -> Vector:
    return [p * q for p, q in zip(a, b, strict=True)]


Step = Callable[[Layer, Vector, State], State]


def rnn(f: Function) -> Step:
    """Elman (1990), figure 2: h' = f(W x + U h + b)."""
    return lambda w, x, state: [[f(z) for z in w.gate("h", x, state[0])]]


def gru(f: Function, g: Function, *, reset_before: bool = False) -> Step:
    """Cho et al. (2014), equations (5) to (8), with the reset gate after the product as in version 1 of the paper.

    h' = (1 - z) n + z h, where r and z are sigmoids of W x + U h + b, and n = tanh(W x + b_ih + r (U h + b_hh)).
    """

    def step(w: Layer, x: Vector, state: State) -> State:
        (h,) = state
        r, update = [f(a) for a in w.gate("r", x, h)], w.gate("z", x, h)
        inner = w.part("h", "n", by(r, h)) if reset_before else by(r, w.part("h", "n", h))
        n = [g(a) for a in plus(w.part("i", "n", x), inner)]
        # f(-z) and not 1 - f(z), which loses digits for f(z) near 1
        return [[f(-z) * new + f(z) * old for z, new, old in zip(update, n, h, strict=True)]]

    return step


def lstm(f: Function, g: Function, h_of: Function, *, option: str = "") -> Step:
    """Hochreiter & Schmidhuber (1997), section 4, with tanh for g and h, and the forget gate of Gers et al. (2000).

    c' = f c + i g and h' = o tanh(c'), where i, f and o are sigmoids, and g a tanh, of W x + U h + b.
    """

    def step(w: Layer, x: Vector, state: State) -> State:
        h, c = state
        z = {gate: w.gate(gate, x, h) for gate in w.gates}
        if option == "peephole":
            z |= {gate: plus(z[gate], by(w.weights[f"p_{gate}"], c)) for gate in "if"}
        if option == "input_forget":
            z["f"] = [-a for a in z["i"]]  # its sigmoid is 1 - i
        if option == "coupled_input":
            z["i"] = [-a for a in z["f"]]
        kept, added = (by([f(a) for a in z[gate]], of) for gate, of in (("f", c), ("i", [g(a) for a in z["g"]])))
        c = plus(kept, added)
        if option == "cell_clip":
            c = [limited(a, "-0.5", "0.5") for a in c]
        if option == "peephole":
            z["o"] = plus(z["o"], by(w.weights["p_o"], c))
        h = by([f(a) for a in z["o"]], [h_of(a) for a in c])
        if option.startswith("projection"):
            h = [dot(row, h) for row in w.weights["weight_hr"]]
        return [[limited(a, "-0.25", "0.25") for a in h] if option == "projection_clip" else h, c]

    return step


def lstm_with(option: str) -> Callable[[Functions], Step]:
    return lambda f: lstm(f.sigmoid, f.tanh, f.tanh, option=option)


STEPS: dict[str, Callable[[Functions], Step]] = {
    **dict.fromkeys(("rnn_tanh", "rnn_tanh_reverse"), lambda f: rnn(f.tanh)),
    **dict.fromkeys(("lstm", "lstm_reverse"), lstm_with("")),
    **dict.fromkeys(("gru", "gru_reverse"), lambda f: gru(f.sigmoid, f.tanh)),
    "rnn_relu": lambda _: rnn(lambda z: z if value(z) > 0 else Decimal(0)),
    "gru_reset_before": lambda f: gru(f.sigmoid, f.tanh, reset_before=True),
    **{
        f"lstm_{name}": lstm_with(name)
        for name in ("peephole", "projection", "projection_clip", "input_forget", "coupled_input", "cell_clip")
    },
    "rnn_tanh_clip": lambda f: rnn(limit(f.tanh)),
    "lstm_clip": lambda f: lstm(limit(f.sigmoid), limit(f.tanh), limit(f.tanh)),
    "gru_clip": lambda f: gru(limit(f.sigmoid), limit(f.tanh)),
    "lstm_hard_sigmoid": lambda f: lstm(hard_sigmoid("0.2"), f.tanh, f.tanh),
    "lstm_hard_sigmoid_sixth": lambda f: lstm(hard_sigmoid("1/6"), f.tanh, f.tanh),
    "gru_hard_sigmoid": lambda f: gru(hard_sigmoid("0.2"), f.tanh),
    "gru_hard_sigmoid_sixth": lambda f: gru(hard_sigmoid("1/6"), f.tanh),
    "lstm_activations": lambda f: lstm(hard_sigmoid("0.25"), elu(f), scaled_tanh(f)),
    "rnn_sigmoid": lambda f: rnn(f.sigmoid),
    "rnn_affine": lambda _: rnn(lambda z: Decimal("0.75") * z + Decimal("0.25")),
    "rnn_leaky_relu": lambda _: rnn(from_kink(lambda z: z, lambda z: Decimal("0.125") * z)),
    "rnn_scaled_tanh": lambda f: rnn(scaled_tanh(f)),
    "rnn_hard_sigmoid": lambda _: rnn(hard_sigmoid("0.2")),
    "rnn_elu": lambda f: rnn(elu(f)),
    "rnn_thresholded_relu": lambda _: rnn(lambda z: z if value(z) > Decimal("0.75") else Decimal(0)),
    "rnn_softsign": lambda _: rnn(from_kink(lambda z: z / (z + 1), lambda z: z / (-z + 1))),
    "rnn_softplus": lambda f: rnn(f.softplus),
}


def elu(f: Functions) -> Function:
    return from_kink(lambda z: z, lambda z: -Decimal("0.75") * f.one_minus_exp(z))


def scaled_tanh(f: Functions) -> Function:
    return lambda z: Decimal("1.25") * f.tanh(Decimal("0.875") * z)


@dataclass(frozen=True)
class Inputs:
    """Nested lists with PyTorch's names and shapes for ``batch_first``.

    Attributes:
        cell: a standard cell or a dialect.
        gates: the gates of the cell, one letter each.
        units: hidden_size.
        suffixes: the suffixes of the weights, by layer.
        arrays: x, h0 (and c0), and the weights.
        lengths: the time steps of each sequence.
        negated: a gate whose argument has the wrong sign, to show that this changes the results.
    """

    cell: str
    gates: str
    units: int
    suffixes: Sequence[Sequence[str]]
    arrays: Mapping[str, Any]
    lengths: Sequence[int]
    negated: str = ""

    @property
    def digits(self) -> float:
        """Return how many digits are enough: networks of relus must be computed without rounding."""
        return math.inf if self.cell == "rnn_relu" else 0


def outputs(inputs: Inputs) -> list[Any]:
    """Return [out, h_n], or [out, h_n, c_n] for an LSTM: exact results, rounded to the nearest float64."""
    exact = {
        name: each(Decimal, array) for name, array in inputs.arrays.items()
    }  # a Decimal represents a float exactly
    found = rounded(lambda: dict(zip("ohc", _batch(DECIMAL, inputs, exact), strict=False)), inputs.digits)
    return list(found.values())


def gradients(inputs: Inputs, cotangents: Sequence[Any]) -> dict[str, Any]:
    """Return the exact gradient of each array, rounded to the nearest float64; each output has a cotangent."""

    def compute() -> Mapping[str, Any]:
        arrays = {n: each(lambda number: Variable(Decimal(number)), array) for n, array in inputs.arrays.items()}
        pull_back(flat(_batch(TAPED, inputs, arrays)), [Decimal(d) for d in flat(list(cotangents))])
        return {name: each(lambda one: one.cotangent, array) for name, array in arrays.items()}

    return rounded(compute, inputs.digits)


def _batch(f: Functions, inputs: Inputs, arrays: Mapping[str, Any]) -> list[Any]:
    """Run every sequence up to its length. Its last state is the state at its end; beyond its end, out is zero."""
    states = [name for name in ("h0", "c0") if name in arrays]
    out, last = [], []
    for row, length in enumerate(inputs.lengths):
        initial = [[array[row] for array in of] for of in zip(*(arrays[name] for name in states), strict=True)]
        outs, ends = _network(f, inputs, arrays, arrays["x"][row][:length], initial)
        out.append([*outs, *([Decimal(0)] * len(outs[0]) for _ in range(len(arrays["x"][row]) - length))])
        last.append(ends)
    rows = list(zip(*last, strict=True))  # one for each layer and direction
    return [out, *([[state[k] for state in row] for row in rows] for k in range(len(states)))]


def _network(
    f: Functions, inputs: Inputs, arrays: Mapping[str, Any], sequence: Sequence[Vector], initial: Sequence[State]
) -> tuple[Sequence[Vector], list[State]]:
    """Run all layers: each reads the output of both directions of the layer below, forward first (Graves 2013)."""
    ends: list[State] = []
    step = STEPS[inputs.cell](f)
    for suffixes in inputs.suffixes:
        outs = []
        for suffix in suffixes:
            end = f"_{suffix}"
            own = {name.removesuffix(end): array for name, array in arrays.items() if name.endswith(end)}
            layer = Layer(inputs.gates, own, inputs.units, inputs.negated)
            stride = -1 if suffix.endswith("_reverse") else 1  # -1: from the end (Schuster & Paliwal 1997)
            state, visited = initial[len(ends)], []
            for x in sequence[::stride]:
                state = step(layer, x, state)
                visited.append(state[0])
            outs.append(visited[::stride])
            ends.append(state)
        sequence = [[number for h in of_step for number in h] for of_step in zip(*outs, strict=True)]
    return sequence, ends
