"""Computes the error bound of gradients by finite differences: perturbs each value of both passes of a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from factories.perturbed_outputs import STEP, Moves, moved, sites, with_moves

from rnn_goldens.cells import Case, Cotangents
from rnn_goldens.error_analysis.gradient_bound import gradient_bound, lost_in_sum
from rnn_goldens.error_analysis.gradient_graph import TracedGradients, traced
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.profile import IEEE


def gradients(both: TracedGradients, moves: Moves) -> dict[str, Float64]:
    """Return the gradients, computed with perturbed values of the graph."""
    values = with_moves(both.graph, moves)
    found = {"x": np.stack([values[node] for node in both.x], axis=1)}
    found |= {name: np.stack([values[node] for node in nodes]) for name, nodes in both.start.items()}
    for name, blocks in both.weights.items():
        parts = []
        for index, count, weight in blocks:
            gs = np.concatenate([values[k] for k in weight.gs])
            vs = np.concatenate([values[k] for k in weight.vs]) if weight.vs else None
            parts.append((index, count, gs.sum(axis=0) if vs is None else gs.T @ vs))
        found[name] = in_blocks(parts, axis=0)
    return found


def derivatives(both: TracedGradients, k: int, at: tuple[int, int]) -> dict[str, Float64]:
    """Return the derivatives of every gradient with respect to one element of a value of the graph."""
    up, down = (gradients(both, {k: moved(both.graph, k, at, by)}) for by in (STEP, -STEP))
    return {name: (up[name] - down[name]) / (2 * STEP) for name in up}


def in_sums(both: TracedGradients, arithmetic: str = IEEE) -> dict[str, Float64]:
    """Return the rounding errors of the sums over steps and sequences, of shape (kinds, *shape)."""
    return {
        name: in_blocks(
            [(index, count, lost_in_sum(both.graph, weight, arithmetic)) for index, count, weight in blocks], axis=1
        )
        for name, blocks in both.weights.items()
    }


def in_blocks(blocks: Sequence[tuple[int, int, Float64]], axis: int) -> Float64:
    """Join blocks of rows, each with its index and the number of blocks; blocks of gates without gradient are 0."""
    by_index, (_, count, first) = {index: block for index, _, block in blocks}, blocks[0]
    return np.concatenate([by_index.get(index, np.zeros_like(first)) for index in range(count)], axis=axis)


def assert_attained(case: Case, cotangents: Cotangents, arithmetic: str = IEEE) -> None:
    """Check that the bound is the sum of all worst errors, and that perturbing all values at once adds their errors."""
    both = traced(case, cotangents)
    bound = gradient_bound(both, arithmetic)
    kinds = [0, 2 if bound.in_float16 else 1]
    found = [Perturbed(k, at, lost[kinds], derivatives(both, k, at)) for k, at, lost in sites(both.graph, arithmetic)]
    right, sums = gradients(both, {}), in_sums(both, arithmetic)
    for name, array in right.items():
        of_sum = sums[name][kinds] if name in sums else np.zeros((2, *array.shape))
        of_values = [one.lost.reshape(2, *[1] * array.ndim) * np.abs(one.change[name]) for one in found]
        total = sum(of_values, of_sum)
        stored = np.stack([bound.tolerance.accumulation[name], bound.tolerance.storage[name]])
        assert (stored >= total * (1 - 1e-6)).all(), name
        assert (stored <= total * (1 + 2**-7) + 1e-12).all(), name
        at = np.unravel_index(int(total.sum(axis=0).argmax()), array.shape)
        expected = (total - of_sum).sum(axis=0)[at]
        assert abs(_all_at_once(both, found, name, at) - expected) <= 1e-3 * expected, name


@dataclass(frozen=True, eq=False)
class Perturbed:
    """A number in the graph, its rounding errors, and the derivatives of all gradients with respect to it."""

    k: int
    at: tuple[int, int]
    lost: Float64
    change: dict[str, Float64]


def _all_at_once(both: TracedGradients, found: Sequence[Perturbed], name: str, at: tuple[np.intp, ...]) -> float:
    """Return the error of one element of a gradient if all values are perturbed in the worst direction."""
    size = 2.0**-26
    moves: dict[int, Float64] = {}
    for one in found:
        by = size * float(one.lost.sum()) * float(np.sign(one.change[name][at]))
        moves[one.k] = moves.get(one.k, np.zeros(1)) + moved(both.graph, one.k, one.at, by)
    less = {k: -move for k, move in moves.items()}
    return float(gradients(both, moves)[name][at] - gradients(both, less)[name][at]) / (2 * size)
