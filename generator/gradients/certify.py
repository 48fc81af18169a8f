"""Cotangents → gradients that are proven, with a tolerance that is derived."""

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.generator.balls import Undecided
from rnn_goldens.generator.exact import LAST_BITS
from rnn_goldens.generator.gradients.balls import Tied
from rnn_goldens.generator.gradients.bound import gradient_bound
from rnn_goldens.generator.gradients.exact import correctly_rounded_gradients
from rnn_goldens.generator.gradients.exact_tier import gradient_needs
from rnn_goldens.generator.gradients.traced import traced
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

LEAST_SHARE = 0.5
"""Of a gradient: an array of which so much could be missing everywhere, and pass, is not checked in the precision."""

Named = dict[str, Float64]


def certify_gradients(scenario: Scenario, golden: Golden) -> tuple[Gradients, dict[str, str]]:
    """Compute the gradients that a scenario's cotangents ask for, and derive their tolerance.

    Args:
        scenario: what is asked, with cotangents.
        golden: the golden that its outputs have become.

    Returns:
        Gradients by array, and the golden's precisions that they can be checked in; and why they cannot in the others.

    Raises:
        Refused: cotangents that do not fit or say nothing; an argument exactly on a kink; gradients that are all zero,
            or not certain; or a tolerance that is too loose in every precision.
    """
    cotangents, case = scenario.cotangents, scenario.case()
    expected, bits = _expected(scenario, case, cotangents)
    if not any(array.any() for array in expected.values()):
        raise Refused(f"{scenario.id}: every gradient is zero, so these cotangents expose nothing")
    tolerance, precisions, left_out = _tolerance(golden, case, cotangents, expected)
    found = Gradients(
        purpose=scenario.gradient_purpose,
        precisions=precisions,
        cotangents=cotangents,
        expected=expected,
        tolerance=tolerance,
        provenance={"answer": f"reverse mode in ball arithmetic with {bits} bits, correctly rounded"},
    )
    return found, left_out


def _expected(scenario: Scenario, case: Case, cotangents: Named) -> tuple[Named, int]:
    try:
        return correctly_rounded_gradients(case, cotangents)
    except Tied:
        raise Refused(
            f"{scenario.id}: an argument lies exactly on a kink, such as zero of a relu, where there is no derivative: "
            "give other numbers, or no cotangents"
        ) from None
    except Undecided as undecided:
        raise Refused(f"{scenario.id}: gradients are not decided with {LAST_BITS} bits: {undecided}") from None


def _tolerance(
    golden: Golden, case: Case, cotangents: Named, expected: Named
) -> tuple[Tolerance, tuple[str, ...], dict[str, str]]:
    """Zero where float32 computes both passes without rounding, a bound otherwise; and where it holds, or why not."""
    both = traced(case.as_batch(), with_batch_axis(case, cotangents))
    needed = gradient_needs(both) if isinstance(golden.tolerance, Exact) else None
    if needed is not None and needed.met_by(PRECISIONS["float32"]):
        fit = tuple(p for p in golden.precisions if needed.met_by(PRECISIONS[p]))
        if fit:
            takes = f"they are exact, which takes {needed.bits} significant bits and room for their sums"
            return Exact(bits=needed.bits), fit, {p: takes for p in golden.precisions if p not in fit}
    found = gradient_bound(both)
    tolerance = found.tolerance if case.batched else _without_batch_axis(found.tolerance)
    loose = {p: _why_too_loose(tolerance, expected, p) for p in golden.precisions}
    if "float16" in loose and not found.in_float16:
        loose["float16"] = "small numbers on the way, which float16 may flush to zero, make it blunt"
    left_out = {p: f"the tolerance is too loose: in {p} {why}" for p, why in loose.items() if why}
    precisions = tuple(p for p in loose if p not in left_out)
    if not precisions:
        said = "; ".join(f"in {p} {why}" for p, why in loose.items())
        raise Refused(f"{golden.id}: the tolerance of the gradients is too loose in every precision: {said}")
    return tolerance, precisions, left_out


def _why_too_loose(tolerance: Bound, expected: Named, precision: str) -> str:
    """Why gradients are not checked in a precision; empty if they are."""
    loose = loosest_of_gradients(tolerance, expected, PRECISIONS[precision])
    if loose > LARGEST_TOLERANCE_OF_GRADIENTS:
        return f"it is {loose:.2g} of the largest gradient, at most {LARGEST_TOLERANCE_OF_GRADIENTS} is allowed"
    if hidden := hides_half(tolerance, expected, precision):
        return f"half of each gradient of {', '.join(hidden)} could be missing"
    return ""


def hides_half(tolerance: Tolerance, expected: Named, precision: str) -> list[str]:
    """The arrays of which zeros, or half of each gradient, would pass; those whose gradients are all zero aside."""
    missing = {name: LEAST_SHARE * np.abs(array) for name, array in expected.items() if array.any()}
    held = PRECISIONS[precision]
    return [n for n, error in missing.items() if (error <= tolerance.allowed(n, expected[n], held)).all()]


_AXES = {"x": 0, "h0": 1, "c0": 1, "d_out": 0, "d_h_n": 1, "d_c_n": 1}
"""Where the batch axis stands, of what has one."""


def with_batch_axis(case: Case, cotangents: Named) -> Named:
    """Cotangents of a batch of one, if there was no batch."""
    if case.batched:
        return cotangents
    return {name: array.reshape(_with_one(array.shape, _AXES[name])) for name, array in cotangents.items()}


def _with_one(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], 1, *shape[axis:])


def _without_batch_axis(bound: Bound) -> Bound:
    kinds = (bound.accumulation, bound.storage)
    return Bound(
        *({name: a.squeeze(_AXES[name]) if name in _AXES else a for name, a in kind.items()} for kind in kinds)
    )
