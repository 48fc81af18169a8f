"""Pieces of the right equations, of which wrong ones are made beside their wrong line."""

from collections.abc import Iterator

from rnn_goldens.cells.notation import Term, Weight, sigmoid, tanh


def affine(x: Term, h: Term, w: Weight, gate: str) -> Term:
    """What a gate's activation gets."""
    sums: Term = (
        getattr(w, f"W_i{gate}") @ x
        + getattr(w, f"b_i{gate}")
        + getattr(w, f"W_h{gate}") @ h
        + getattr(w, f"b_h{gate}")
    )
    return sums


def gates(x: Term, h: Term, w: Weight, *gates: str) -> Iterator[Term]:
    """The gates themselves, which are right: g by its tanh, all others by their sigmoids."""
    return ((tanh if gate == "g" else sigmoid)(affine(x, h, w, gate)) for gate in gates)
