"""The losses of a graph's operations under a policy: which count, and in which kind of coefficient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.step_program import Operation
from rnn_goldens.error_analysis.profile_losses import accumulated_in
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
from rnn_goldens.error_analysis.running_sums import RunningSums, running_sums
from rnn_goldens.golden.rounding_profile import IEEE
from rnn_goldens.golden.stored_arrays import Float64

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
