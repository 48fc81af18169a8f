"""Certifies gradients: proven values with a derived tolerance."""

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.error_analysis.gradient_bound import gradient_bound, with_batch_axis, without_batch_axis
from rnn_goldens.error_analysis.gradient_graph import traced
from rnn_goldens.generator.balls import Undecided
from rnn_goldens.generator.exact import LAST_BITS
from rnn_goldens.generator.gradients.balls import Tied
from rnn_goldens.generator.gradients.exact import correctly_rounded_gradients
from rnn_goldens.generator.gradients.exactness import gradient_needs
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.gradients import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Bound,
    Exact,
    Tolerance,
    loosest_of_gradients,
)

MIN_SHARE = 0.5
"""Gradients are not checked in a precision if the tolerance of an array allows this share of it to be missing."""

Named = dict[str, Float64]


def certify_gradients(scenario: Scenario, golden: Golden) -> tuple[Gradients, dict[str, str]]:
    """Compute the gradients for a scenario's cotangents, and derive their tolerance.

    Args:
        scenario: a scenario with cotangents.
        golden: the certified golden of the scenario.

    Returns:
        The gradients, and for each precision of the golden in which they cannot be checked, the reason.

    Raises:
        Refused: cotangents have wrong shapes or are all zero; an argument is exactly on a kink; all gradients are zero,
            or undecided; or the tolerance is too loose in every precision.
    """
    cotangents, case = scenario.cotangents, scenario.case()
    expected, bits = _expected(scenario, case, cotangents)
    if not any(array.any() for array in expected.values()):
        raise Refused(f"{scenario.id}: every gradient is zero, so these cotangents detect nothing")
    tolerance, precisions, left_out = _tolerance(golden, case, cotangents, expected)
    gradients = Gradients(
        purpose=scenario.gradient_purpose,
        precisions=precisions,
        cotangents=cotangents,
        expected=expected,
        tolerance=tolerance,
        provenance={"answer": f"reverse mode in ball arithmetic with {bits} bits, correctly rounded"},
    )
    return gradients, left_out


def _expected(scenario: Scenario, case: Case, cotangents: Named) -> tuple[Named, int]:
    try:
        return correctly_rounded_gradients(case, cotangents)
    except Tied:
        raise Refused(
            f"{scenario.id}: an argument is exactly on a kink, such as zero for a relu, where there is no derivative: "
            "change the numbers, or remove the cotangents"
        ) from None
    except Undecided as undecided:
        raise Refused(f"{scenario.id}: gradients are not decided with {LAST_BITS} bits: {undecided}") from None


def _tolerance(
    golden: Golden, case: Case, cotangents: Named, expected: Named
) -> tuple[Tolerance, tuple[str, ...], dict[str, str]]:
    """Return the tolerance, exact if float32 rounds nothing; the precisions; and why other precisions are left out."""
    both = traced(case.as_batch(), with_batch_axis(case, cotangents))
    needed = gradient_needs(both) if isinstance(golden.tolerance, Exact) else None
    if needed is not None and needed.met_by(PRECISIONS["float32"]):
        fit = tuple(p for p in golden.precisions if needed.met_by(PRECISIONS[p]))
        if fit:
            reason = f"exact gradients need {needed.bits} significant bits and the range of their sums"
            return Exact(bits=needed.bits), fit, {p: reason for p in golden.precisions if p not in fit}
    bound = gradient_bound(both)
    tolerance = bound.tolerance if case.batched else without_batch_axis(bound.tolerance, case.cell.layout)
    loose = {p: _why_too_loose(tolerance, expected, p) for p in golden.precisions}
    if "float16" in loose and not bound.in_float16:
        loose["float16"] = "it must allow for small intermediate values that float16 may flush to zero"
    left_out = {p: f"the tolerance is too loose: in {p} {why}" for p, why in loose.items() if why}
    precisions = tuple(p for p in loose if p not in left_out)
    if not precisions:
        reasons = "; ".join(f"in {p} {why}" for p, why in loose.items())
        raise Refused(f"{golden.id}: the tolerance of the gradients is too loose in every precision: {reasons}")
    return tolerance, precisions, left_out


def _why_too_loose(tolerance: Bound, expected: Named, precision: str) -> str:
    """Return why gradients cannot be checked in a precision; "" if they can."""
    loose = loosest_of_gradients(tolerance, expected, PRECISIONS[precision])
    if loose > LARGEST_TOLERANCE_OF_GRADIENTS:
        return f"it is {loose:.2g} of the largest gradient, at most {LARGEST_TOLERANCE_OF_GRADIENTS} is allowed"
    if arrays := hides_half(tolerance, expected, precision):
        return f"half of each gradient of {', '.join(arrays)} could be missing"
    return ""


def hides_half(tolerance: Tolerance, expected: Named, precision: str) -> list[str]:
    """Return the arrays that pass even if half of every gradient is missing. Arrays of zeros are not returned."""
    missing = {name: MIN_SHARE * np.abs(array) for name, array in expected.items() if array.any()}
    arithmetic = PRECISIONS[precision]
    return [n for n, error in missing.items() if (error <= tolerance.allowed(n, expected[n], arithmetic)).all()]
