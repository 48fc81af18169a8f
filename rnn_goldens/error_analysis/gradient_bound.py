"""Derives the tolerance of gradients over the graph of both passes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.error_analysis.arithmetic import of_operands
from rnn_goldens.error_analysis.error_bound import round_up
from rnn_goldens.error_analysis.gradient_graph import TracedGradients, WeightGradient
from rnn_goldens.error_analysis.graph import Graph
from rnn_goldens.error_analysis.rounding_model import FLUSHING, UNFLUSHED, Storing
from rnn_goldens.error_analysis.sensitivities import Elements, Sensitivities, Targets, Units
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.profile import IEEE, TF32
from rnn_goldens.golden.shapes import Layout
from rnn_goldens.golden.tolerance import Bound

MAX_BLUNTED = 2.0
"""The largest factor by which allowing float16 to flush small numbers may loosen a tolerance."""


STORING = (UNFLUSHED, FLUSHING)
"""The two storage models: without flushing small numbers to zero, and with float16 flushing them."""


@dataclass(frozen=True, eq=False)
class GradientBound:
    """The largest errors of the gradients of any correct implementation.

    Attributes:
        tolerance: the bound.
        in_float16: whether it is valid in float16, which may flush small numbers to zero.
    """

    tolerance: Bound
    in_float16: bool


def gradient_bound(found: TracedGradients, arithmetic: str = IEEE) -> GradientBound:
    """Return a bound on the errors of gradients; under an arithmetic other than ieee, it holds in float32."""
    errors = dict(_errors(found, arithmetic))
    in_float16 = all((flushing <= MAX_BLUNTED * stored).all() for _, stored, flushing in errors.values())
    storage = 2 if in_float16 else 1
    kinds = ({name: round_up(error[kind]) for name, error in errors.items()} for kind in (0, storage))
    return GradientBound(Bound(*kinds), in_float16)


def _errors(found: TracedGradients, arithmetic: str) -> Iterator[tuple[str, Float64]]:
    """Yield the name of each array and its errors, (kinds, *shape)."""
    graph = found.graph
    states = [place for places in found.start.values() for place in places]
    units = {place: Units(graph, place) for place in (*found.x, *states)}
    sums = {weight: _Sum(graph, weight) for blocks in found.weights.values() for *_, weight in blocks}
    targets: list[Targets] = [*units.values(), *sums.values()]
    errors = Sensitivities(graph, targets, STORING, arithmetic).of(targets, "tolerance of gradients")
    of_units = {place: np.moveaxis(error, -1, 0) for place, error in zip(units, errors, strict=False)}
    of_sums = {weight: error.sum(axis=0).T for weight, error in zip(sums, errors[len(units) :], strict=True)}
    yield "x", np.stack([of_units[place] for place in found.x], axis=2)
    for name, places in found.start.items():
        yield name, np.stack([of_units[place] for place in places], axis=1)
    for name, blocks in found.weights.items():
        error = np.zeros((1 + len(STORING), *graph.w[name].shape))
        for index, count, weight in blocks:
            part = error[:, index * error.shape[1] // count : (index + 1) * error.shape[1] // count]
            part += of_sums[weight].reshape(part.shape) + lost_in_sum(graph, weight, arithmetic)
        yield name, error


class _Sum:
    """The gradient of a weight, by element, without the rounding errors of the sum over steps and sequences."""

    def __init__(self, graph: Graph, weight: WeightGradient) -> None:
        self.columns = graph.values[weight.vs[0]].shape[-1] if weight.vs else 1
        self.elements = graph.values[weight.gs[0]].shape[-1] * self.columns
        self.places = (*weight.gs, *weight.vs)
        self._by_g = dict(zip(weight.gs, weight.vs or weight.gs, strict=True))
        self._by_v = dict(zip(weight.vs, weight.gs, strict=False))

    def add_derivatives(self, graph: Graph, place: int, elements: Elements, g: Float64) -> None:
        """Add the derivatives of elements g v. The derivative by g is v, and the derivative by v is g."""
        row, column, count = elements // self.columns, elements % self.columns, np.arange(len(elements))
        if place in self._by_g:
            g[:, count, row] += graph.values[self._by_g[place]][:, column] if self._by_v else 1
        if place in self._by_v:
            g[:, count, column] += graph.values[self._by_v[place]][:, row]


def lost_in_sum(graph: Graph, weight: WeightGradient, arithmetic: str = IEEE) -> Float64:
    """Return the largest rounding error of the sum over steps and sequences: (kinds, *shape).

    An implementation may compute one product over all steps and sequences, or a product per step or per sequence, and
    add these products one by one from either end.
    """
    gs = np.stack([graph.values[k] for k in weight.gs])
    vs = np.stack([graph.values[k] for k in weight.vs]) if weight.vs else np.ones((*gs.shape[:2], 1))
    steps, sequences = np.einsum("tbi,tbj->tij", gs, vs), np.einsum("tbi,tbj->bij", gs, vs)
    accumulated = len(gs) * gs.shape[1] * np.einsum("tbi,tbj->ij", np.abs(gs), np.abs(vs))
    if arithmetic == TF32 and weight.vs:
        accumulated += lost_in_outer_products(graph, weight)
    storage = [np.maximum(*(_added_one_by_one(terms, stored) for terms in (steps, sequences))) for stored in STORING]
    errors = np.stack([accumulated, *storage])
    return errors if weight.vs else errors[..., 0]


def lost_in_outer_products(graph: Graph, weight: WeightGradient, *, computed: bool = True) -> Float64:
    """Return what the products of the gradient of a matrix lose under tf32, because operands are rounded.

    Args:
        graph: all values.
        weight: the gradient.
        computed: whether computed operands may have any digits.
    """
    lost = np.zeros((graph.values[weight.gs[0]].shape[-1], graph.values[weight.vs[0]].shape[-1]))
    for g, v in zip(weight.gs, weight.vs, strict=True):
        is_computed = (computed and graph.operations[g] is not None, computed and graph.operations[v] is not None)
        lost += of_operands(graph.values[g].T, graph.values[v], computed=is_computed)
    return lost


def with_batch_axis(case: Case, cotangents: Mapping[str, Float64]) -> dict[str, Float64]:
    """Return cotangents with a batch axis, added if the case is unbatched."""
    if case.batched:
        return dict(cotangents)
    return {name: np.expand_dims(array, 0 if name == "d_out" else 1) for name, array in cotangents.items()}


def without_batch_axis(bound: Bound, layout: Layout) -> Bound:
    """Return the bound of an unbatched case, given that of the case with a batch axis."""
    axes, kinds = {"x": 0, **dict.fromkeys(layout.initial, 1)}, (bound.accumulation, bound.storage)
    return Bound(*({name: a.squeeze(axes[name]) if name in axes else a for name, a in kind.items()} for kind in kinds))


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
