"""Certifies scenarios: proven outputs, a derived tolerance, and implementations that confirm both."""

import platform
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import numpy as np
from threadpoolctl import ThreadpoolController

from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.error_analysis.network_bounds import flattest
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator import confirmation
from rnn_goldens.generator.ball_evaluation import Evaluation, NoNumber, Tied, Undecided
from rnn_goldens.generator.correct_algorithms import STATES, Forms, elements
from rnn_goldens.generator.integer_scenario import IntegerScenario
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.state_certification import states_of_golden, wants_states, with_states
from rnn_goldens.generator.tolerance_choice import gradient_tolerance, is_zero, output_tolerance
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Gradients
from rnn_goldens.golden.shapes import Config, is_custom_cell
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.progress import Report, counting, one_whole, planned, reported_to

FLATTEST = 2.0**-12
"""An activation whose derivative is below this is saturated: it hides errors of its argument."""

_GRAPH = 0.05
"""The share of recording the graph, which predicts the costs of the rest."""


def certify(
    scenario: DeclaredInputs | Golden,
    *,
    confirm: bool = True,
    states: bool | None = None,
    progress: Report | None = None,
) -> Golden:
    """Compute expected outputs (and gradients, for cotangents), derive tolerances, and confirm both.

    The definition in NumPy confirms them, and so do the layers of torch if it is installed. Needs python-flint.

    Args:
        scenario: the scenario; or a golden, which is returned with its states after every step, and otherwise as it is.
        confirm: whether implementations confirm the golden. It is proven without them; fuzzing skips them because they
            take most of the time.
        states: whether the golden stores its states after every step, ``golden.expected_states``; if None, only where
            they are few. For a long sequence they take many times as long as the outputs.
        progress: called as ``progress(part, done, total)``: the part of the work that runs, and how much of the whole
            is done, by predicted costs; at the end ``("done", 1000, 1000)``, unless the scenario is refused.

    Returns:
        The golden in its widest precision; ``in_precision`` converts it to another.

    Raises:
        Refused: a number or shape is wrong; the outputs are undecided; the tolerance is too loose in every precision,
            or in one that the scenario lists; a declared feature does not apply; a correct implementation comes too
            close to the tolerance; or states are asked for, and no tolerance holds for them.
        WrongUse: the golden is embedded, or the equations of its cell are not those that it was certified with.
    """
    with reported_to(progress) if progress is not None else nullcontext():
        if not isinstance(scenario, DeclaredInputs | Golden):
            raise WrongUse(
                f"certify takes a scenario or a golden, not {type(scenario).__name__}: load(…) a golden first"
            )
        if isinstance(scenario, Golden):
            return states_of_golden(scenario, states)
        return certification(scenario, confirm=confirm, states=states)[0]


@np.errstate(all="ignore")  # overflow gives infinity or NaN, which is refused where it matters
def certification(
    scenario: DeclaredInputs, *, confirm: bool = True, states: bool | None = None
) -> tuple[Golden, Mapping[str, str]]:
    """Certify a scenario as ``certify`` does; return the golden, and by precision why it, or its gradients, lack it.

    One thread computes: the matrices are small, and waiting threads of BLAS and torch slow down a busy machine.
    """
    if isinstance(scenario, IntegerScenario):
        return scenario.golden(), {}
    with _libraries().limit(limits=1), one_whole():
        planned(lambda: {"graph": _GRAPH, "the rest": 1 - _GRAPH})
        count = counting("graph", 1)
        forms = scenario.forms()
        count(1)
        has_states = wants_states(forms, states)
        planned(lambda: _costs(scenario, forms, confirm=confirm, states=has_states))
        evaluation = Evaluation(forms.forward.graph)
        golden, left_out = _without_gradients(scenario, forms, evaluation)
        golden = replace(golden, provenance={**golden.provenance, **versions()})
        if confirm:
            confirmation.confirm(golden)
        if forms.both is not None:
            gradients, of_gradients = _gradients(scenario, golden, forms, evaluation)
            golden = replace(golden, gradients=gradients)
            left_out |= {precision: f"of gradients, {why}" for precision, why in of_gradients.items()}
            if confirm:
                confirmation.confirm(golden, GRADIENTS)
        if has_states:
            golden = with_states(golden, forms, evaluation, required=bool(states))
        return golden.in_precision(golden.precisions[0]), left_out


@cache
def _libraries() -> ThreadpoolController:
    """Return the libraries that compute in threads. Searching for them takes longer than certifying a small golden."""
    return ThreadpoolController()


