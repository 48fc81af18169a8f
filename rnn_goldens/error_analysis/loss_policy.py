"""The losses of a graph's operations under a policy: which count, and in which kind of coefficient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnn_goldens.cells.case_graph import KeptFactors, Recorded
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.matrix_primitives import halves
from rnn_goldens.cells.step_program import GIVEN, Operation
from rnn_goldens.error_analysis.profile_losses import accumulated_in, of_operands
from rnn_goldens.error_analysis.rounding_model import (
    ACTIVATION_ULPS,
    FLUSHING,
    UNFLUSHED,
    Computed,
    Site,
    Storing,
    arguments,
    loses,
    loss,
)
from rnn_goldens.golden.rounding_profile import IEEE, TF32
from rnn_goldens.golden.stored_arrays import Float64

_SMALLEST = 2.0**-149
"""The smallest float32, in place of a decay of zero, which has no logarithm."""


@dataclass(frozen=True)
class RunningSums:
    """The losses of running sums.

    Attributes:
        kept: by position of a factor, the sum of the absolute logarithms of all factors up to there: the running sum,
            and so the difference of two, is rounded.
        backward: by position of a cotangent, what it loses in algorithms that compute it from running sums.
    """

    kept: dict[int, Float64] = field(default_factory=dict)
    backward: dict[int, Float64] = field(default_factory=dict)

    def has(self, place: int) -> bool:
        """Return whether a value has such a loss."""
        return place in self.kept or place in self.backward

    def add(self, lost: Float64, y: Float64, places: Sequence[int]) -> None:
        """Add the losses of the values y at some places."""
        if places[0] in self.kept:
            lost += np.abs(y) * np.stack([self.kept[place] for place in places])
        if places[0] in self.backward:
            lost += np.stack([self.backward[place] for place in places])


def running_sums(recorded: Recorded) -> RunningSums:
    """Return the losses of the running sums of all sequences, in both passes."""
    found = RunningSums()
    for kept in recorded.kept:
        _add_kept(recorded.graph, kept, found)
        _add_backward(recorded.graph, kept, found)
    return found


def _add_kept(graph: Graph, kept: KeptFactors, found: RunningSums) -> None:
    for places in zip(*kept.factors, strict=True):
        total: Float64 | float = 0.0
        for place in places:
            total = total + np.abs(np.log(np.maximum(np.abs(graph.values[place]), _SMALLEST)))
            found.kept[place] = np.asarray(total)


def _add_backward(graph: Graph, kept: KeptFactors, found: RunningSums) -> None:
    """Add what running sums lose in the gradients by the logarithms of the factors.

    A scan or a chunk computes the gradient by a log-decay as the sum over all later steps of what the outputs read from
    the state minus what the inputs add to it. Each part is at most the state times its cotangent.
    """
    for places in zip(*kept.factors, strict=True):
        later: Float64 | float = 0.0
        for place, state in reversed(list(zip(places, kept.states, strict=True))):
            if state in graph.cotangents:
                product = np.abs(graph.values[state] * graph.values[graph.cotangents[state]])
                axes = tuple(axis for axis in (-2, -1) if graph.values[place].shape[axis] == 1)
                later = later + 2 * (product.sum(axis=axes, keepdims=True) if axes else product)
            _note_backward(graph, place, later, found)


def _note_backward(graph: Graph, place: int, lost: Float64 | float, found: RunningSums) -> None:
    """Note a loss of the gradient by the logarithm of a factor: at the argument of its exponential, if it is one."""
    (factor,) = graph.operations[place].of
    is_exp = graph.operations[factor].primitive == "exp"
    at = graph.operations[factor].of[0] if is_exp else factor
    if at in graph.cotangents:
        if not is_exp:
            lost = lost / np.maximum(np.abs(graph.values[factor]), _SMALLEST)
        shape = graph.values[graph.cotangents[at]].shape
        found.backward[graph.cotangents[at]] = np.broadcast_to(np.asarray(lost), shape)


ACCUMULATION = 0
"""The first kind of every policy."""

_RELATIVE: Mapping[str, Callable[[Float64, Float64], Float64]] = {
    "exp": lambda y, _: ACTIVATION_ULPS * y,
    "softplus": lambda y, z: ACTIVATION_ULPS * np.maximum(y, 2 * np.exp(np.minimum(z, 0))),
}
"""Losses of functions whose results decide over many steps: their errors are relative in correct implementations."""


@dataclass(frozen=True)
class Policy:
    """Which losses count, and in which kinds of coefficients.

    Attributes:
        kinds: names of the kinds of coefficients.
        bits: significant bits of stored coefficients.
        storing: storage models. Each has a kind of its own after accumulation, unless ``by_contract``.
        arithmetic: ``ieee``, ``tf32`` or ``wgsl``.
        by_contract: whether storing states and storing other values are kinds of their own, running sums count, and
            the losses of exp and softplus are relative.
    """

    kinds: tuple[str, ...]
    bits: int
    storing: tuple[Storing, ...]
    arithmetic: str = IEEE
    by_contract: bool = False


NETWORK = Policy(("accumulation", "stored", "flushed"), 8, (UNFLUSHED, FLUSHING))
"""Networks: storing without and with float16's flushing of small numbers. A golden stores one of these two."""

