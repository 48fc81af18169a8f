"""What a sum over time steps and sequences, the gradient of a weight, loses."""

import numpy as np

from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.matrix_primitives import halves
from rnn_goldens.cells.step_program import GIVEN, Operation
from rnn_goldens.error_analysis.loss_policy import ACCUMULATION, STORAGE, Policy
from rnn_goldens.error_analysis.profile_losses import of_operands
from rnn_goldens.error_analysis.rounding_model import Storing
from rnn_goldens.golden.rounding_profile import TF32
from rnn_goldens.golden.stored_arrays import Float64

SUMS = ("summed_outer", "added_up")
"""The primitives of gradients of weights. Nothing is computed from them."""


def sides(operation: Operation) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the positions of the cotangents g and of the vectors v of a sum; no vectors if it adds up cotangents."""
    return halves(operation.of) if operation.primitive == "summed_outer" else (operation.of, ())


def lost_in_sum(graph: Graph, place: int, policy: Policy) -> Float64:
    """Return the largest rounding error of a sum over steps and sequences: (kinds, 1, heads, rows, columns).

    An implementation may compute one product over all steps and sequences, or a product per step or per sequence, and
    add these products one by one from either end.
    """
    operation = graph.operations[place]
    of_gs, of_vs = sides(operation)
    gs = np.stack([graph.values[k] for k in of_gs])  # (steps, batch, heads, rows, columns)
    if of_vs:
        vs = np.stack([graph.values[k] for k in of_vs])
        steps, sequences = np.einsum("tbhic,tbhjc->thij", gs, vs), np.einsum("tbhic,tbhjc->bhij", gs, vs)
        size = np.einsum("tbhic,tbhjc->hij", np.abs(gs), np.abs(vs))
    else:
        steps, sequences, size = gs.sum(axis=1), gs.sum(axis=0), np.abs(gs).sum(axis=(0, 1))
    lost = np.zeros((len(policy.kinds), *size.shape))
    lost[ACCUMULATION] = gs.shape[0] * gs.shape[1] * size
    if policy.arithmetic == TF32 and of_vs:
        lost[ACCUMULATION, 0] += lost_in_outer_products(graph, operation)
    for number, storing in enumerate(policy.storing):
        kind = STORAGE if policy.by_contract else 1 + number
        lost[kind] += np.maximum(*(_added_one_by_one(terms, storing) for terms in (steps, sequences)))
    return lost[:, None]


def lost_in_outer_products(graph: Graph, operation: Operation, *, computed: bool = True) -> Float64:
    """Return what the products g vᵀ of a sum lose under tf32, because operands are rounded: (rows, columns).

    ``computed`` says whether computed operands may have any digits.
    """
    total = 0.0
    for g, v in zip(*sides(operation), strict=True):
        is_computed = tuple(computed and _is_computed(graph, k) for k in (g, v))
        of_g, of_v = (graph.values[k][:, 0, :, 0] for k in (g, v))
        total = total + of_operands(of_g.T, of_v, computed=is_computed)  # type: ignore[assignment] # an array
    return np.asarray(total)


def _is_computed(graph: Graph, k: int) -> bool:
    """Return whether a value is not given, nor a given one that was only handed on."""
    operation = graph.operations[k]
    is_handed_on = operation.primitive in ("handed", "same", "only")
    return _is_computed(graph, operation.of[0]) if is_handed_on else operation is not GIVEN


def _added_one_by_one(terms: Float64, stored: Storing) -> Float64:
    """Return the error of storing each term and every partial sum, from either end. Adding zero is exact."""
    if len(terms) == 1:
        return stored(terms[0])
    errors: list[Float64] = []
    for ordered in (terms, terms[::-1]):
        sums = np.cumsum(ordered, axis=0)
        rounds = (ordered[1:] != 0) & (sums[:-1] != 0)
        errors.append(np.where(rounds, stored(sums[1:]), 0).sum(axis=0))
    total: Float64 = stored(terms).sum(axis=0) + np.maximum(*errors)
    return total
