"""Determines whether gradients can be computed without rounding, in any order of summation, in both passes."""

from functools import reduce
from operator import or_

import numpy as np

from rnn_goldens.error_analysis.gradient_graph import TracedGradients, WeightGradient
from rnn_goldens.error_analysis.graph import Graph
from rnn_goldens.generator.exactness import Needs, least_bit, needs_of_graph, needs_of_sum


def gradient_needs(found: TracedGradients) -> Needs | None:
    """Return the requirements of both passes, or None if an operation always rounds."""
    needed = needs_of_graph(found.graph)
    if needed is None:
        return None
    sums = (
        _needs_of_weight_gradient(found.graph, weight) for blocks in found.weights.values() for *_, weight in blocks
    )
    return reduce(or_, sums, needed)


def _needs_of_weight_gradient(graph: Graph, weight: WeightGradient) -> Needs:
    """Return the requirements of the gradient of a bias or a matrix, a sum over time steps and sequences."""
    gs = [graph.values[k] for k in weight.gs]
    vs = [graph.values[k] for k in weight.vs]
    sizes = [abs(g).T @ abs(v) for g, v in zip(gs, vs, strict=True)] if vs else [abs(g).sum(axis=0) for g in gs]
    bit = min(map(least_bit, gs)) * (min(map(least_bit, vs)) if vs else 1.0)
    return needs_of_sum(float(np.sum(sizes, axis=0).max()), bit)
