"""Bounds on the rounding errors of any correct implementation of a network, to first order.

The bound is linear in two roundoffs, of accumulation and of storage, so it is two numbers per element. See
docs/numerics.md for the derivation. A profile, tf32 or wgsl, has bounds in float32 under its arithmetic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from rnn_goldens.cells import case_of, require_equations
from rnn_goldens.cells.adjoint import part_of
from rnn_goldens.cells.case_graph import Recorded, with_gradients
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.network import recorded
from rnn_goldens.cells.step_program import Operation
from rnn_goldens.error_analysis.bounds import Bounds
from rnn_goldens.error_analysis.loss_policy import ACCUMULATION, NETWORK, OUTPUTS_OF_NETWORK, lost_in_outer_products
from rnn_goldens.error_analysis.profile_losses import LEAST, OF_GRADIENTS, lost_in_operands
from rnn_goldens.error_analysis.rounding_model import UNFLUSHED, Site, arguments
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import FLOAT32, IEEE, TF32, TF32_BITS, Profile
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE,
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Bound,
    Derived,
    Exact,
    Tolerance,
    in_use,
    loosest,
    loosest_of_gradients,
    roundoff_sum,
)

KINKED = ("relu", "clip", "maximum", "thresholded_relu")

_STORED, _FLUSHED = 1, -1
"""Kinds of both policies of networks: storing without and with float16's flushing of small numbers."""

MAX_BLUNTED = 2.0
"""The largest factor by which allowing float16 to flush small numbers may loosen a tolerance of gradients."""


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """The error bounds of a network.

    Attributes:
        tolerance: the bound of outputs; without arrays if it was not derived.
        of_gradients: the bound of gradients; without arrays if it was not derived.
        undecided: precisions in which rounding may decide the side of a kink, so that no first-order bound holds.
        in_float16: whether the bound of gradients is valid in float16, which may flush small numbers to zero.
    """

    tolerance: Bound
    of_gradients: Bound
    undecided: frozenset[str]
    in_float16: bool


def bounds_of(
    forward: Recorded | None, both: Recorded | None = None, arithmetic: str = IEEE, label: str = "tolerance"
) -> ErrorBound:
    """Return bounds on the errors of outputs and of gradients of any correct implementation of a network.

    Without the forward pass, outputs are exact, and no kink is undecided. ``both`` has both passes in the same graph;
    None for outputs only. Under an arithmetic other than ieee, the bounds hold in float32.
    """
    given = [one for one in (forward, both) if one is not None]
    if not given:
        return ErrorBound(Bound({}, {}), Bound({}, {}), frozenset(), in_float16=True)
    graph, results = given[0].graph, [node for one in given for node in one.results]
    kinks = [] if forward is None else [k for k in range(forward.end) if graph.operations[k].primitive in KINKED]
    results += [Node(graph, of) for k in kinks for of in graph.operations[k].of]
    results = list({node.place: node for node in results}.values())
    policy = replace(OUTPUTS_OF_NETWORK if both is None else NETWORK, arithmetic=arithmetic)
    bounds = Bounds(given[0], results, policy).of_results(label)
    flushed = (
        [] if both is None else [(bounds[node.place][_FLUSHED], bounds[node.place][_STORED]) for node in both.results]
    )
    in_float16 = all((flushing <= MAX_BLUNTED * stored).all() for flushing, stored in flushed)
    return ErrorBound(
        _bound(forward, bounds, _FLUSHED),
        _bound(both, bounds, _FLUSHED if in_float16 else _STORED),
        frozenset(_undecided(graph, kinks, bounds)),
        in_float16,
    )


def _bound(recorded: Recorded | None, bounds: Mapping[int, Float64], storage: int) -> Bound:
    if recorded is None:
        return Bound({}, {})
    kinds = (coefficients(recorded, bounds, kind, NETWORK.bits) for kind in (ACCUMULATION, storage))
    return Bound(*kinds)


def coefficients(recorded: Recorded, bounds: Mapping[int, Float64], kind: int, bits: int) -> dict[str, Float64]:
    """Return the coefficients of one kind by name of the output, rounded up to a few significant bits."""
    found = recorded.arrays({place: bound[kind] for place, bound in bounds.items()})
    return {name: _rounded_up(array, bits) for name, array in found.items()}


def _undecided(graph: Graph, kinks: Sequence[int], bounds: Mapping[int, Float64]) -> Iterator[str]:
    """Yield the precisions in which a value may be rounded to the wrong side of a kink."""
    for k in kinks:
        operation = graph.operations[k]
        error = sum((bounds[of] for of in operation.of), np.zeros(1))
        for distance in _distances(operation, arguments(graph, k)):
            for precision in PRECISIONS.values():
                wrong_side = np.abs(distance) <= roundoff_sum(error[ACCUMULATION], error[_FLUSHED], precision)
                if (wrong_side & graph.within.get(k, True)).any():
                    yield precision.name


def _distances(operation: Operation, operands: Sequence[Float64]) -> Iterator[Float64]:
    """Yield the distances of the argument of a primitive from its kinks."""
    if operation.primitive in ("clip", "thresholded_relu"):
        yield from (operands[0] - float(limit) for limit in operation.detail)
    else:
        yield operands[0] - operands[1] if operation.primitive == "maximum" else operands[0]


def flattest(forward: Recorded) -> float:
    """Return the smallest derivative of any sigmoid or tanh; small if one is saturated."""
    smallest, graph = 1.0, forward.graph
    for k, operation in enumerate(graph.operations[: forward.end]):
        if operation.primitive in ("sigmoid", "tanh"):
            slope = part_of(NUMPY, operation, 0, np.float64(1.0), graph.values[k], arguments(graph, k))
            smallest = min(smallest, float(np.where(graph.within.get(k, True), slope, 1.0).min()))
    return smallest