OUTPUTS_OF_NETWORK = Policy(("accumulation", "flushed"), 8, (FLUSHING,))
"""Outputs of networks: float16 may flush small numbers, also where that loosens the tolerance."""

CONTRACTS = Policy(("accumulation", "state", "storage"), 5, (UNFLUSHED,), by_contract=True)
"""Recurrences: a contract says which values an implementation stores. Six such arrays take most of a file."""

STATE, STORAGE = 1, 2
"""Kinds of ``CONTRACTS``."""


class Losses:
    """The losses of the operations of a graph under a policy.

    Attributes:
        policy: the policy.
    """

    def __init__(self, recorded: Recorded, policy: Policy) -> None:
        self.policy = policy
        self._graph: Graph = recorded.graph
        self._sums = running_sums(recorded) if policy.by_contract else RunningSums()

    def loses(self, operation: Operation, place: int) -> bool:
        """Return whether the result of an operation may be rounded."""
        return self._sums.has(place) or (loses(operation) and not self._is_exact_exp(operation, place))

    def form(self, place: int) -> object:
        """Return what the losses of a value depend on besides its operation."""
        operation = self._graph.operations[place]
        if not self.policy.by_contract:
            return None
        is_running, is_carried = place in self._graph.running, place in self._graph.carried
        exact = self._is_exact_exp(operation, place)
        noted = place in self._sums.kept, place in self._sums.backward
        return (*noted, is_running, is_carried, self._reads_state(operation), exact)

    def of(self, computed: Computed, k: int, places: Sequence[int], varies: Sequence[bool]) -> Float64 | None:
        """Return the loss of a value at several places, (kinds, places or 1, batch, heads, rows, columns); or None.

        ``k`` is its index in ``computed``, the values of the same form at all places; ``varies`` says of each of them
        whether rounding may change it.
        """
        operation, y, place = computed.operations[k], computed.values[k], places[0]
        lost = np.zeros((len(self.policy.kinds), len(places) if self._sums.has(place) else len(y), *y.shape[1:]))
        self._sums.add(lost[ACCUMULATION], y, places)
        if not self._is_exact_exp(operation, place):
            self._add_operation(lost, Site(computed, k, UNFLUSHED), place, [varies[of] for of in operation.of])
        return lost if lost.any() else None

    def _add_operation(self, lost: Float64, site: Site, place: int, varies: Sequence[bool]) -> None:
        """Add the losses of the operation that computes a value; ``varies``: whether rounding changes its arguments."""
        computed, operation, y = site.computed, site.operation, site.computed.values[site.k]
        for number, storing in enumerate(self.policy.storing):
            found = loss(computed, site.k, storing)
            if found is None:
                return
            accumulated, stored = found
            if self.policy.by_contract and operation.primitive in _RELATIVE:
                z = computed.values[operation.of[0]]
                accumulated, stored = _RELATIVE[operation.primitive](y, z), np.abs(y)
            if number == 0 and self.policy.arithmetic != IEEE:
                accumulated = accumulated_in(self.policy.arithmetic, site, accumulated, computed=varies)
            if number == 0:
                lost[ACCUMULATION] += accumulated
            lost[self._kind(number, place)] += stored
        if self.policy.by_contract and self._reads_state(self._graph.operations[place]):  # an operand, which is rounded
            a, b = (np.abs(one) for one in arguments(computed, site.k))
            lost[STORAGE] += a @ (np.swapaxes(b, -1, -2) if operation.primitive == "outer" else b)

    def _kind(self, number: int, place: int) -> int:
        """Return the kind of the loss of storing a value in one of the storage models."""
        if not self.policy.by_contract:
            return 1 + number
        return ACCUMULATION if place in self._graph.running else STATE if place in self._graph.carried else STORAGE

    def _reads_state(self, operation: Operation) -> bool:
        return operation.primitive in ("matmul", "outer") and any(map(self._is_state, operation.of))

    def _is_state(self, place: int) -> bool:
        """Return whether a value is a state that one step passes to the next, transposed or not."""
        operation = self._graph.operations[place]
        is_transposed = operation.primitive == "transpose"
        return self._is_state(operation.of[0]) if is_transposed else place in self._graph.carried

    def _is_exact_exp(self, operation: Operation, place: int) -> bool:
        """Return whether a value is e^0, which is one, or an e^z that is zero in every precision."""
        if not self.policy.by_contract or operation.primitive != "exp":
            return False
        y = self._graph.values[place]
        return not (y - (y == 1)).any()


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
