"""Dialects as ONNX, PyTorch and TensorFlow document them, number by number: a second implementation of their goldens.

It shares no code with ``rnn_goldens/cells`` and the generator: loops over ``decimal``, one sequence at a time. Its
gradients are computed in forward mode, one derivative at a time; the generator uses reverse mode.

Sources: onnx.ai, Operators, RNN-22, LSTM-22 and GRU-22; PyTorch's ``nn.LSTM`` (proj_size); TensorFlow's
``CoupledInputForgetGateCell`` and ``LSTMCell`` (cell_clip).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, localcontext
from typing import Any, TypeVar

from independent.scalar_rnn import each

FEWEST_DIGITS = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Number:
    """A number and its derivative with respect to one input number."""

    value: Decimal
    slope: Decimal = Decimal(0)

    def __add__(self, other: "Number") -> "Number":
        return Number(self.value + other.value, self.slope + other.slope)

    def __neg__(self) -> "Number":
        return Number(-self.value, -self.slope)

    def __sub__(self, other: "Number") -> "Number":
        return self + -other

    def __mul__(self, other: "Number") -> "Number":
        return Number(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: "Number") -> "Number":
        ratio = self.value / other.value
        return Number(ratio, (self.slope - ratio * other.slope) / other.value)

    def exp(self) -> "Number":
        e = self.value.exp()
        return Number(e, e * self.slope)


Vector = Sequence[Number]
Function = Callable[[Number], Number]


def constant(value: str) -> Number:
    """Return a constant: a decimal or a fraction such as 1/6."""
    above, _, below = value.partition("/")
    return Number(Decimal(above) / Decimal(below or 1))


ZERO, ONE, HALF, QUARTER_OF_ONE = map(constant, ("0", "1", "0.5", "0.25"))


def sigmoid(z: Number) -> Number:
    return ONE / (ONE + (-z).exp())


def tanh(z: Number) -> Number:
    with localcontext() as context:
        context.prec += max(0, -z.value.adjusted())  # 1 - e loses one digit for each leading zero of z
        e = (-(z + z)).exp()
        return (ONE - e) / (ONE + e)


def limited(z: Number, low: Number, high: Number) -> Number:
    return low if z.value < low.value else high if z.value > high.value else z


def hard_sigmoid(alpha: str) -> Function:
    return lambda z: limited(constant(alpha) * z + HALF, ZERO, ONE)


def scaled_tanh(z: Number) -> Number:
    return constant("1.25") * tanh(constant("0.875") * z)


def elu(z: Number) -> Number:
    return z if z.value >= 0 else constant("0.75") * (z.exp() - ONE)


def leaky_relu(z: Number) -> Number:
    return z if z.value >= 0 else constant("0.125") * z


def thresholded_relu(z: Number) -> Number:
    return z if z.value > constant("0.75").value else constant("0") * z


def softsign(z: Number) -> Number:
    return z / (ONE + (z if z.value >= 0 else -z))


def softplus(z: Number) -> Number:
    e = ONE + z.exp()
    return Number(e.value.ln(), e.slope / e.value)


def affine(z: Number) -> Number:
    return constant("0.75") * z + constant("0.25")


def clipped(z: Number) -> Number:
    return limited(z, -ONE, ONE)


class Layer:
    """The weights of one layer in one direction; gates are in PyTorch's order."""

    def __init__(self, gates: str, weights: Mapping[str, Any], units: int) -> None:
        self.gates, self.weights, self.units = gates, weights, units

    def rows(self, name: str, gate: str) -> Any:
        first = self.gates.index(gate) * self.units
        return self.weights[name][first : first + self.units]

    def part(self, side: str, gate: str, v: Vector) -> Vector:
        """Return W v + b of one gate for one side: i (input) or h (state)."""
        product = times(self.rows(f"weight_{side}h", gate), v)
        name = f"bias_{side}h"
        return plus(product, self.rows(name, gate)) if name in self.weights else product

    def gate(self, gate: str, x: Vector, h: Vector) -> Vector:
        return plus(self.part("i", gate, x), self.part("h", gate, h))


def times(matrix: Sequence[Vector], v: Vector) -> Vector:
    return [sum((a * b for a, b in zip(row, v, strict=True)), ZERO) for row in matrix]


def plus(a: Vector, b: Vector) -> Vector:
    return [p + q for p, q in zip(a, b, strict=True)]


def by(a: Vector, b: Vector) -> Vector:
    return [p * q for p, q in zip(a, b, strict=True)]


State = Sequence[Vector]
Step = Callable[[Layer, Vector, State], State]


