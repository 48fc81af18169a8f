"""The right equations, with parts that wrong equations replace."""

from collections.abc import Callable, Iterator

from rnn_goldens.cells.notation import Matrix, Operand, Term, Weight, mix, sigmoid, tanh
from rnn_goldens.cells.program import Equations

Activation = Callable[[Term], Term]

Argument = Callable[[Term, Term, Weight, str, Term | None], Term]
"""(x, h, w, gate, reset gate or None) → the argument of the gate's activation."""

Candidate = Callable[[Term, Term, Weight, Term, Term], Term]
"""(x, h, w, r, z) → n."""


def affine(x: Term, h: Term, w: Weight, gate: str, reset: Term | None = None) -> Term:
    """Return the argument of a gate's activation; the reset gate, if given, multiplies its part of the state."""
    w_i, b_i, w_h, b_h = weights_of(w, gate)
    return w_i @ x + b_i + w_h @ h + b_h if reset is None else w_i @ x + b_i + reset * (w_h @ h + b_h)


def weights_of(w: Weight, gate: str) -> tuple[Matrix, Operand, Matrix, Operand]:
    """Return the matrix and bias for x, then those for h, of a gate."""
    w_i, b_i, w_h, b_h = (getattr(w, f"{kind}{side}{gate}") for side in "ih" for kind in ("W_", "b_"))
    return w_i, b_i, w_h, b_h


def gates(x: Term, h: Term, w: Weight, *gates: str) -> Iterator[Term]:
    """Yield gates: g with tanh, all others with sigmoid."""
    return ((tanh if gate == "g" else sigmoid)(affine(x, h, w, gate)) for gate in gates)


def activated(
    cell: str,
    gate: Activation = sigmoid,
    candidate: Activation = tanh,
    last: Activation | None = None,
    argument: Argument = affine,
) -> Equations:
    """Return the equations of a tanh RNN, an LSTM or a GRU with these activations of these arguments.

    Args:
        cell: ``rnn_tanh``, ``lstm`` or ``gru``.
        gate: the activation of gates.
        candidate: the activation of the new state or the candidate.
        last: the activation of the new c of an LSTM; that of the candidate if None.
        argument: the arguments of the other activations.
    """
    last = last or candidate

    def rnn(x: Term, h: Term, w: Weight) -> tuple[Term]:
        return (candidate(argument(x, h, w, "h", None)),)

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i, f, o = (gate(argument(x, h, w, letter, None)) for letter in "ifo")
        c = f * c + i * candidate(argument(x, h, w, "g", None))
        return o * last(c), c

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = (gate(argument(x, h, w, letter, None)) for letter in "rz")
        return (mix(z, h, candidate(argument(x, h, w, "n", r))),)

    equations: dict[str, Equations] = {"rnn_tanh": rnn, "lstm": lstm, "gru": gru}
    return equations[cell]


def updated(
    update: Callable[..., Term] = lambda c, i, f, g: f * c + i * g,
    letters: str = "ifg",
    output: Callable[[Weight, Term, Term, Term], Term] = lambda _w, o, new, _c: o * tanh(new),
) -> Equations:
    """Return the equations of an LSTM with another new c or another output.

    Args:
        update: (old c, gates with these letters) → new c.
        letters: the gates that the update uses.
        output: (w, o, new c, old c) → h.
    """

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        new = update(c, *gates(x, h, w, *letters))
        (o,) = gates(x, h, w, "o")
        return output(w, o, new, c), new

    return equations


def peephole(
    of_i: Callable[[Term, Term], Operand] = lambda p, c: p * c,
    of_f: Callable[[Term, Term], Operand] = lambda p, c: p * c,
    of_o: Callable[[Term, Term, Term], Operand] = lambda p, _c, new: p * new,
    of_g: Callable[[Weight, Term], Operand] = lambda _w, _c: 0,
) -> Equations:
    """Return the equations of an LSTM with these terms of peepholes in the arguments of the gates."""

    def equations(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
        i = sigmoid(affine(x, h, w, "i") + of_i(w.p_i, c))
        f = sigmoid(affine(x, h, w, "f") + of_f(w.p_f, c))
        new = f * c + i * tanh(affine(x, h, w, "g") + of_g(w, c))
        o = sigmoid(affine(x, h, w, "o") + of_o(w.p_o, c, new))
        return o * tanh(new), new

    return equations


def reset_candidate(x: Term, h: Term, w: Weight, r: Term, _z: Term) -> Term:
    """Return the candidate of a GRU with the reset gate before the product."""
    return tanh(w.W_in @ x + w.b_in + w.W_hn @ (r * h) + w.b_hn)


def reset_before(candidate: Candidate, mixed: Callable[[Term, Term, Term], Term] = mix) -> Equations:
    """Return the equations of a GRU with the reset gate before the product, with this candidate and this mixture."""

    def equations(x: Term, h: Term, w: Weight) -> tuple[Term]:
        r, z = gates(x, h, w, *"rz")
        return (mixed(z, h, candidate(x, h, w, r, z)),)

    return equations
