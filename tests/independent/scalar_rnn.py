"""Recurrent networks as the papers have them, number by number: a second answer to every golden.

It shares no line and no library with ``rnn_goldens/cells`` and the generator: loops over ``decimal``, one sequence
and one unit at a time. The papers leave layout and gate order open; these are ``torch.nn``'s, as documented there.

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
"""Of one layer in one direction: [h], or [h, c] for an LSTM."""
Cell = Callable[[Vector, Vector, Vector], Vector]
"""One step of one unit: its W x + b_ih and U h + b_hh, a number a gate each, and its state; returns its new state."""

FEWEST_DIGITS = 40


class Weights(NamedTuple):
    """Of one layer in one direction; without biases, zeros."""

    weight_ih: Sequence[Vector]
    weight_hh: Sequence[Vector]
    bias_ih: Vector
    bias_hh: Vector


def sigmoid(z: Decimal) -> Decimal:
    return 1 / (1 + (-z).exp())


def tanh(z: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec += max(0, -z.adjusted())  # the difference loses as many digits as z has zeros behind its point
        e = (-2 * z).exp()
        difference = 1 - e
    return difference / (1 + e)


def rnn_tanh(x: Vector, h: Vector, _: Vector) -> Vector:
    """Elman (1990), figure 2: h' = tanh(W x + U h + b)."""
    return [tanh(x[0] + h[0])]


def rnn_relu(x: Vector, h: Vector, _: Vector) -> Vector:
    """The same with max(0, z) for tanh(z)."""
    return [max(Decimal(0), x[0] + h[0])]


def lstm(x: Vector, h: Vector, state: Vector) -> Vector:
    """Hochreiter & Schmidhuber (1997), section 4, with tanh for g and h, and the forget gate of Gers et al. (2000).

    c' = f c + i g and h' = o tanh(c'), where i, f and o are sigmoids, and g a tanh, of W x + U h + b.
    """
    i, f, g, o = (of_input + of_state for of_input, of_state in zip(x, h, strict=True))
    c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
    return [sigmoid(o) * tanh(c), c]


def gru(x: Vector, h: Vector, state: Vector) -> Vector:
    """Cho et al. (2014), equations (5) to (8), the reset gate after the product, as in the paper's first version.

    h' = (1 - z) n + z h, where r and z are sigmoids of W x + U h + b, and n = tanh(W x + b_ih + r (U h + b_hh)).
    """
    r, update = sigmoid(x[0] + h[0]), x[1] + h[1]
    z, one_minus_z = sigmoid(update), sigmoid(-update)  # the same as 1 - z, which would lose digits where z is near 1
    return [one_minus_z * tanh(x[2] + r * h[2]) + z * state[0]]


CELLS: dict[str, Cell] = {"rnn_tanh": rnn_tanh, "rnn_relu": rnn_relu, "lstm": lstm, "gru": gru}


def affine(matrix: Sequence[Vector], vector: Vector, bias: Vector) -> Vector:
    return [sum((w * v for w, v in zip(row, vector, strict=True)), b) for row, b in zip(matrix, bias, strict=True)]


def one_direction(cell: Cell, weights: Weights, sequence: Sequence[Vector], state: State) -> tuple[list[Vector], State]:
    """One layer in one direction: its h at every step, and its last state."""
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
    """All layers: each reads, step by step, what both directions of the one below say, forward first (Graves 2013)."""
    last: list[State] = []
    for layer in layers:
        said = []
        for weights, way in zip(layer, (1, -1), strict=False):  # -1 begins at the end (Schuster & Paliwal 1997)
            outputs, state = one_direction(cell, weights, sequence[::way], initial[len(last)])
            said.append(outputs[::way])
            last.append(state)
        sequence = [[h for vector in step for h in vector] for step in zip(*said, strict=True)]
    return sequence, last


def batch(cell: Cell, layers: Sequence[Sequence[Weights]], x: Any, initial: Any, lengths: Sequence[int]) -> list[Any]:
    """Every sequence up to its own end: there its last states are, and beyond it out is zero."""
    out, last = [], []
    for b, length in enumerate(lengths):
        said, state = network(cell, layers, x[b][:length], [[s[b] for s in row] for row in zip(*initial, strict=True)])
        out.append([*said, *([Decimal(0)] * len(said[0]) for _ in x[b][length:])])
        last.append(state)
    rows = list(zip(*last, strict=True))  # of h_n and c_n: one a layer and direction
    return [out, *([[state[s] for state in row] for row in rows] for s in range(len(initial)))]


def each(convert: Callable[[Any], Any], numbers: Any) -> Any:
    """Convert every number of nested lists."""
    return [each(convert, one) for one in numbers] if isinstance(numbers, Sequence) else convert(numbers)


def answer(cell: str, weights: Mapping[str, Any], x: Any, initial: Any, lengths: Sequence[int]) -> list[Any]:
    """Return [out, h_n], and c_n of an LSTM: the exact results, rounded to the nearest float64, ties to even.

    Arrays are nested lists of floats, named and shaped as PyTorch has them with ``batch_first``; ``initial`` is [h0],
    or [h0, c0]; ``lengths`` has the steps of every sequence.
    """
    exact = {name: each(Decimal, array) for name, array in weights.items()}  # a Decimal holds a float exactly
    no_bias = [Decimal(0)] * len(weights["weight_ih_l0"])
    ways = ("", "_reverse") if "weight_ih_l0_reverse" in weights else ("",)
    suffixes = [[f"l{layer}{way}" for way in ways] for layer in range(len(initial[0]) // len(ways))]
    layers = [[Weights(*(exact.get(f"{n}_{s}", no_bias) for n in Weights._fields)) for s in row] for row in suffixes]
    x, initial, digits, before = each(Decimal, x), each(Decimal, initial), FEWEST_DIGITS, ""
    while True:
        with localcontext(Context(prec=digits, Emin=MIN_EMIN, Emax=MAX_EMAX)) as context:
            now: list[Any] = each(float, batch(CELLS[cell], layers, x, initial, lengths))
        # Enough digits: nothing was rounded, or half as many gave the same floats (repr shows a zero's sign, too). Sums
        # of products come as near to a tie or to zero as they like, so relu networks, which can, do without rounding.
        if not context.flags[Inexact] or (repr(now) == before and cell != "rnn_relu"):
            return now
        digits, before = 2 * digits, repr(now)
