"""Derives the tolerances of a golden in float32 under the arithmetic of a profile, tf32 or wgsl."""

from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import numpy as np

from rnn_goldens.cells import case_of, require_equations
from rnn_goldens.cells.composition import recorded
from rnn_goldens.cells.recorded import Recorded, with_gradients
from rnn_goldens.error_analysis.arithmetic import LEAST, OF_GRADIENTS, lost_in_operands
from rnn_goldens.error_analysis.error_bound import ErrorBound, bounds_of
from rnn_goldens.error_analysis.rounding_model import UNFLUSHED, Site
from rnn_goldens.error_analysis.sums import lost_in_outer_products
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import FLOAT32, TF32
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE,
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Bound,
    Derived,
    Exact,
    Tolerance,
    loosest,
    loosest_of_gradients,
)

_KNOWN: WeakKeyDictionary[object, dict[str, Tolerance]] = WeakKeyDictionary()
"""Tolerances by stored arrays, or gradients, and arithmetic."""


def output_tolerance(golden: GoldenData, arithmetic: str) -> Tolerance:
    """Return the tolerance of the outputs of a golden for a network.

    Raises:
        Unsupported: no tolerance can be derived in float32; the message says why.
        WrongUse: the equations of a custom cell are not available.
    """
    stored = as_stored(golden.tolerance)

    def derived() -> Tolerance:
        require_equations(golden)
        forward = recorded(case_of(golden, np.float64))
        if isinstance(stored, Exact) and stays_exact(forward, arithmetic):
            return stored
        found = bounds_of(forward, arithmetic=arithmetic)
        _require_decided(golden, found, arithmetic)
        _require_tight(golden, found.tolerance, golden.stored.expected, arithmetic)
        return Derived(stored, _above_zero(found.tolerance, arithmetic))

    return _once(golden.stored, arithmetic, derived)


def gradient_tolerance(golden: GoldenData, gradients: Gradients, arithmetic: str) -> Tolerance:
    """Return the tolerance of the gradients of a golden for a network; raises the errors of ``output_tolerance``."""
    stored = as_stored(gradients.tolerance)

    def derived() -> Tolerance:
        require_equations(golden)
        case = case_of(golden, np.float64)
        forward = recorded(case)
        both = with_gradients(forward, gradients.cotangents)
        if isinstance(stored, Exact) and stays_exact(both, arithmetic):
            return stored
        found = bounds_of(forward, both, arithmetic)
        _require_decided(golden, found, arithmetic)
        bound = _times(OF_GRADIENTS[arithmetic], found.of_gradients)
        loose = loosest_of_gradients(bound, gradients.expected, PRECISIONS[FLOAT32])
        if not loose <= LARGEST_TOLERANCE_OF_GRADIENTS:
            raise Unsupported(
                f"{_under(golden, arithmetic)}: the tolerance of gradients is {loose:.2g} of the largest gradient, "
                f"at most {LARGEST_TOLERANCE_OF_GRADIENTS} is allowed"
            )
        return Derived(stored, _above_zero(bound, arithmetic))

    return _once(gradients, arithmetic, derived)


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
        if operation is not None and operation.primitive == "summed_outer":
            lost = lost_in_outer_products(graph, operation, computed=False)
        else:
            site = Site(graph, k, UNFLUSHED)
            lost = np.zeros(1) if operation is None else np.asarray(lost_in_operands(site, computed=(False, False)))
        if lost.any():
            return False
    return True


def _once(key: object, arithmetic: str, derive: Callable[[], Tolerance]) -> Tolerance:
    known = _KNOWN.setdefault(key, {})
    if arithmetic not in known:
        known[arithmetic] = derive()
    return known[arithmetic]


def _times(factor: float, bound: Bound) -> Bound:
    """Return the bound with its accumulation multiplied by a factor."""
    return Bound({name: factor * array for name, array in bound.accumulation.items()}, bound.storage)


def _above_zero(bound: Bound, arithmetic: str) -> Bound:
    """Return the bound with the least bound of an element added."""
    return Bound({name: array + LEAST[arithmetic] for name, array in bound.accumulation.items()}, bound.storage)


def _under(golden: GoldenData, arithmetic: str) -> str:
    return f"{golden.id} in {FLOAT32} by the profile {arithmetic}"


def _require_decided(golden: GoldenData, bound: ErrorBound, arithmetic: str) -> None:
    if FLOAT32 in bound.undecided:
        raise Unsupported(f"{_under(golden, arithmetic)}: a relu's argument is so close to zero that rounding decides")


def _require_tight(golden: GoldenData, bound: Bound, expected: Mapping[str, Float64], arithmetic: str) -> None:
    loose = loosest(bound, expected, PRECISIONS[FLOAT32])
    if not loose <= LARGEST_TOLERANCE:
        raise Unsupported(
            f"{_under(golden, arithmetic)}: the tolerance is {loose:.2g}, at most {LARGEST_TOLERANCE} is allowed"
        )
