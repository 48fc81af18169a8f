"""Computes error bounds by finite differences: perturbs each value of a graph in turn, or all of them at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnn_goldens.cells import Case, Cotangents
from rnn_goldens.cells.case_graph import Recorded, with_gradients
from rnn_goldens.cells.graph import Graph, value_of
from rnn_goldens.cells.network import recorded
from rnn_goldens.cells.step_program import GIVEN, Operation
from rnn_goldens.error_analysis.loss_policy import ACCUMULATION, NETWORK, SUMS, Losses, Policy, lost_in_sum
from rnn_goldens.error_analysis.network_bounds import ErrorBound, bounds_of
from rnn_goldens.golden.rounding_profile import IEEE
from rnn_goldens.golden.stored_arrays import Float64

Moves = Mapping[int, Float64]
"""Perturbations by the position of the perturbed value."""

STEP = 2.0**-20


def error_bound(case: Case) -> ErrorBound:
    """Return the bounds of the outputs of a network."""
    return bounds_of(recorded(case))


@dataclass(frozen=True, eq=False)
class Lost:
    """A number with rounding errors: its value, its index in the value, its errors by kind, and derivatives by it."""

    place: int
    at: tuple[int, ...]
    kinds: Float64
    change: Mapping[str, Float64]


@dataclass(frozen=True)
class OnePlace:
    """A graph in which each value has a leading axis of one place, as the error analysis reads it."""

    graph: Graph

    @property
    def operations(self) -> Sequence[Operation]:
        return self.graph.operations

    @property
    def values(self) -> Sequence[Float64]:
        return [value[None] for value in self.graph.values]


@np.errstate(all="ignore")
def with_moves(of: Recorded, moves: Moves) -> dict[str, Float64]:
    """Return the outputs, computed with perturbed values. An error of a solution is one of the right side."""
    graph, values = of.graph, list[Float64]()
    for place, operation in enumerate(graph.operations[: of.end]):
        if operation is GIVEN:
            values.append(graph.values[place])
            continue
        arguments, move = [values[k] for k in operation.of], moves.get(place)
        if move is not None and operation.primitive == "solved":
            arguments[1] = arguments[1] + move
        value = value_of(operation, arguments)
        values.append(value if move is None or operation.primitive == "solved" else value + move)
    return of.arrays(values)


def moved(of: Recorded, place: int, at: tuple[int, ...], by: float) -> Moves:
    """Return the perturbation of one number of a value."""
    move = np.zeros_like(of.graph.values[place])
    move[at] = by
    return {place: move}


def varying(of: Recorded, losses: Losses) -> list[bool]:
    """Return for each value whether rounding may change it."""
    found: list[bool] = []
    for place, operation in enumerate(of.graph.operations[: of.end]):
        found.append(operation is not GIVEN and (losses.loses(operation, place) or any(found[k] for k in operation.of)))
    return found


def lost_numbers(of: Recorded, policy: Policy) -> Iterator[Lost]:
    """Yield each number with a rounding error that changes an output."""
    losses, needed = Losses(of, policy), set(of.graph.needed(of.results))
    varies, computed = varying(of, losses), OnePlace(of.graph)
    for place, operation in enumerate(of.graph.operations[: of.end]):
        if operation is GIVEN or operation.primitive in SUMS or place not in needed:
            continue
        kinds = losses.of(computed, place, [place], varies)
        for at in () if kinds is None else np.argwhere(kinds[:, 0].any(axis=0)):
            index = tuple(int(k) for k in at)
            up, down = (with_moves(of, moved(of, place, index, by)) for by in (STEP, -STEP))
            change = {name: (up[name] - down[name]) / (2 * STEP) for name in up}
            assert kinds is not None
            yield Lost(place, index, np.moveaxis(kinds[:, 0], 0, -1)[index], change)


def bound_by_differences(of: Recorded, policy: Policy, lost: Sequence[Lost]) -> dict[str, Float64]:
    """Return the bound of each output, (kinds, *shape): the sum of all rounding errors, each times its derivative."""
    kinds = range(len(policy.kinds))
    lost_in_sums = {node.place: in_sum(of, node.place, policy) for node in of.results}
    sums = [of.arrays({place: lost[kind] for place, lost in lost_in_sums.items()}) for kind in kinds]
    total = {name: np.stack([of_kind[name] for of_kind in sums]) for name in of.outputs}
    for one in lost:
        for name, change in one.change.items():
            total[name] = total[name] + one.kinds.reshape(-1, *[1] * change.ndim) * np.abs(change)
    return total


def in_sum(of: Recorded, place: int, policy: Policy) -> Float64:
    """Return the rounding errors of a sum over steps and sequences; zero for another value."""
    operation, value = of.graph.operations[place], of.graph.values[place]
    if operation.primitive in SUMS:
        return np.broadcast_to(lost_in_sum(of.graph, place, policy), (len(policy.kinds), *value.shape))
    return np.zeros((len(policy.kinds), *value.shape))


def assert_attained(case: Case, cotangents: Cotangents | None = None, arithmetic: str = IEEE) -> None:
    """Check the bound of the outputs of a network, or of its gradients, in the kinds that a golden stores."""
    forward, policy = recorded(case), replace(NETWORK, arithmetic=arithmetic)
    if cotangents is None:
        of, found = forward, bounds_of(forward, arithmetic=arithmetic)
        tolerance, kinds = found.tolerance, [ACCUMULATION, 2]
    else:
        of = with_gradients(forward, cotangents)
        found = bounds_of(None, of, arithmetic)
        tolerance, kinds = found.of_gradients, [ACCUMULATION, 2 if found.in_float16 else 1]
    bounds = {name: np.stack([array, tolerance.storage[name]]) for name, array in tolerance.accumulation.items()}
    assert_bound_is_attained(of, policy, kinds, bounds, rounded_up=2.0**-7)


def assert_bound_is_attained(
    of: Recorded, policy: Policy, kinds: list[int], bounds: Mapping[str, Float64], rounded_up: float = 1e-6
) -> None:
    """Check that a bound is the sum of all worst errors, and that perturbing all values at once adds their errors."""
    lost = list(lost_numbers(of, policy))
    sums, right = bound_by_differences(of, policy, ()), with_moves(of, {})
    for name, all_kinds in bound_by_differences(of, policy, lost).items():
        total = all_kinds[kinds]
        assert (bounds[name] >= total * (1 - 1e-6) - 1e-12).all(), name
        assert (bounds[name] <= total * (1 + rounded_up) + 1e-12).all(), name
        at = np.unravel_index(int(total.sum(axis=0).argmax()), right[name].shape)
        expected = (total - sums[name][kinds]).sum(axis=0)[at]
        assert abs(all_at_once(of, lost, kinds, name, at) - expected) <= 1e-3 * expected, name


def all_at_once(of: Recorded, lost: Sequence[Lost], kinds: list[int], name: str, at: tuple[np.intp, ...]) -> float:
    """Return the error of one element if all values are perturbed in the worst direction."""
    size, moves = 2.0**-26, dict[int, Float64]()
    for one in lost:
        by = size * float(one.kinds[kinds].sum()) * float(np.sign(one.change[name][at]))
        moves[one.place] = moves.get(one.place, np.zeros(1)) + moved(of, one.place, one.at, by)[one.place]
    less = {place: -move for place, move in moves.items()}
    return float(with_moves(of, moves)[name][at] - with_moves(of, less)[name][at]) / (2 * size)