def rnn(f: Function) -> Step:
    return lambda w, x, state: [[f(z) for z in w.gate("h", x, state[0])]]


def gru(f: Function, g: Function, *, reset_before: bool = False) -> Step:
    def step(w: Layer, x: Vector, state: State) -> State:
        (h,) = state
        r, z = ([f(a) for a in w.gate(gate, x, h)] for gate in "rz")
        inner = w.part("h", "n", by(r, h)) if reset_before else by(r, w.part("h", "n", h))
        n = [g(a) for a in plus(w.part("i", "n", x), inner)]
        return [[(ONE - u) * new + u * old for u, new, old in zip(z, n, h, strict=True)]]

    return step


def lstm(f: Function, g: Function, h_of: Function, *, option: str = "") -> Step:
    def step(w: Layer, x: Vector, state: State) -> State:
        h, c = state
        z = {gate: w.gate(gate, x, h) for gate in w.gates}
        if option == "peephole":
            z |= {gate: plus(z[gate], by(w.weights[f"p_{gate}"], c)) for gate in "if"}
        gates = {gate: [f(a) for a in z[gate]] for gate in w.gates if gate in "if"}
        if option == "input_forget":
            gates["f"] = [ONE - i for i in gates["i"]]
        if option == "coupled_input":
            gates["i"] = [ONE - a for a in gates["f"]]
        c = plus(by(gates["f"], c), by(gates["i"], [g(a) for a in z["g"]]))
        if option == "cell_clip":
            c = [limited(a, -HALF, HALF) for a in c]
        if option == "peephole":
            z["o"] = plus(z["o"], by(w.weights["p_o"], c))
        h = by([f(a) for a in z["o"]], [h_of(a) for a in c])
        if option.startswith("projection"):
            h = times(w.weights["weight_hr"], h)
        return [[limited(a, -QUARTER_OF_ONE, QUARTER_OF_ONE) for a in h] if option == "projection_clip" else h, c]

    return step


def limit(f: Function) -> Function:
    return lambda z: f(clipped(z))


FIFTH, SIXTH, QUARTER = hard_sigmoid("0.2"), hard_sigmoid("1/6"), hard_sigmoid("0.25")

STEPS: dict[str, Callable[[], Step]] = {
    "gru_reset_before": lambda: gru(sigmoid, tanh, reset_before=True),
    "lstm_peephole": lambda: lstm(sigmoid, tanh, tanh, option="peephole"),
    "lstm_projection": lambda: lstm(sigmoid, tanh, tanh, option="projection"),
    "lstm_projection_clip": lambda: lstm(sigmoid, tanh, tanh, option="projection_clip"),
    "lstm_input_forget": lambda: lstm(sigmoid, tanh, tanh, option="input_forget"),
    "lstm_coupled_input": lambda: lstm(sigmoid, tanh, tanh, option="coupled_input"),
    "lstm_cell_clip": lambda: lstm(sigmoid, tanh, tanh, option="cell_clip"),
    "rnn_tanh_clip": lambda: rnn(limit(tanh)),
    "lstm_clip": lambda: lstm(limit(sigmoid), limit(tanh), limit(tanh)),
    "gru_clip": lambda: gru(limit(sigmoid), limit(tanh)),
    "rnn_tanh_reverse": lambda: rnn(tanh),
    "lstm_reverse": lambda: lstm(sigmoid, tanh, tanh),
    "gru_reverse": lambda: gru(sigmoid, tanh),
    "lstm_hard_sigmoid": lambda: lstm(FIFTH, tanh, tanh),
    "lstm_hard_sigmoid_sixth": lambda: lstm(SIXTH, tanh, tanh),
    "gru_hard_sigmoid": lambda: gru(FIFTH, tanh),
    "gru_hard_sigmoid_sixth": lambda: gru(SIXTH, tanh),
    "lstm_activations": lambda: lstm(QUARTER, elu, scaled_tanh),
    "rnn_sigmoid": lambda: rnn(sigmoid),
    "rnn_affine": lambda: rnn(affine),
    "rnn_leaky_relu": lambda: rnn(leaky_relu),
    "rnn_scaled_tanh": lambda: rnn(scaled_tanh),
    "rnn_hard_sigmoid": lambda: rnn(FIFTH),
    "rnn_elu": lambda: rnn(elu),
    "rnn_thresholded_relu": lambda: rnn(thresholded_relu),
    "rnn_softsign": lambda: rnn(softsign),
    "rnn_softplus": lambda: rnn(softplus),
}