def _rounded_up(error: Float64, bits: int) -> Float64:
    """Round up to a few significant bits, which are enough for a bound and keep files small."""
    mantissas, exponents = np.frexp(error)
    rounded: Float64 = np.ldexp(np.ceil(mantissas * 2**bits), exponents - bits)
    return rounded


_KNOWN: WeakKeyDictionary[object, dict[str, Tolerance]] = WeakKeyDictionary()
"""Tolerances by stored arrays, or gradients, and arithmetic."""


def network_tolerance(golden: GoldenData, gradients: Gradients | None, arithmetic: str) -> Tolerance:
    """Return the tolerance of the outputs of a golden for a network, or of its gradients if they are given.

    Raises Unsupported if none can be derived in float32, and WrongUse if equations of a custom cell are missing.
    """
    known = _KNOWN.setdefault(golden.stored if gradients is None else gradients, {})
    if arithmetic not in known:
        known[arithmetic] = _derived(golden, gradients, arithmetic)
    return known[arithmetic]


def require_tf32(golden: GoldenData, profile: Profile) -> None:
    """Raise Unsupported for a golden of a recurrence that has no tolerance under the arithmetic of a profile.

    Rounded operands lose what half precisions lose by rounding them, which the stored coefficients have.
    """
    under = f"{golden.id} in {FLOAT32} by the profile {profile}"
    if profile.arithmetic != TF32:
        raise Unsupported(f"profile {profile.arithmetic} is derived for networks only")
    parts = [(golden.tolerance, golden.stored.expected, loosest, LARGEST_TOLERANCE)]
    given = {**golden.stored.inputs, **golden.stored.states, **golden.stored.weights}
    if (gradients := golden.gradients) is not None:
        largest = LARGEST_TOLERANCE_OF_GRADIENTS
        parts.append((gradients.tolerance, gradients.expected, loosest_of_gradients, largest))
        given |= gradients.cotangents
    for name, array in given.items():
        fractions, _ = np.frexp(array)
        if (np.rint(np.ldexp(fractions, TF32_BITS)) != np.ldexp(fractions, TF32_BITS)).any():
            raise Unsupported(f"{under}: {name} has more than {TF32_BITS} significant bits, which are not all read")
    for tolerance, expected, measured, largest in parts:
        if isinstance(tolerance, Exact) and tolerance.bits > TF32_BITS:
            raise Unsupported(f"{under}: exact operands may have more than {TF32_BITS} bits")
        if not (loose := measured(in_use(tolerance, profile, FLOAT32), expected, PRECISIONS[FLOAT32])) <= largest:
            what = "tolerance" if measured is loosest else "tolerance of gradients, by the largest,"
            raise Unsupported(f"{under}: the {what} is {loose:.2g}, at most {largest} is allowed")


def has_tf32(golden: GoldenData, profile: Profile) -> bool:
    """Return whether a golden of a recurrence has a tolerance under the arithmetic of a profile."""
    try:
        require_tf32(golden, profile)
    except Unsupported:
        return False
    return True


def _derived(golden: GoldenData, gradients: Gradients | None, arithmetic: str) -> Tolerance:
    """Return the tolerance of the outputs of a golden, or of its gradients."""
    require_equations(golden)
    stored = as_stored((gradients or golden).tolerance)
    forward = recorded(case_of(golden, np.float64))
    both = None if gradients is None else with_gradients(forward, gradients.cotangents)
    if isinstance(stored, Exact) and stays_exact(both or forward, arithmetic):
        return stored
    found, under = bounds_of(forward, both, arithmetic), f"{golden.id} in {FLOAT32} by the profile {arithmetic}"
    if FLOAT32 in found.undecided:
        raise Unsupported(f"{under}: a relu's argument is so close to zero that rounding decides")
    if gradients is None:
        bound, largest = found.tolerance, LARGEST_TOLERANCE
        loose = loosest(bound, golden.stored.expected, PRECISIONS[FLOAT32])
        how = f"tolerance is {loose:.2g}"
    else:
        bound, largest = _changed(found.of_gradients, times=OF_GRADIENTS[arithmetic]), LARGEST_TOLERANCE_OF_GRADIENTS
        loose = loosest_of_gradients(bound, gradients.expected, PRECISIONS[FLOAT32])
        how = f"tolerance of gradients is {loose:.2g} of the largest gradient"
    if not loose <= largest:
        raise Unsupported(f"{under}: the {how}, at most {largest} is allowed")
    return Derived(stored, _changed(bound, plus=LEAST[arithmetic]))


def _changed(bound: Bound, times: float = 1.0, plus: float = 0.0) -> Bound:
    """Return the bound with its accumulation multiplied by a factor, and the least bound of an element added."""
    return Bound({name: times * array + plus for name, array in bound.accumulation.items()}, bound.storage)


def as_stored(tolerance: Tolerance) -> Exact | Bound:
    """Return the tolerance of a network under the default profile."""
    stored = tolerance.stored if isinstance(tolerance, Derived) else tolerance
    assert isinstance(stored, Exact | Bound)
    return stored


def stays_exact(of: Recorded, arithmetic: str) -> bool:
    """Return whether a graph that is exact in float32 is exact under an arithmetic; wgsl changes functions only."""
    graph = of.graph
    if arithmetic != TF32:
        return True
    for k, operation in enumerate(graph.operations[: of.end]):
        if operation.primitive == "summed_outer":
            lost = lost_in_outer_products(graph, operation, computed=False)
        else:
            lost = np.asarray(lost_in_operands(Site(graph, k, UNFLUSHED), computed=(False, False)))
        if lost.any():
            return False
    return True
