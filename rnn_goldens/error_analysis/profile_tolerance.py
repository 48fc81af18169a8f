"""Derives the tolerances of a golden in float32 under the arithmetic of a profile, tf32 or wgsl."""

from weakref import WeakKeyDictionary

import numpy as np

from rnn_goldens.cells import case_of, require_equations
from rnn_goldens.cells.case_graph import Recorded, with_gradients
from rnn_goldens.cells.network_graph import recorded
from rnn_goldens.error_analysis.loss_policy import lost_in_outer_products
from rnn_goldens.error_analysis.network_bounds import bounds_of
from rnn_goldens.error_analysis.profile_losses import LEAST, OF_GRADIENTS, lost_in_operands
from rnn_goldens.error_analysis.rounding_model import UNFLUSHED, Site
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import FLOAT32, TF32, TF32_BITS, Profile
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
)

_KNOWN: WeakKeyDictionary[object, dict[str, Tolerance]] = WeakKeyDictionary()
"""Tolerances by stored arrays, or gradients, and arithmetic."""


def output_tolerance(golden: GoldenData, arithmetic: str) -> Tolerance:
    """Return the tolerance of the outputs of a golden for a network.

    Raises Unsupported if none can be derived in float32, and WrongUse if equations of a custom cell are missing.
    """
    known = _KNOWN.setdefault(golden.stored, {})
    if arithmetic not in known:
        known[arithmetic] = _derived(golden, None, arithmetic)
    return known[arithmetic]


def gradient_tolerance(golden: GoldenData, gradients: Gradients, arithmetic: str) -> Tolerance:
    """Return the tolerance of the gradients of a golden for a network; raises the errors of ``output_tolerance``."""
    known = _KNOWN.setdefault(gradients, {})
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
