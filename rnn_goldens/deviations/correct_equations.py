"""Parts of the right equations that several wrong equations contain."""

from collections.abc import Iterator

from rnn_goldens.cells.notation import Term, Weight, sigmoid, tanh


def affine(x: Term, h: Term, w: Weight, gate: str) -> Term:
    """Return the argument of a gate's activation."""
    sums: Term = (
        getattr(w, f"W_i{gate}") @ x
        + getattr(w, f"b_i{gate}")
        + getattr(w, f"W_h{gate}") @ h
        + getattr(w, f"b_h{gate}")
    )
    return sums


def gates(x: Term, h: Term, w: Weight, *gates: str) -> Iterator[Term]:
    """Yield gates: g with tanh, all others with sigmoid."""
    return ((tanh if gate == "g" else sigmoid)(affine(x, h, w, gate)) for gate in gates)
