"""Recurrent networks as in the papers, number by number: a second implementation of the standard cells.

It shares no code and no library with ``rnn_goldens/cells`` and the generator: loops over ``decimal``, one sequence and
one unit at a time. The papers do not define layout and gate order; these are ``torch.nn``'s, as documented.

Sources:
    J. L. Elman, Finding structure in time, Cognitive Science 14 (1990): the recurrent layer, figure 2.
    S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997): the LSTM, section 4.
    F. A. Gers, J. Schmidhuber, F. Cummins, Learning to forget, Neural Computation 12 (2000): forget gates, section 3.
    K. Cho et al., Learning phrase representations, arXiv:1406.1078 (2014): the GRU, equations (5) to (8).
    M. Schuster, K. K. Paliwal, Bidirectional recurrent neural networks, IEEE Trans. Signal Processing 45 (1997).
    A. Graves, A. Mohamed, G. Hinton, Speech recognition with deep recurrent neural networks (2013): layers, section 2.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, localcontext
from typing import Any, NamedTuple

Vector = Sequence[Decimal]
State = Sequence[Vector]
"""State of one layer in one direction: [h], or [h, c] for an LSTM."""
Cell = Callable[[Vector, Vector, Vector], Vector]
"""A function of W x + b_ih, U h + b_hh (a number for each gate) and the state of a unit; returns the next state."""

FEWEST_DIGITS = 40


class Weights(NamedTuple):
    """Weights of one layer in one direction; missing biases are zero."""

    weight_ih: Sequence[Vector]
    weight_hh: Sequence[Vector]
    bias_ih: Vector
    bias_hh: Vector


def sigmoid(z: Decimal) -> Decimal:
    return 1 / (1 + (-z).exp())


def tanh(z: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec += max(0, -z.adjusted())  # the difference loses one digit for each leading zero of z
        e = (-2 * z).exp()
        difference = 1 - e
    return difference / (1 + e)


def rnn_tanh(x: Vector, h: Vector, _: Vector) -> Vector:
    """Elman (1990), figure 2: h' = tanh(W x + U h + b)."""
    return [tanh(x[0] + h[0])]


def rnn_relu(x: Vector, h: Vector, _: Vector) -> Vector:
    """The equation of ``rnn_tanh`` with max(0, z) in place of tanh(z)."""
    return [max(Decimal(0), x[0] + h[0])]


def lstm(x: Vector, h: Vector, state: Vector) -> Vector:
    """Hochreiter & Schmidhuber (1997), section 4, with tanh for g and h, and the forget gate of Gers et al. (2000).

    c' = f c + i g and h' = o tanh(c'), where i, f and o are sigmoids, and g a tanh, of W x + U h + b.
    """
    i, f, g, o = (of_input + of_state for of_input, of_state in zip(x, h, strict=True))
    c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
    return [sigmoid(o) * tanh(c), c]


def gru(x: Vector, h: Vector, state: Vector) -> Vector:
    """Cho et al. (2014), equations (5) to (8), with the reset gate after the product as in version 1 of the paper.

    h' = (1 - z) n + z h, where r and z are sigmoids of W x + U h + b, and n = tanh(W x + b_ih + r (U h + b_hh)).
    """
    r, update = sigmoid(x[0] + h[0]), x[1] + h[1]
    z, one_minus_z = sigmoid(update), sigmoid(-update)  # not as 1 - z, which loses digits for z near 1
    return [one_minus_z * tanh(x[2] + r * h[2]) + z * state[0]]


CELLS: dict[str, Cell] = {"rnn_tanh": rnn_tanh, "rnn_relu": rnn_relu, "lstm": lstm, "gru": gru}


def affine(matrix: Sequence[Vector], vector: Vector, bias: Vector) -> Vector:
    return [sum((w * v for w, v in zip(row, vector, strict=True)), b) for row, b in zip(matrix, bias, strict=True)]


