"""The correct algorithms of a scenario as graphs: what they need to be exact, and bounds on their rounding errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.cells.case_graph import Lane, Recorded, lane_of, with_gradients
from rnn_goldens.cells.chunked import in_chunks
from rnn_goldens.cells.network import AnyCase, recorded
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.cells.recurrence_graph import recorded_recurrence
from rnn_goldens.error_analysis.bounds import Bounds
from rnn_goldens.error_analysis.loss_policy import CONTRACTS, OUTPUTS_OF_NETWORK
from rnn_goldens.error_analysis.network_bounds import ErrorBound, bounds_of, coefficients
from rnn_goldens.generator.exact_sums import Needs, needs_of_all
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import CHUNKS
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import Bound, Coefficients, Contracts

EXACT_CHUNKS = (1, 7, 16, 64)
"""Sizes of chunks that must not round in an exact golden, besides the whole."""

_SMALLEST_CHUNK = 1
"""A size of chunks that each contract with chunks allows, besides its own and those of the stricter ones."""

_CHUNKED_OUTPUTS, _CHUNKED_GRADIENTS = {0: 1, 1: 3, 16: 5}, {0: 1, 1: 1.2, 16: 0.2}
"""Costs of bounding a form in chunks of a size, as measured, in costs of the form step by step."""

STATES = "states"
"""What has a tolerance besides outputs and gradients: the states after every step."""

_ALSO_EXACT = ("exp",)
"""Primitives of recurrences that need not round: a decay of one is e^0."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """The tolerance of outputs or gradients that is not zero."""

    tolerance: Bound | Contracts
    undecided: frozenset[str] = frozenset()  # precisions in which rounding may decide the side of a kink
    flushes: bool = False  # whether float16 may flush so many small values that the tolerance does not hold in it


class NetworkForms:
    """A network, of which all correct algorithms have the same graph: sums may be added in any order."""

    def __init__(self, case: Case, cotangents: Mapping[str, Float64]) -> None:
        self.cotangents = cotangents
        self.forward = recorded(case)
        self.both = with_gradients(self.forward, cotangents) if cotangents else None  # both passes

    @cached_property
    def needs(self) -> Needs | None:
        """What a precision needs for outputs without rounding; None if an operation always rounds."""
        return needs_of_all([self.forward])

    @cached_property
    def gradient_needs(self) -> Needs | None:
        """What a precision needs for gradients without rounding; None if an operation always rounds."""
        return None if self.both is None or not is_exact(self.needs) else needs_of_all([self.both])

    def costs(self, of: str) -> dict[str, float]:
        """Return the predicted seconds of the parts of the tolerance of outputs, gradients or states by name."""
        if of == STATES:
            return {} if is_exact(self.needs) else {_label(of): _seconds(_states_of(self.forward), 1.5e-10)}
        if is_exact(self.needs):
            bounded = self.forward if of == OUTPUTS else self.both
        else:
            bounded = self.both or self.forward if of == OUTPUTS else None
        return {} if bounded is None else {_label(of): _seconds(bounded, 1.5e-10)}

    def outputs(self) -> Bounded:
        """Return the tolerance of outputs."""
        return Bounded(self._bounds.tolerance, self._bounds.undecided)

    def gradients(self) -> Bounded:
        """Return the tolerance of gradients."""
        found = bounds_of(None, self.both, label=_label(GRADIENTS)) if is_exact(self.needs) else self._bounds
        return Bounded(found.of_gradients, flushes=not found.in_float16)

    @property
    def state_needs(self) -> Needs | None:
        """What a precision needs for states without rounding: the outputs are computed from all of them."""
        return self.needs

    def states(self) -> Bound:
        """Return the tolerance of the stored states after every step."""
        recorded = _states_of(self.forward)
        bounds = Bounds(recorded, recorded.results, OUTPUTS_OF_NETWORK).of_results(_label(STATES))
        kinds = range(len(OUTPUTS_OF_NETWORK.kinds))
        return Bound(*(coefficients(recorded, bounds, kind, OUTPUTS_OF_NETWORK.bits) for kind in kinds))

    @cached_property
    def _bounds(self) -> ErrorBound:
        """The bounds of outputs, and of gradients at the same time unless float32 may not round them."""
        return bounds_of(self.forward, None if is_exact(self.needs) else self.both)


class RecurrenceForms:
    """A recurrence, step by step, and in chunks, too, if it has them."""

    def __init__(self, case: RecurrenceCase, cotangents: Mapping[str, Float64]) -> None:
        self._case, self.cotangents = case, cotangents
        self.forward, self.both = self._recorded()  # step by step

    def _recorded(self, size: int = 0) -> tuple[Recorded, Recorded | None]:
        """Return the graphs of both passes: step by step, or in chunks of a size."""
        forward = self._forward(size)
        if not self.cotangents:
            return forward, None
        return forward, with_gradients(forward, self.cotangents)

    def _forward(self, size: int = 0, lane: Lane | None = None) -> Recorded:
        return recorded_recurrence(self._case, in_chunks(size) if size else None, lane)

    def _sizes(self, sizes: Iterable[int]) -> list[int]:
        """Return sizes of chunks, at most the longest sequence; [] for a recurrence without a chunked form."""
        return sorted({min(size, self._longest) for size in sizes}) if self._chunks else []

    @cached_property
    def _longest(self) -> int:
        """The number of time steps of the longest sequence."""
        return max(sequence.time for sequence in self._case.sequences())

    @cached_property
    def _chunks(self) -> list[int]:
        """The sizes of chunks that contracts have; [] for a recurrence without a chunked form."""
        return [CHUNKS[name] for name in self._case.config.algorithms(self._longest)[1:]]

    @cached_property
    def _bounded_sizes(self) -> list[int]:
        """The sizes of chunks that have coefficients, after 0 for the form step by step."""
        return [0, *self._sizes((_SMALLEST_CHUNK, *CHUNKS.values()))]

    def _contracts(self, forms: Sequence[Coefficients]) -> Contracts:
        """Return the coefficients by algorithm, given those of each form."""
        by_size = dict(zip(self._bounded_sizes, forms, strict=True))
        chunks = {most: _largest([of for size, of in by_size.items() if size <= most]) for most in self._chunks}
        return Contracts(forms[0], chunks)

    @cached_property
    def needs(self) -> Needs | None:
        """What a precision needs for outputs without rounding, in all forms; None if an operation always rounds."""
        found = needs_of_all([self.forward], _ALSO_EXACT)
        if not is_exact(found):
            return found
        return needs_of_all([self.forward, *(forward for forward, _ in self._exact_chunks)], _ALSO_EXACT)

    @cached_property
    def gradient_needs(self) -> Needs | None:
        """What a precision needs for gradients without rounding, in all forms; None if an operation always rounds."""
        if self.both is None or not is_exact(self.needs):
            return None
        return needs_of_all([self.both, *(both for _, both in self._exact_chunks if both is not None)], _ALSO_EXACT)

    @cached_property
    def _exact_chunks(self) -> list[tuple[Recorded, Recorded | None]]:
        return [self._recorded(size) for size in self._sizes((*EXACT_CHUNKS, self._longest))]

    def costs(self, of: str) -> dict[str, float]:
        """Return the predicted seconds of the parts of the tolerance of outputs, gradients or states by name."""
        sizes = self._bounded_sizes
        if of == GRADIENTS:
            whole = 0.0 if self.both is None else _seconds(self.both, 3e-10)
            return {_label(of, size): whole * _CHUNKED_GRADIENTS.get(size, 0.3) for size in sizes}
        recorded = self.forward if of == OUTPUTS else _states_of(self.forward)
        whole = _seconds(recorded, 1e-9) / (1 if self._lane is None else self._lane.size)
        return {_label(of, size): whole * _CHUNKED_OUTPUTS.get(size, 1 + size / 4) for size in sizes}

    def outputs(self) -> Bounded:
        """Return the tolerance of outputs, which are bounded in all lanes at once."""
        found = [_coefficients(self._in_lanes(size), _label(OUTPUTS, size)) for size in self._bounded_sizes]
        return Bounded(self._contracts(found))

    @cached_property
    def _lane(self) -> Lane | None:
        """The largest axis that is a lane step by step. It is one in chunks, too."""
        return lane_of(self.forward)

    def _in_lanes(self, size: int) -> Recorded:
        """Return the graph of a form in which the axis that is a lane is a part of the axis of heads."""
        if self._lane is None:
            return self._forward(size) if size else self.forward
        return self._forward(size, self._lane)

    def gradients(self) -> Bounded:
        """Return the tolerance of gradients. They add up over axes that are lanes in outputs."""
        found = []
        for size in self._bounded_sizes:
            both = self._recorded(size)[1] if size else self.both
            assert both is not None
            found.append(_coefficients(both, _label(GRADIENTS, size)))
        return Bounded(self._contracts(found))

    @property
    def state_needs(self) -> Needs | None:
        """What a precision needs for states without rounding, in all forms; None if an operation always rounds."""
        if self.needs is None:
            return None
        chunks = needs_of_all(map(self._states, self._sizes((*EXACT_CHUNKS, self._longest))), _ALSO_EXACT)
        return None if chunks is None else self.needs | chunks

    def states(self) -> Contracts:
        """Return the tolerance of the states after every step, which are bounded in all lanes at once."""
        found = [_coefficients(self._states(size, self._lane), _label(STATES, size)) for size in self._bounded_sizes]
        return self._contracts(found)

    def _states(self, size: int, lane: Lane | None = None) -> Recorded:
        form = in_chunks(size, states=True) if size else None
        return _states_of(recorded_recurrence(self._case, form, lane))


def _states_of(recorded: Recorded) -> Recorded:
    assert recorded.states is not None, "of the backward pass"
    return recorded.states


def _label(of: str, size: int = 0) -> str:
    """Return the name of a part of the work: short, because a line of progress has it."""
    if size:
        return f"{'tolerance' if of == OUTPUTS else of} in chunks of {size}"
    return "tolerance" if of == OUTPUTS else f"tolerance of {of}"


def elements(recorded: Recorded) -> int:
    """Return the number of elements of all values of a graph."""
    return sum(value.size for value in recorded.graph.values[: recorded.end])


def _seconds(recorded: Recorded, of_one: float) -> float:
    """Return the predicted seconds of bounding the results: each element of a lane is swept back to all elements."""
    rows = {node.place: int(np.prod(node.value.shape[2:])) for node in recorded.results}
    return sum(rows.values()) * (of_one * elements(recorded) + 8e-9 * recorded.end)


def _coefficients(recorded: Recorded, label: str) -> Coefficients:
    bounds = Bounds(recorded, recorded.results, CONTRACTS).of_results(label)
    kinds = range(len(CONTRACTS.kinds))
    return Coefficients(*(coefficients(recorded, bounds, kind, CONTRACTS.bits) for kind in kinds))


Forms = NetworkForms | RecurrenceForms
"""The correct algorithms of a scenario."""


def forms_of(case: AnyCase, cotangents: Mapping[str, Float64]) -> Forms:
    """Return the correct algorithms of a network or a recurrence."""
    return NetworkForms(case, cotangents) if isinstance(case, Case) else RecurrenceForms(case, cotangents)


def is_exact(needs: Needs | None) -> bool:
    """Return whether float32 meets the requirements for results without rounding."""
    return needs is not None and needs.met_by(PRECISIONS["float32"])


def _largest(forms: Sequence[Coefficients]) -> Coefficients:
    """Return the largest coefficients of several forms."""

    def of_kind(kind: str) -> dict[str, Float64]:
        arrays = [getattr(form, kind) for form in forms]
        return {name: np.maximum.reduce([of_form[name] for of_form in arrays]) for name in arrays[0]}

    return Coefficients(*map(of_kind, CONTRACTS.kinds))
