"""Chooses the tolerance of a golden, and the precisions in which it, and its gradients, can be checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.generator.correct_algorithms import Bounded, Forms, is_exact
from rnn_goldens.generator.exact_sums import Needs
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenario_fields import Refused, require_precisions
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import (
    LARGEST_TOLERANCE,
    LARGEST_TOLERANCE_OF_GRADIENTS,
    Exact,
    Tolerance,
    loosest,
    loosest_of_gradients,
)

MIN_SHARE = 0.5
"""Gradients are not checked in a precision if the tolerance of an array allows this share of it to be missing."""

Named = Mapping[str, Float64]


@dataclass(frozen=True, eq=False)
class Chosen:
    """A tolerance, and where it applies."""

    tolerance: Tolerance
    precisions: tuple[str, ...]  # the precisions that can be checked
    left_out: Mapping[str, str]  # by precision, why it cannot be checked


def output_tolerance(scenario: DeclaredInputs, forms: Forms, expected: Named) -> Chosen:
    """Return the tolerance of outputs. Raises Refused if all precisions are left out, or one that is listed."""
    chosen = _exact(forms.needs, scenario.precisions, "outputs") or _bounded(scenario, forms.outputs(), expected)
    require_precisions(scenario.id, scenario.precisions, scenario.declared, chosen.left_out)
    return chosen


def gradient_tolerance(golden_id: str, precisions: Sequence[str], forms: Forms, expected: Named) -> Chosen:
    """Return the tolerance of gradients, given the precisions of the golden. Raises Refused if all are left out."""
    return _exact(forms.gradient_needs, precisions, "gradients") or _bounded_gradients(
        golden_id, precisions, forms.gradients(), expected
    )


def is_zero(needs: Needs | None, precisions: Sequence[str]) -> bool:
    """Return whether the tolerance of outputs or gradients is zero in a precision of the scenario."""
    return _exact(needs, precisions, "") is not None


def _exact(needs: Needs | None, precisions: Sequence[str], what: str) -> Chosen | None:
    """Return a tolerance of zero, if results in float32 and in a precision of the scenario have no rounding errors."""
    if needs is None or not is_exact(needs):
        return None
    fit = tuple(name for name in PRECISIONS if name in precisions and needs.met_by(PRECISIONS[name]))
    needed = f"exact {what} need {needs.bits} significant bits and the range of their sums"
    left_out = {p: f"{needed}: too much for {p}" for p in precisions if p not in fit}
    return Chosen(Exact(needs.bits), fit, left_out) if fit else None


def _bounded(scenario: DeclaredInputs, bounded: Bounded, expected: Named) -> Chosen:
    tolerance, undecided = bounded.tolerance, bounded.undecided
    loose = {p: loosest(tolerance, expected, PRECISIONS[p]) for p in PRECISIONS if p in scenario.precisions}
    left_out = {p: why for p, most in loose.items() if (why := _why_not(p, most, undecided))}
    precisions = tuple(p for p in loose if p not in left_out)
    if precisions:
        return Chosen(tolerance, precisions, left_out)
    if set(scenario.precisions) <= undecided:
        raise Refused(f"{scenario.id}: a relu's argument is so close to zero that rounding decides its side")
    if not any(np.isfinite(most) for most in loose.values()):
        raise Refused(f"{scenario.id}: intermediate sums overflow, so no tolerance can be derived")
    listed = ", ".join(f"{most:.2g} in {p}" for p, most in loose.items())
    raise Refused(
        f"{scenario.id}: the tolerance is too loose in every precision: {listed}, at most {LARGEST_TOLERANCE} is "
        "allowed"
    )


def _why_not(precision: str, loose: float, undecided: frozenset[str]) -> str:
    """Return why outputs cannot be checked in a precision; "" if they can."""
    if precision in undecided:
        return f"a relu's argument is so close to zero that rounding decides its side in {precision}"
    if not loose <= LARGEST_TOLERANCE:
        return f"tolerance {loose:.2g} in {precision}, at most {LARGEST_TOLERANCE} is allowed"
    return ""


def _bounded_gradients(golden_id: str, precisions: Sequence[str], bounded: Bounded, expected: Named) -> Chosen:
    why = {p: _why_no_gradients(bounded, expected, p) for p in precisions}
    checked = tuple(p for p in precisions if not why[p])
    if not checked:
        reasons = "; ".join(f"in {p} {reason}" for p, reason in why.items())
        raise Refused(f"{golden_id}: the tolerance of the gradients is too loose in every precision: {reasons}")
    left_out = {p: f"the tolerance is too loose: in {p} {reason}" for p, reason in why.items() if reason}
    return Chosen(bounded.tolerance, checked, left_out)


def _why_no_gradients(bounded: Bounded, expected: Named, precision: str) -> str:
    """Return why gradients cannot be checked in a precision; "" if they can."""
    if precision == "float16" and bounded.flushes:
        return "it must allow for small intermediate values that float16 may flush to zero"
    loose = loosest_of_gradients(bounded.tolerance, expected, PRECISIONS[precision])
    if not loose <= LARGEST_TOLERANCE_OF_GRADIENTS:
        return f"it is {loose:.2g} of the largest gradient, at most {LARGEST_TOLERANCE_OF_GRADIENTS} is allowed"
    if arrays := hides_half(bounded.tolerance, expected, precision):
        return f"half of each gradient of {', '.join(arrays)} could be missing"
    return ""


def hides_half(tolerance: Tolerance, expected: Named, precision: str) -> list[str]:
    """Return the arrays that pass even if half of every gradient is missing. Arrays of zeros are not returned."""
    missing = {name: MIN_SHARE * np.abs(array) for name, array in expected.items() if array.any()}
    arithmetic = PRECISIONS[precision]
    return [n for n, error in missing.items() if (error <= tolerance.allowed(n, expected[n], arithmetic)).all()]