def _costs(scenario: DeclaredInputs, forms: Forms, *, confirm: bool, states: bool) -> dict[str, float]:
    """Return the predicted seconds of the parts of the work in their order, as measured on one machine."""
    costs, before = dict[str, float](), 0.0
    for of, recorded in ((OUTPUTS, forms.forward), (GRADIENTS, forms.both)):
        if recorded is None:
            continue
        proof = 5e-6 * recorded.end + 1.2e-7 * elements(recorded)
        costs[f"exact {of}"], before = proof - before, proof
        if not is_zero(forms.needs if of == OUTPUTS else forms.gradient_needs, scenario.precisions):
            costs |= forms.costs(of)
        if confirm:
            costs[f"confirmation of {of}"] = 0.005 + 4e-6 * recorded.end
            if of == OUTPUTS and confirmation.imports_torch(scenario.shape):
                costs[f"confirmation of {of}"] += 1.3
    if states:
        costs |= forms.costs(STATES)
    return {**costs, "the rest": 0.01 * sum(costs.values())}


def _without_gradients(scenario: DeclaredInputs, forms: Forms, evaluation: Evaluation) -> tuple[Golden, dict[str, str]]:
    expected = _proven(scenario.id, evaluation, forms.forward, OUTPUTS)
    if not any(array.any() for array in expected.values()):
        raise Refused(f"{scenario.id}: every output is zero, so it detects nothing")
    chosen = output_tolerance(scenario, forms, expected)
    exact = isinstance(chosen.tolerance, Exact)
    saturated = not exact and flattest(forms.forward) < FLATTEST
    shape = scenario.shape
    golden = Golden(
        id=scenario.id,
        title=scenario.title,
        purpose=scenario.purpose,
        documented_in=scenario.documented_in,
        cell=scenario.cell,
        custom_layout=scenario.layout if isinstance(shape, Config) and is_custom_cell(scenario.cell) else None,
        config=shape,
        features=(*scenario.features(exact=exact), *_declared(scenario, chosen.precisions, saturated=saturated)),
        tolerance=chosen.tolerance,
        precisions=chosen.precisions,
        provenance={"answer": f"ball arithmetic with {evaluation.bits} bits, correctly rounded"},
        stored=scenario.golden_arrays(expected),
    )
    return golden, dict(chosen.left_out)


def _gradients(
    scenario: DeclaredInputs, golden: Golden, forms: Forms, evaluation: Evaluation
) -> tuple[Gradients, Mapping[str, str]]:
    assert forms.both is not None
    expected = _proven(scenario.id, evaluation, forms.both, GRADIENTS)
    if not any(array.any() for array in expected.values()):
        raise Refused(f"{scenario.id}: every gradient is zero, so these cotangents detect nothing")
    chosen = gradient_tolerance(scenario.id, golden.precisions, forms, expected)
    gradients = Gradients(
        purpose=scenario.gradient_purpose,
        precisions=chosen.precisions,
        cotangents=forms.cotangents,
        expected=expected,
        tolerance=chosen.tolerance,
        provenance={"answer": f"reverse mode in ball arithmetic with {evaluation.bits} bits, correctly rounded"},
    )
    return gradients, chosen.left_out


def _proven(golden_id: str, evaluation: Evaluation, recorded: Recorded, what: str) -> dict[str, Float64]:
    """Return proven outputs or gradients. Raises Refused if they do not exist or are not decided."""
    try:
        return evaluation.of(recorded, what)
    except Tied:
        raise Refused(
            f"{golden_id}: an argument is exactly on a kink, such as zero for a relu, where there is no derivative: "
            "change the numbers, or remove the cotangents"
        ) from None
    except NoNumber as reason:
        have = f"equations have no value{_first_place(recorded)}" if what == OUTPUTS else "gradients have no value"
        raise Refused(f"{golden_id}: its {have}: {reason}") from None
    except Undecided as undecided:
        are = "undecided with" if what == OUTPUTS else "gradients are not decided with"
        raise Refused(f"{golden_id}: {are} {evaluation.bits} bits: {undecided}") from None


def _first_place(recorded: Recorded) -> str:
    """Return the first time step at which the first output is not finite in float64; "" if there is none."""
    out = next(iter(recorded.arrays(recorded.graph.values).values()))
    time = 0 if out.ndim == 2 else 1  # noqa: PLR2004 - (time, units) without a batch axis
    wrong = np.moveaxis(~np.isfinite(out), time, 0).reshape(out.shape[time], -1).any(axis=-1)
    steps = np.flatnonzero(wrong)
    return f" at time step {steps[0]}" if steps.size else ""


def _declared(scenario: DeclaredInputs, precisions: tuple[str, ...], *, saturated: bool) -> tuple[str, ...]:
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
