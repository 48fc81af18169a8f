"""Computes the error bound of outputs by finite differences: perturbs each value of a small network in turn."""

from collections.abc import Iterator, Mapping

import numpy as np

from rnn_goldens.cells import Array, Case, Network
from rnn_goldens.error_analysis.error_bound import error_bound
from rnn_goldens.error_analysis.forward import Forward, Step, traced
from rnn_goldens.error_analysis.graph import Graph, value_of
from rnn_goldens.error_analysis.rounding_model import FLUSHING, STORAGE, UNFLUSHED, loses, loss
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.profile import IEEE

Moves = Mapping[int, Float64]
"""Perturbations by the index of the perturbed value in the graph."""

STEP = 2.0**-20


def with_moves(graph: Graph, moves: Moves) -> list[Float64]:
    """Return all values, computed with some of them perturbed."""
    values: list[Float64] = []
    for k, operation in enumerate(graph.operations):
        if operation is None:
            values.append(graph.values[k])
        else:
            values.append(value_of(operation, [values[of] for of in operation.of], graph.w))
        if k in moves:
            values[k] = values[k] + moves[k]
    return values


def is_computed(graph: Graph, k: int) -> bool:
    """Return whether rounding may change a value: some operation before it rounds."""
    operation = graph.operations[k]
    return operation is not None and (loses(operation) or any(is_computed(graph, of) for of in operation.of))


def sites(graph: Graph, arithmetic: str = IEEE) -> Iterator[tuple[int, tuple[int, int], Float64]]:
    """Yield each number with a rounding error: index of the value, position in the value, and errors by kind."""
    for k, operation in enumerate(graph.operations):
        computed = operation is not None and any(is_computed(graph, of) for of in operation.of)
        unflushed, flushing = (
            loss(graph, k, stored, arithmetic, of_computed=computed) for stored in (UNFLUSHED, FLUSHING)
        )
        if unflushed is not None and flushing is not None:
            *kinds, _ = np.broadcast_arrays(*unflushed, flushing[STORAGE], graph.values[k])
            lost = np.stack(kinds, axis=-1)
            for at in np.argwhere(lost.any(axis=-1)):
                yield k, (int(at[0]), int(at[1])), lost[tuple(at)]


def moved(graph: Graph, k: int, at: tuple[int, int], by: float) -> Float64:
    """Return the perturbation of one number of a value."""
    move = np.zeros_like(graph.values[k])
    move[at] = by
    return move


def outputs(found: Forward, moves: Moves) -> list[Array]:
    """Return out and the last states of a network with perturbed values."""
    values = with_moves(found.graph, moves)
    sides = [[_output(step, values) for step in sorted(ones, key=_time)] for ones in found.layers[-1]]
    ends = [steps[-1].state for layer in found.layers for steps in layer]
    out = np.concatenate([np.stack(side, axis=1) for side in sides], axis=-1)
    return [out, *(np.stack([values[k] for k in state]) for state in zip(*ends, strict=True))]


def _time(step: Step) -> int:
    return step.t


def _output(step: Step, values: list[Float64]) -> Float64:
    return np.where(step.within[:, None], values[step.state[0]], 0)


def bound_by_differences(case: Case, arithmetic: str = IEEE) -> list[Array]:
    """Return the bound of each output, shape (2, …): the sum of all rounding errors, each times its derivative."""
    found, total = traced(case), [0.0 for _ in Network().run(case)]
    for k, at, lost in sites(found.graph, arithmetic):
        up, down = (outputs(found, {k: moved(found.graph, k, at, by)}) for by in (STEP, -STEP))
        for output, (more, less) in enumerate(zip(up, down, strict=True)):
            change = np.abs(more - less) / (2 * STEP)
            total[output] = total[output] + lost[[0, 2]].reshape(2, *[1] * change.ndim) * change
    return [np.asarray(part) for part in total]


def assert_attained(case: Case, arithmetic: str = IEEE) -> None:
    """Check that the worst errors reach the bound and do not exceed it."""
    for of_graph, output in zip(outputs(traced(case), {}), Network().run(case), strict=True):
        np.testing.assert_allclose(of_graph, output, rtol=1e-12, atol=1e-14)
    tolerance = error_bound(case, arithmetic).tolerance
    for name, worst in zip(tolerance.storage, bound_by_differences(case, arithmetic), strict=True):
        bound = np.stack([tolerance.accumulation[name], tolerance.storage[name]])
        assert (bound >= worst * (1 - 1e-6)).all()
        assert (bound <= worst * (1 + 2**-7)).all()  # rounded up to eight bits
