"""Compares states after single steps with those of a golden; says of which other step or sequence a wrong one is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.comparison.differences import Difference, difference, not_comparable
from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import OUTPUTS, Expected
from rnn_goldens.golden.expected_states import states_after_steps
from rnn_goldens.golden.precision import whole_number
from rnn_goldens.golden.shapes import BATCH, SEQUENCE, Axes
from rnn_goldens.golden.states import state_names
from rnn_goldens.golden.tolerance import with_arrays
from rnn_goldens.plurals import listed

StatesAt = Mapping[int, Mapping[str, object]] | None
"""States by the number of steps before them, then by name: ``{64: {"S": S}}``."""

_HOW = 'states_at takes states by step and name, such as {64: {"S": S}}'


@np.errstate(all="ignore")  # states may hold NaN and infinity
def state_differences(golden: GoldenData, states_at: StatesAt) -> list[Difference]:
    """Compare states after some steps with the expected ones; each difference is named like ``S after step 64``.

    Raises:
        WrongUse: a step or the structure is wrong.
        UnknownName: the golden has no such state.
        Unsupported: the golden does not store its states after every step.
    """
    if states_at is None:
        return []
    if not isinstance(states_at, Mapping):
        raise WrongUse(f"{_HOW}, not a {type(states_at).__name__}")
    every = states_after_steps(golden)
    if not (found := [_difference(golden, every, *one) for one in _given(golden, every, states_at)]):
        raise WrongUse(f"{_HOW}; it has none, so no state would be compared")
    return found


def has_states(golden: GoldenData) -> bool:
    """Return whether a golden has expected states after every step."""
    try:
        states_after_steps(golden)
    except Unsupported:
        return False
    return True


def _given(golden: GoldenData, every: Expected, states_at: Mapping[int, object]) -> Iterator[tuple[int, str, object]]:
    """Yield each step, name and given state."""
    for key, states in states_at.items():
        if (step := whole_number(key)) is None:
            raise WrongUse(f"{_HOW}; {key!r} is not a step, which is a whole number")
        if not isinstance(states, Mapping):
            raise WrongUse(f"{_HOW}; for step {step} it has a {type(states).__name__}")
        for name, state in states.items():
            if golden.offsets is not None and name in golden.layout.compared:
                own = [one for one in every.values if one.startswith(f"{name}_")]
                raise WrongUse(f"{golden.id} has packed sequences: states_at takes that of each, {listed(own)}")
            if name not in every.values:
                raise UnknownName(f"state of {golden.id}", str(name), every.values, plural=f"States of {golden.id}")
            last = len(every.values[name]) - 1
            if not 0 <= step <= last:
                raise WrongUse(f"states_at has step {step}, but {golden.id} has {name} after steps 0 to {last}")
            yield step, name, state


@dataclass(frozen=True, eq=False, kw_only=True)
class _State(Actual):
    """An actual state after a step.

    Attributes:
        every: the expected states after every step.
        step: the number of steps.
    """

    every: Expected
    step: int

    @cached_property
    def expected(self) -> Expected:
        """The expected states after the step; of a packed sequence that is shorter, the last one."""
        values = {name: array[min(self.step, len(array) - 1)] for name, array in self.every.values.items()}
        tolerance = with_arrays(self.every.tolerance, lambda _, __, array: array[min(self.step, len(array) - 1)])
        return Expected(values, tolerance, self.every.dtype)

    def axes(self, name: str) -> Axes:
        """Return the names of the axes of a state; a packed sequence has none of sequences."""
        state, sequence = state_names(self.golden.layout, self.golden.offsets)[name]
        axes = self.golden.axes(f"{state}_n")
        return axes if sequence is None else axes[1:]


def _difference(golden: GoldenData, every: Expected, step: int, name: str, state: object) -> Difference:
    title = f"{name} after step {step}"
    try:
        output = read(state)
    except NotNumbers as error:
        return not_comparable(title, str(error))
    actual = _State(golden, OUTPUTS, {name: output}, {}, every=every, step=step)
    found = difference(actual, name)
    mistake = _mistake(actual, name, output.values) if found.wrong else ""
    return not_comparable(title, mistake, output.dtype) if mistake else replace(found, output=title)


def _mistake(actual: _State, name: str, got: NDArray[np.float64]) -> str:
    """Return of which other step, row or packed sequence a wrong state is, within tolerance; "" if of none."""
    axes, names, step = actual.axes(name), state_names(actual.golden.layout, actual.golden.offsets), actual.step
    of_rows = next((axes.index(axis) for axis in (BATCH, SEQUENCE) if axis in axes), None)
    fits = _fits(actual.every, name, got, of_rows)
    wrong = ~fits[step]
    if steps := np.flatnonzero(fits[:, wrong].all(axis=1)).tolist():
        where = "" if wrong.all() else f", in batch {listed([str(row) for row in np.flatnonzero(wrong)])},"
        return f"is{where} {_after(min(steps, key=lambda other: abs(other - step)))}"
    if of_rows is not None:
        taken = [(row, _row(actual, name, got, row, of_rows)) for row in np.flatnonzero(wrong).tolist()]
        if all(other is not None for _, other in taken):
            return f"has {listed([f'in batch {row} the state of batch {other}' for row, other in taken[:_SHOWN]])}"
    for other, (state, _) in names.items():
        if (
            other != name
            and state == names[name][0]
            and (found := np.flatnonzero(_fits(actual.every, other, got))).size
        ):
            return f"is {other} after step {min(found.tolist(), key=lambda one: abs(one - step))}"
    return ""


_SHOWN = 3


def _after(step: int) -> str:
    return f"the state after step {step}" if step else "the initial state"


def _fits(every: Expected, name: str, got: NDArray[np.float64], rows: int | None = None) -> NDArray[np.bool_]:
    """Return for each step, and each row if there is an axis of rows, whether a state is the expected one."""
    values = every.values[name]
    right = np.asarray(abs(got - values) <= np.broadcast_to(every.allowed(name), values.shape))
    by_row = right[:, None] if rows is None else np.moveaxis(right, rows + 1, 1)
    return np.asarray(by_row.reshape(*by_row.shape[:2], -1).all(axis=-1))


def _row(actual: _State, name: str, got: NDArray[np.float64], row: int, rows: int) -> int | None:
    """Return the row of the batch whose state after this step a row has; None if it has none of them."""
    want, allowed = actual.expected.values[name], actual.expected.allowed(name)
    right = abs(got.take([row], rows) - want) <= np.broadcast_to(allowed, want.shape)
    fits = np.moveaxis(right, rows, 0).reshape(want.shape[rows], -1).all(axis=-1)
    return int(fits.argmax()) if fits.any() else None
