"""Which gradients no precision has to round, in whatever order an implementation adds, forward and backward."""

from functools import reduce
from operator import or_

import numpy as np

from rnn_goldens.generator.error_analysis.graph import Graph
from rnn_goldens.generator.exact_tier import Needs, least_bit, needs_of, needs_of_all
from rnn_goldens.generator.gradients.traced import TracedGradients, WeightGradient


def gradient_needs(found: TracedGradients) -> Needs | None:
    """What both passes need, or None if something on the way always rounds."""
    needed = needs_of_all(found.graph)
    if needed is None:
        return None
    sums = (_of_sum(found.graph, weight) for blocks in found.weights.values() for *_, weight in blocks)
    return reduce(or_, sums, needed)


def _of_sum(graph: Graph, weight: WeightGradient) -> Needs:
    """Of the sum over steps and sequences, the bias's or the matrix's."""
    gs = [graph.values[k] for k in weight.gs]
    vs = [graph.values[k] for k in weight.vs]
    sizes = [abs(g).T @ abs(v) for g, v in zip(gs, vs, strict=True)] if vs else [abs(g).sum(axis=0) for g in gs]
    bit = min(map(least_bit, gs)) * (min(map(least_bit, vs)) if vs else 1.0)
    return needs_of(float(np.sum(sizes, axis=0).max()), bit)