def one_direction(cell: Cell, weights: Weights, sequence: Sequence[Vector], state: State) -> tuple[list[Vector], State]:
    """Run one layer in one direction; return h at every step and the last state."""
    outputs, size = [], len(state[0])
    for x in sequence:
        of_input = affine(weights.weight_ih, x, weights.bias_ih)
        of_state = affine(weights.weight_hh, state[0], weights.bias_hh)
        units = [cell(of_input[k::size], of_state[k::size], unit) for k, unit in enumerate(zip(*state, strict=True))]
        state = list(zip(*units, strict=True))
        outputs.append(state[0])
    return outputs, state


def network(
    cell: Cell, layers: Sequence[Sequence[Weights]], sequence: Sequence[Vector], initial: Sequence[State]
) -> tuple[Sequence[Vector], list[State]]:
    """Run all layers: each reads the output of both directions of the layer below, forward first (Graves 2013)."""
    last: list[State] = []
    for layer in layers:
        outs = []
        for weights, stride in zip(layer, (1, -1), strict=False):  # -1: from the end (Schuster & Paliwal 1997)
            outputs, state = one_direction(cell, weights, sequence[::stride], initial[len(last)])
            outs.append(outputs[::stride])
            last.append(state)
        sequence = [[h for vector in step for h in vector] for step in zip(*outs, strict=True)]
    return sequence, last


def batch(cell: Cell, layers: Sequence[Sequence[Weights]], x: Any, initial: Any, lengths: Sequence[int]) -> list[Any]:
    """Run every sequence up to its length. Its last state is the state at its end; beyond its end, out is zero."""
    out, last = [], []
    for b, length in enumerate(lengths):
        outputs, state = network(
            cell, layers, x[b][:length], [[s[b] for s in row] for row in zip(*initial, strict=True)]
        )
        out.append([*outputs, *([Decimal(0)] * len(outputs[0]) for _ in x[b][length:])])
        last.append(state)
    rows = list(zip(*last, strict=True))  # one for each layer and direction
    return [out, *([[state[s] for state in row] for row in rows] for s in range(len(initial)))]


def each(convert: Callable[[Any], Any], numbers: Any) -> Any:
    """Convert every number of nested lists."""
    return [each(convert, one) for one in numbers] if isinstance(numbers, Sequence) else convert(numbers)


def answer(cell: str, weights: Mapping[str, Any], x: Any, initial: Any, lengths: Sequence[int]) -> list[Any]:
    """Return [out, h_n], or [out, h_n, c_n] for an LSTM: exact results, rounded to the nearest float64, ties to even.

    Arrays are nested lists of floats, with PyTorch's names and shapes for ``batch_first``; ``initial`` is [h0],
    or [h0, c0]; ``lengths`` are the lengths of the sequences.
    """
    exact = {name: each(Decimal, array) for name, array in weights.items()}  # a Decimal represents a float exactly
    no_bias = [Decimal(0)] * len(weights["weight_ih_l0"])
    directions = ("", "_reverse") if "weight_ih_l0_reverse" in weights else ("",)
    suffixes = [
        [f"l{layer}{direction}" for direction in directions] for layer in range(len(initial[0]) // len(directions))
    ]
    layers = [[Weights(*(exact.get(f"{n}_{s}", no_bias) for n in Weights._fields)) for s in row] for row in suffixes]
    x, initial, digits, before = each(Decimal, x), each(Decimal, initial), FEWEST_DIGITS, ""
    while True:
        with localcontext(Context(prec=digits, Emin=MIN_EMIN, Emax=MAX_EMAX)) as context:
            now: list[Any] = each(float, batch(CELLS[cell], layers, x, initial, lengths))
        # Enough digits: nothing was rounded, or half as many digits gave the same floats (and signs of zeros). Sums of
        # products can be arbitrarily near to a tie or to zero, so relu networks must be computed without rounding.
        if not context.flags[Inexact] or (repr(now) == before and cell != "rnn_relu"):
            return now
        digits, before = 2 * digits, repr(now)
