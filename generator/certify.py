"""Scenario → golden: an answer that is proven, a tolerance that is derived, and implementations that confirm both."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

import numpy as np

from rnn_goldens.cells import DEFINED, Case
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.generator import confirmation
from rnn_goldens.generator.error_analysis.forward import traced
from rnn_goldens.generator.error_bound import ErrorBound, bound_of
from rnn_goldens.generator.exact import exact_answer
from rnn_goldens.generator.exact_tier import exact_precisions
from rnn_goldens.generator.gradients.certify import certify_gradients
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.arrays import Arrays
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.precision import PRECISIONS, WhereHeld
from rnn_goldens.golden.tolerance import LARGEST_TOLERANCE, Exact, Tolerance, loosest

FLATTEST = 2.0**-12
"""An activation whose derivative is below this is saturated: it hides what goes wrong before it."""


@dataclass(frozen=True, eq=False)
class Certification:
    """What became of a scenario.

    Attributes:
        golden: the golden, in the widest of its precisions.
        left_out: by precision, why the golden does not have it, or its gradients do not.
    """

    golden: Golden
    left_out: Mapping[str, str]


def certify(scenario: Scenario, *, confirm: bool = True) -> Golden:
    """Compute a scenario's answer, derive its tolerance, and hold both against implementations.

    The definition in NumPy confirms them, and torch's layers where torch is installed. Needs python-flint.

    Args:
        scenario: what is asked.
        confirm: whether implementations confirm it. The answer is proven without them; where goldens are drawn by the
            thousand, they are left out, for they take most of the time.

    Returns:
        The golden, in the widest of its precisions: ``in_precision`` gives it in another.

    Raises:
        Refused: a number or shape does not fit, the answer is not certain, the tolerance is too loose in every
            precision, or in one that the scenario names, a declared feature is not so, or a correct implementation
            comes too close to the tolerance.
    """
    return certification(scenario, confirm=confirm).golden


@np.errstate(over="ignore", invalid="ignore")  # what overflows is infinite or NaN, and refused where it matters
def certification(scenario: Scenario, *, confirm: bool = True) -> Certification:
    """The same, with what is left out of the golden."""
    answer, weights, inputs = exact_answer(scenario), scenario.torch_weights, scenario.inputs
    stored = Arrays(weights=weights, **inputs, out=answer.out, h_n=answer.h_n, c_n=answer.c_n)
    tolerance, precisions, saturated, left_out = _tolerance(scenario, scenario.case(), stored)
    derived = derived_features(
        scenario.shape,
        state="h0" in inputs,
        lengths="lengths" in inputs,
        unbatched=inputs["x"].ndim == 2,  # noqa: PLR2004 - (time, input)
        exact=isinstance(tolerance, Exact),
    )
    golden = Golden(
        id=scenario.id,
        title=scenario.title,
        purpose=scenario.purpose,
        documented_in=scenario.documented_in,
        cell=scenario.cell,
        own_layout=None if scenario.cell in DEFINED else scenario.defined.layout,
        config=scenario.shape,
        features=(*derived, *_declared(scenario, precisions, saturated=saturated)),
        tolerance=tolerance,
        precisions=precisions,
        provenance={"answer": f"ball arithmetic with {answer.bits} bits, correctly rounded", **versions()},
        stored=stored,
    )
    if not golden.stored.out.any():
        raise Refused(f"{golden.id}: every output is zero, so it exposes nothing")
    if confirm:
        confirmation.confirm(golden)
    if scenario.given_cotangents:
        gradients, of_gradients = certify_gradients(scenario, golden)
        golden = replace(golden, gradients=gradients)
        left_out |= {precision: f"of gradients, {why}" for precision, why in of_gradients.items()}
        if confirm:
            confirmation.confirm(golden, GRADIENTS)
    return Certification(golden.in_precision(precisions[0]), left_out)


def _tolerance(
    scenario: Scenario, case: Case, stored: Arrays
) -> tuple[Tolerance, tuple[str, ...], bool, dict[str, str]]:
    """Zero where float32 rounds nothing, a bound otherwise; where it holds, or why not; whether one is saturated."""
    found = traced(case)
    fit, bits = exact_precisions(found.graph)
    if "float32" in fit and (precisions := tuple(p for p in fit if p in scenario.precisions)):
        needed = f"the answer is exact, which takes {bits} significant bits and room for its sums"
        left_out = {p: f"{needed}: not so in {p}" for p in scenario.precisions if p not in fit}
        _require_named(scenario, left_out)
        return Exact(bits=bits), precisions, False, left_out
    bound = bound_of(found)
    outputs = {name: getattr(stored, name) for name in bound.tolerance.storage}
    loosest_in = {p: loosest(bound.tolerance, outputs, PRECISIONS[p]) for p in PRECISIONS if p in scenario.precisions}
    precisions = tuple(p for p, loose in loosest_in.items() if loose <= LARGEST_TOLERANCE and p not in bound.undecided)
    if not precisions:
        if set(scenario.precisions) <= bound.undecided:
            raise Refused(f"{scenario.id}: a relu's argument is so close to zero that rounding decides its side")
        if not any(np.isfinite(loose) for loose in loosest_in.values()):
            raise Refused(f"{scenario.id}: numbers are so large that sums on the way overflow: no tolerance follows")
        said = ", ".join(f"{loose:.2g} in {p}" for p, loose in loosest_in.items())
        raise Refused(
            f"{scenario.id}: the tolerance is too loose in every precision: {said}, "
            f"at most {LARGEST_TOLERANCE} is allowed"
        )
    left_out = {p: _why(bound, p, loose) for p, loose in loosest_in.items() if p not in precisions}
    _require_named(scenario, left_out)
    return bound.tolerance, precisions, bound.flattest < FLATTEST, left_out


def _why(found: ErrorBound, precision: str, loose: float) -> str:
    """Why a precision falls out."""
    if precision in found.undecided:
        return f"a relu's argument is so close to zero that rounding decides its side in {precision}"
    return f"tolerance {loose:.2g} in {precision}, at most {LARGEST_TOLERANCE} is allowed"


def _require_named(scenario: Scenario, why: Mapping[str, str]) -> None:
    """Refuse if a precision falls out that was asked for by name; float32 and below may, if declared chaotic."""
    if isinstance(scenario.precisions, WhereHeld) or "chaotic" in (scenario.declared or ()):
        return
    if out := [precision for precision in scenario.precisions if precision in why]:
        raise Refused(f"{scenario.id}: {'; '.join(why[p] for p in out)}: leave {_them(out)} out of precisions")


def _them(out: Sequence[str]) -> str:
    return "it" if len(out) == 1 else "them"


def _declared(scenario: Scenario, precisions: tuple[str, ...], *, saturated: bool) -> tuple[str, ...]:
    """The features that a scenario states, or that are found where it states none."""
    chaotic = "float32" in scenario.precisions and "float32" not in precisions
    found = {"saturated": saturated, "chaotic": chaotic}
    if scenario.declared is None:
        return tuple(name for name, is_so in found.items() if is_so)
    if saturated and "saturated" not in scenario.declared:
        raise Refused(f"{scenario.id}: an activation is saturated; if that is its purpose, declare it saturated")
    if "saturated" in scenario.declared and not saturated:
        raise Refused(f"{scenario.id}: declares the feature saturated, but no activation is")
    if chaotic != ("chaotic" in scenario.declared):
        held = ", ".join(precisions)
        raise Refused(f"{scenario.id}: chaotic is what can be checked in float64 alone; this one can in {held}")
    return scenario.declared


@cache
def versions() -> dict[str, str]:
    """What makes goldens here: kept in every file, no part of its content."""
    from importlib.metadata import version

    import h5py

    names = ("rnn-goldens", "numpy", "h5py", "python-flint", *(["torch"] if find_spec("torch") else []))
    packages = {name: version(name) for name in names}
    return {**packages, "hdf5": h5py.version.hdf5_version, "python": platform.python_version()}
