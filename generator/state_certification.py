"""Certifies the states after every step: proven with the outputs, with the tolerance of a last state by algorithm."""

from dataclasses import replace

import numpy as np

from rnn_goldens.cells import require_equations
from rnn_goldens.cells.network import golden_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.ball_evaluation import Evaluation, Undecided
from rnn_goldens.generator.correct_algorithms import STATES, Forms, forms_of
from rnn_goldens.generator.scenario_fields import Refused
from rnn_goldens.golden.expected import ExpectedStates
from rnn_goldens.golden.expected_states import shapes_to_store
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.states import FEW, end_problems, number_of_states, per_step
from rnn_goldens.golden.tolerance import LARGEST_TOLERANCE, Derived, Exact, Tolerance, loosest, with_arrays


def wants_states(forms: Forms, states: bool | None) -> bool:
    """Return whether a golden gets states: it has some that its outputs do not hold, and few unless asked for."""
    shapes = {} if forms.forward.states is None else forms.forward.states.shapes
    return bool(shapes) and (number_of_states(shapes) <= FEW if states is None else states)


def with_states(golden: Golden, forms: Forms, evaluation: Evaluation, *, required: bool) -> Golden:
    """Return a golden with its states after every step; without if none can be certified, or Refused if ``required``.

    Each step has one number of each kind of its tolerance, the largest of its elements, which keeps files small.
    """
    try:
        states = _certified(golden, forms, evaluation)
    except Refused:
        if required:
            raise
        return golden
    return replace(golden, stored_states=states)


def _certified(golden: Golden, forms: Forms, evaluation: Evaluation) -> ExpectedStates:
    recorded, what = forms.forward.states, f"{golden.id}: its states after every step"
    assert recorded is not None
    try:
        values = evaluation.of(recorded, STATES)
    except Undecided as undecided:
        raise Refused(f"{what} are undecided with {evaluation.bits} bits: {undecided}") from None
    tolerance = _tolerance(golden, forms)
    if tolerance is None:
        raise Refused(f"{what} are rounded by some algorithms, although its outputs are exact")
    if not all(np.isfinite(array).all() for array in values.values()):
        raise Refused(f"{what} overflow")
    for name in golden.precisions:
        loose = loosest(tolerance, values, PRECISIONS[name])
        if not loose <= LARGEST_TOLERANCE:
            most = f"at most {LARGEST_TOLERANCE} is allowed"
            raise Refused(f"{what} have a tolerance of {loose:.2g} in {name}, {most}")
    return ExpectedStates(values, tolerance)


@np.errstate(all="ignore")  # as in ``certification``
def states_of_golden(golden: Golden, states: bool | None) -> Golden:
    """Return a golden with its states after every step, if they are wanted. Its outputs are not certified again.

    Raises:
        Refused: no tolerance of a step holds; or the last states are not the golden's: it is not what its inputs give.
        WrongUse: the golden is embedded, or the equations of its cell are not those that it was certified with.
    """
    if golden.embedding is not None:
        raise WrongUse(f"{golden.id} is embedded in {golden.embedding}: certify the golden itself")
    if golden.stored_states is not None or golden.is_integer or not shapes_to_store(golden):
        return golden
    require_equations(golden)
    forms = forms_of(golden_case(golden, np.float64), {})
    if not wants_states(forms, states):
        return golden
    found = with_states(golden, forms, Evaluation(forms.forward.graph), required=bool(states))
    if found.stored_states is None:
        return golden
    ends = found.stored_states.values, golden.stored.states, golden.stored.expected
    for problem in end_problems(golden.layout, golden.offsets, *ends):
        raise Refused(f"{golden.id}: is not what its inputs give: {problem}")
    return found


def _tolerance(golden: Golden, forms: Forms) -> Tolerance | None:
    """Return the tolerance of the states; None if the golden is exact, and they are not in each of its precisions."""
    stored = golden.tolerance.stored if isinstance(golden.tolerance, Derived) else golden.tolerance
    if not isinstance(stored, Exact):
        return with_arrays(forms.states(), lambda _, __, array: per_step(array))
    needs = forms.state_needs
    if needs is None or not all(needs.met_by(PRECISIONS[name]) for name in golden.precisions):
        return None
    return Exact(needs.bits)
