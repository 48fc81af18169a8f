"""Certifies scenarios: proven outputs, a derived tolerance, and implementations that confirm both."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.error_analysis.error_bound import ErrorBound, bound_of
from rnn_goldens.error_analysis.forward import traced
from rnn_goldens.generator import confirmation
from rnn_goldens.generator.exact import certified_outputs
from rnn_goldens.generator.exactness import exact_precisions
from rnn_goldens.generator.gradients.certify import certify_gradients
from rnn_goldens.generator.recurrences.certify import certified_recurrence
from rnn_goldens.generator.recurrences.gradients import certify_gradients as recurrence_gradients
from rnn_goldens.generator.recurrences.scenario import AnyScenario, RecurrenceScenario
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.generator.scenario_fields import require_precisions
from rnn_goldens.golden.arrays import GoldenArrays
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.gradients import Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import LARGEST_TOLERANCE, Exact, Tolerance, loosest

FLATTEST = 2.0**-12
"""An activation whose derivative is below this is saturated: it hides errors of its argument."""


@dataclass(frozen=True, eq=False)
class Certification:
    """A certified scenario.

    Attributes:
        golden: the golden in its widest precision.
        left_out: by precision, the reason why the golden, or its gradients, cannot be checked in that precision.
    """

    golden: Golden
    left_out: Mapping[str, str]


def certify(scenario: AnyScenario, *, confirm: bool = True) -> Golden:
    """Compute expected outputs (and gradients, for cotangents), derive tolerances, and confirm both.

    The definition in NumPy confirms them, and so do the layers of torch if it is installed. Needs python-flint.

    Args:
        scenario: the scenario.
        confirm: whether implementations confirm the golden. It is proven without them; fuzzing skips them because they
            take most of the time.

    Returns:
        The golden in its widest precision; ``in_precision`` converts it to another.

    Raises:
        Refused: a number or shape is wrong; the outputs are undecided; the tolerance is too loose in every precision,
            or in one that the scenario lists; a declared feature does not apply; or a correct implementation comes too
            close to the tolerance.
    """
    return certification(scenario, confirm=confirm).golden


@np.errstate(over="ignore", invalid="ignore")  # overflow gives infinity or NaN, which is refused where it matters
def certification(scenario: AnyScenario, *, confirm: bool = True) -> Certification:
    """Certify a scenario as ``certify`` does, and return the golden with the reasons why precisions are left out."""
    golden, left_out = _without_gradients(scenario)
    golden = replace(golden, provenance={**golden.provenance, **versions()})
    if confirm:
        confirmation.confirm(golden)
    if scenario.given_cotangents:
        gradients, of_gradients = _gradients(scenario, golden)
        golden = replace(golden, gradients=gradients)
        left_out |= {precision: f"of gradients, {why}" for precision, why in of_gradients.items()}
        if confirm:
            confirmation.confirm(golden, GRADIENTS)
    return Certification(golden.in_precision(golden.precisions[0]), left_out)


def _without_gradients(scenario: AnyScenario) -> tuple[Golden, dict[str, str]]:
    if isinstance(scenario, RecurrenceScenario):
        return certified_recurrence(scenario)
    return _certified_network(scenario)


def _gradients(scenario: AnyScenario, golden: Golden) -> tuple[Gradients, dict[str, str]]:
    if isinstance(scenario, RecurrenceScenario):
        return recurrence_gradients(scenario, golden)
    return certify_gradients(scenario, golden)


def _certified_network(scenario: Scenario) -> tuple[Golden, dict[str, str]]:
    """Return the golden of a network, without gradients; and by precision, why it cannot be checked in it."""
    answer, weights, inputs = certified_outputs(scenario), scenario.torch_weights, scenario.inputs
    stored = GoldenArrays(
        weights=weights,
        inputs={"x": inputs["x"]},
        states=scenario.initial_states,
        lengths=inputs.get("lengths"),
        expected=answer.outputs,
    )
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
        custom_layout=None if scenario.cell in BUILT_IN_CELLS else scenario.defined.layout,
        config=scenario.shape,
        features=(*derived, *_declared(scenario, precisions, saturated=saturated)),
        tolerance=tolerance,
        precisions=precisions,
        provenance={"answer": f"ball arithmetic with {answer.bits} bits, correctly rounded"},
        stored=stored,
    )
    if not golden.stored.out.any():
        raise Refused(f"{golden.id}: every output is zero, so it detects nothing")
    return golden, left_out


def _tolerance(
    scenario: Scenario, case: Case, stored: GoldenArrays
) -> tuple[Tolerance, tuple[str, ...], bool, dict[str, str]]:
    """Return the tolerance, the precisions, whether an activation is saturated, and why precisions are left out."""
    forward = traced(case)
    fit, bits = exact_precisions(forward.graph)
    if "float32" in fit and (precisions := tuple(p for p in fit if p in scenario.precisions)):
        needed = f"exact outputs need {bits} significant bits and the range of their sums"
        left_out = {p: f"{needed}: too much for {p}" for p in scenario.precisions if p not in fit}
        require_precisions(scenario.id, scenario.precisions, scenario.declared, left_out)
        return Exact(bits=bits), precisions, False, left_out
    bound = bound_of(forward)
    outputs = stored.expected
    loosest_in = {p: loosest(bound.tolerance, outputs, PRECISIONS[p]) for p in PRECISIONS if p in scenario.precisions}
    precisions = tuple(p for p, loose in loosest_in.items() if loose <= LARGEST_TOLERANCE and p not in bound.undecided)
    if not precisions:
        if set(scenario.precisions) <= bound.undecided:
            raise Refused(f"{scenario.id}: a relu's argument is so close to zero that rounding decides its side")
        if not any(np.isfinite(loose) for loose in loosest_in.values()):
            raise Refused(f"{scenario.id}: intermediate sums overflow, so no tolerance can be derived")
        listed = ", ".join(f"{loose:.2g} in {p}" for p, loose in loosest_in.items())
        raise Refused(
            f"{scenario.id}: the tolerance is too loose in every precision: {listed}, "
            f"at most {LARGEST_TOLERANCE} is allowed"
        )
    left_out = {p: _why(bound, p, loose) for p, loose in loosest_in.items() if p not in precisions}
    require_precisions(scenario.id, scenario.precisions, scenario.declared, left_out)
    return bound.tolerance, precisions, bound.flattest < FLATTEST, left_out


def _why(found: ErrorBound, precision: str, loose: float) -> str:
    """Return why a precision is left out."""
    if precision in found.undecided:
        return f"a relu's argument is so close to zero that rounding decides its side in {precision}"
    return f"tolerance {loose:.2g} in {precision}, at most {LARGEST_TOLERANCE} is allowed"


def _declared(scenario: Scenario, precisions: tuple[str, ...], *, saturated: bool) -> tuple[str, ...]:
    """Return the declared features of a scenario, or the features that apply if it declares none."""
    chaotic = "float32" in scenario.precisions and "float32" not in precisions
    applicable = {"saturated": saturated, "chaotic": chaotic}
    if scenario.declared is None:
        return tuple(name for name, applies in applicable.items() if applies)
    if saturated and "saturated" not in scenario.declared:
        raise Refused(f"{scenario.id}: an activation is saturated; if that is its purpose, declare it saturated")
    if "saturated" in scenario.declared and not saturated:
        raise Refused(f"{scenario.id}: declares the feature saturated, but no activation is")
    if chaotic != ("chaotic" in scenario.declared):
        raise Refused(
            f"{scenario.id}: chaotic means that only float64 can be checked; this scenario can be checked in "
            f"{', '.join(precisions)}"
        )
    return scenario.declared


@cache
def versions() -> dict[str, str]:
    """Return the versions of the libraries that certify goldens: stored in every file as its provenance."""
    from importlib.metadata import version

    import h5py

    names = ("rnn-goldens", "numpy", "h5py", "python-flint", *(["torch"] if find_spec("torch") else []))
    packages = {name: version(name) for name in names}
    return {**packages, "hdf5": h5py.version.hdf5_version, "python": platform.python_version()}
