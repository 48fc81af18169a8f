"""Which gradients no precision has to round, in whatever order an implementation adds, forward and backward."""

from functools import reduce
from operator import or_

from rnn_goldens.generator.exact_tier import FITS, Needs, always_rounds, least_bit, needs_of, needs_of_value
from rnn_goldens.generator.gradients.graph import Graph
from rnn_goldens.generator.gradients.traced import TracedGradients, WeightGradient


def gradient_needs(found: TracedGradients) -> Needs | None:
    """What both passes need, or None if something on the way always rounds."""
    graph, needed = found.graph, Needs()
    for k, operation in enumerate(graph.operations):
        if operation is not None and always_rounds(operation):
            return None
        if operation is not None and operation.primitive in FITS:
            needed |= needs_of_value(graph, k, operation)
    sums = (_of_sum(graph, weight) for blocks in found.weights.values() for *_, weight in blocks)
    return reduce(or_, sums, needed)


def _of_sum(graph: Graph, weight: WeightGradient) -> Needs:
    """Of the sum over steps and sequences, the bias's or the matrix's."""
    gs = [graph.values[k][0] for k in weight.gs]
    vs = [graph.values[k][0] for k in weight.vs]
    total = sum(abs(g).T @ abs(v) for g, v in zip(gs, vs, strict=True)) if vs else sum(abs(g).sum(axis=0) for g in gs)
    bit = min(map(least_bit, gs)) * (min(map(least_bit, vs)) if vs else 1.0)
    return needs_of(float(total.max()), bit)