@dataclass(frozen=True)
class Inputs:
    """Nested lists with PyTorch's names and shapes for ``batch_first``.

    Attributes:
        cell: a dialect.
        gates: the gates of the cell, one letter each.
        units: hidden_size.
        suffixes: the suffixes of the weights, by layer.
        arrays: x, h0 (and c0), and the weights.
        lengths: the time steps of each sequence.
    """

    cell: str
    gates: str
    units: int
    suffixes: Sequence[Sequence[str]]
    arrays: Mapping[str, Any]
    lengths: Sequence[int]


def outputs(inputs: Inputs) -> list[Any]:
    """Return [out, h_n], or [out, h_n, c_n] for an LSTM, rounded to the nearest float64."""

    def run() -> list[Any]:
        arrays = {name: each(lambda number: Number(Decimal(number)), array) for name, array in inputs.arrays.items()}
        return [each(lambda number: float(number.value + 0), array) for array in _batch(inputs, arrays)]

    return _with_enough_digits(run)


def gradients(inputs: Inputs, cotangents: Sequence[Any]) -> dict[str, Any]:
    """Return the gradient of each array, rounded to the nearest float64. ``cotangents`` has one array per output."""

    def run() -> dict[str, Any]:
        return {name: _gradient(inputs, cotangents, name) for name in inputs.arrays}

    return _with_enough_digits(run)


def _gradient(inputs: Inputs, cotangents: Sequence[Any], name: str) -> Any:
    numbers = iter(range(len(list(_flat(inputs.arrays[name])))))
    return each(lambda _: _derivative(inputs, cotangents, name, next(numbers)), inputs.arrays[name])


def _derivative(inputs: Inputs, cotangents: Sequence[Any], name: str, position: int) -> float:
    def numbered(of: str) -> Callable[[float], Number]:
        count = iter(range(10**9))
        return lambda number: Number(Decimal(number), Decimal(int(of == name and next(count) == position)))

    arrays = {of: each(numbered(of), array) for of, array in inputs.arrays.items()}
    found = [number.slope for array in _batch(inputs, arrays) for number in _flat(array)]
    weights = [Decimal(d) for array in cotangents for d in _flat(array)]
    return float(sum((a * b for a, b in zip(found, weights, strict=True)), Decimal(0)) + 0)


def _flat(numbers: Any) -> Iterator[Any]:
    if isinstance(numbers, Sequence):
        for part in numbers:
            yield from _flat(part)
    else:
        yield numbers


def _batch(inputs: Inputs, arrays: Mapping[str, Any]) -> list[Any]:
    states = [name for name in ("h0", "c0") if name in arrays]
    out, last = [], []
    for row, length in enumerate(inputs.lengths):
        initial = [[array[row] for array in of] for of in zip(*(arrays[name] for name in states), strict=True)]
        outs, ends = _network(inputs, arrays, arrays["x"][row][:length], initial)
        out.append([*outs, *([ZERO] * len(outs[0]) for _ in range(len(arrays["x"][row]) - length))])
        last.append(ends)
    rows = list(zip(*last, strict=True))
    return [out, *([[state[k] for state in row] for row in rows] for k in range(len(states)))]


def _network(
    inputs: Inputs, arrays: Mapping[str, Any], sequence: Sequence[Vector], initial: Sequence[State]
) -> tuple[Sequence[Vector], list[State]]:
    ends: list[State] = []
    for suffixes in inputs.suffixes:
        outs = []
        for suffix in suffixes:
            end = f"_{suffix}"
            own = {name.removesuffix(end): array for name, array in arrays.items() if name.endswith(end)}
            layer, step = Layer(inputs.gates, own, inputs.units), STEPS[inputs.cell]()
            stride = -1 if suffix.endswith("_reverse") else 1
            state, visited = initial[len(ends)], []
            for x in sequence[::stride]:
                state = step(layer, x, state)
                visited.append(state[0])
            outs.append(visited[::stride])
            ends.append(state)
        sequence = [[number for h in of_step for number in h] for of_step in zip(*outs, strict=True)]
    return sequence, ends


def _with_enough_digits(run: Callable[[], T]) -> T:
    """Return the result of ``run`` with enough digits: nothing is rounded, or twice as many digits change no float."""
    digits, before = FEWEST_DIGITS, ""
    while True:
        with localcontext(Context(prec=digits, Emin=MIN_EMIN, Emax=MAX_EMAX)) as context:
            now = run()
        if not context.flags[Inexact] or repr(now) == before:
            return now
        digits, before = 2 * digits, repr(now)
