"""A golden of a recurrence step by step as text, one lane at a time, with a user's numbers beside it."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_goldens.cells import Array, require_equations
from rnn_goldens.cells.recurrence import in_lanes, recurrence_case
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward, Step
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import WrongUse
from rnn_goldens.explain.deviation_text import WIDTH
from rnn_goldens.explain.golden_text import BESIDES, DIGITS, STEPS, Choice, explanation, number
from rnn_goldens.explain.reader_outputs import Outputs
from rnn_goldens.golden.recurrences import LANE_AXES
from rnn_goldens.golden.stored_arrays import sequence_slices
from rnn_goldens.plurals import counted

_NAMES = 13
_ROWS = 8
"""The largest number of rows of a matrix that are shown."""


def recurrence_text(golden: Golden, choice: Choice, outputs: Outputs | None = None) -> tuple[str, bool]:
    """Return the text of one lane, and whether the user's outputs are correct; True without outputs.

    Raises WrongUse if a selected part does not exist in the golden, or if its equations are not available.
    """
    require_equations(golden)
    walk = _Walk(golden, outputs or {})
    first = walk.first_difference
    chosen = walk.chosen(choice, first)
    texts = (textwrap.wrap(text, WIDTH) for text in (walk.head, golden.purpose))
    parts = [[line for lines in texts for line in lines]]
    if outputs is not None:
        parts.append(list(_result(golden, outputs, first)))
    times = [chosen.step] if chosen.step is not None else list(range(walk.time(chosen.row)))[:STEPS]
    parts += [list(walk.lines(chosen, t)) for t in times]
    steps = walk.time(chosen.row)
    left = [("time step", "step", steps, len(times)), *((option, option, count, 1) for option, count in walk.counts)]
    shown = [f"{counted(n - of, f'other {what}')} (--{o} 0 to {n - 1})" for what, o, n, of in left if n > of]
    parts.append(textwrap.wrap(f"not shown: {'; '.join(shown)}", WIDTH, subsequent_indent="  ") if shown else [])
    return "\n\n".join("\n".join(part) for part in parts if part), first is None


@dataclass(frozen=True)
class _Place:
    """A lane, and a time step of its sequence; None for the first ones."""

    row: int
    head: int
    step: int | None


@dataclass(frozen=True)
class _Difference:
    """The first wrong element of the user's outputs."""

    place: _Place
    text: str


@dataclass(frozen=True)
class _Walk:
    """The steps of a golden in float64, and the user's outputs."""

    golden: Golden
    outputs: Outputs

    @property
    def head(self) -> str:
        """The golden in words."""
        config = self.golden.recurrence
        sizes = ", ".join(f"{name} {size}" for name, size in config.items())
        rows = counted(self.rows, "packed sequence" if self.golden.offsets is not None else "batch row")
        time = counted(self.golden.time, "time step")
        return f"{self.golden.id} in {self.golden.dtype}: {self.golden.cell}, {sizes}; {rows}, {time}"

    @cached_property
    def _steps(self) -> list[list[Step]]:
        """The steps of each packed sequence, or of the whole batch."""
        with np.errstate(all="ignore"):
            return [RecurrenceBackward().kept(case) for case in recurrence_case(self.golden, np.float64).sequences()]

    @property
    def rows(self) -> int:
        """The number of batch rows, or of packed sequences."""
        inputs = next(iter(self.golden.stored.inputs.values()))
        return len(inputs) if self.golden.offsets is None else len(self.golden.offsets) - 1

    @property
    def counts(self) -> list[tuple[str, int]]:
        """By option, how many there are of what it selects."""
        step = self._steps[0][0]
        heads = max(array.shape[1] for array in step.before.values()) * self.golden.recurrence.shared
        return [("row", self.rows), ("head", heads)]

    def time(self, row: int) -> int:
        """Return the number of time steps of a row."""
        return len(self._steps[row if self.golden.offsets is not None else 0])

    def chosen(self, choice: Choice, first: _Difference | None) -> _Place:
        """Return what the user chose, or else the place of the first difference, or else the first lane."""
        for option in ("unit", "layer", "reverse"):
            if getattr(choice, option) is not None:
                only = "which has rows, heads and time steps only"
                raise WrongUse(f"--{option}: {self.golden.id} is a golden of a recurrence, {only}")
        for option, count in self.counts:
            value = getattr(choice, option)
            if value is not None and not 0 <= value < count:
                raise WrongUse(f"--{option} {value}: {self.golden.id} has {option}s 0 to {count - 1}")
        at = _Place(0, 0, None) if first is None else first.place
        row = at.row if choice.row is None else choice.row
        step = at.step if choice.step is None else choice.step
        if step is not None and not 0 <= step < self.time(row):
            raise WrongUse(f"--step {step}: row {row} of {self.golden.id} has time steps 0 to {self.time(row) - 1}")
        return _Place(row, at.head if choice.head is None else choice.head, step)

    @cached_property
    def first_difference(self) -> _Difference | None:
        """The wrong element that is computed first: by time step, output, then row."""
        expected, config, found = self.golden.expected_of(), self.golden.recurrence, []
        for order, (name, got) in enumerate(self.outputs.items()):
            with np.errstate(invalid="ignore"):
                wrong = expected.wrong(name, got)
            for index in np.argwhere(wrong)[:1] if name not in config.outputs else _first_in_time(wrong):
                place = self._place(name, index)
                got_, want = (float(a[tuple(index)]) for a in (got, self.golden.stored.expected[name]))
                where = f"row {place.row}, head {place.head}, time step {place.step}"
                text = f"the first difference is in {name}, {where}: yours is {got_:.8g}, right is {want:.8g}"
                found.append(((place.step, order), _Difference(place, text)))
        return min(found, key=lambda one: one[0])[1] if found else None

    def _place(self, name: str, index: Sequence[int]) -> _Place:
        """Return the lane and step of an element."""
        config, row = self.golden.recurrence, int(index[0])
        axes = config.outputs.get(name) or config.recurrence.states[name.removesuffix("_n")]
        own = index[2:] if name in config.outputs else index[1:]
        first = axes.split()[0]
        if first in LANE_AXES:
            per = config.queries if first == "query_heads" else 1
        else:
            per = config[first] // config.get("groups", 1)
        head = int(own[0]) // per
        if name not in config.outputs:
            return _Place(row, head, self.time(row) - 1)
        if self.golden.offsets is None:
            return _Place(row, head, int(index[1]))
        slices = sequence_slices(self.golden.offsets)
        row = next(k for k, steps in enumerate(slices) if steps.start <= index[1] < steps.stop)
        return _Place(row, head, int(index[1]) - slices[row].start)

    def lines(self, at: _Place, t: int) -> Iterator[str]:
        """Yield the lines of a step: inputs, states before, outputs, states after, and the user's numbers."""
        config, recurrence = self.golden.recurrence, self.golden.recurrence.recurrence
        step = self._steps[at.row if self.golden.offsets is not None else 0][t]
        row = at.row if self.golden.offsets is None else 0
        yield f"row {at.row}, head {at.head}, time step {t}"
        for name, axes in config.inputs.items():
            yield from self._values(name, _as_rows(_of_lane(step.before[name], row, at.head, config.shared), axes))
        for name in recurrence.states:
            yield from self._values(f"{name} before", self._state(step.before, name, row, at.head))
        start = 0 if self.golden.offsets is None else int(self.golden.offsets[at.row])
        for name, axes in config.outputs.items():
            yield from self._compared(name, axes, row, at.head, start + t)
        for name in recurrence.states:
            yield from self._values(name, self._state(step.after, name, row, at.head))
            if t == self.time(at.row) - 1 and f"{name}_n" in self.outputs:
                whole = in_lanes(self.outputs[f"{name}_n"][:, None], recurrence.states[name], config)
                lane = _of_lane(whole[:, 0], at.row, at.head, config.shared)
                yield from self._values(f"your {name}_n", lane.T if lane.shape[1] == 1 else lane)

    def _state(self, states: Mapping[str, Array], name: str, row: int, head: int) -> Array:
        lane = _of_lane(states[name], row, head, self.golden.recurrence.shared)
        return lane.T if lane.shape[1] == 1 else lane

    def _compared(self, name: str, axes: str, row: int, head: int, t: int) -> Iterator[str]:
        config, stored = self.golden.recurrence, self.golden.stored.expected
        for title, arrays in ((name, stored), (f"your {name}", self.outputs)):
            if name in arrays:
                lanes = in_lanes(arrays[name], axes, config)[:, t]
                yield from self._values(title, _as_rows(_of_lane(lanes, row, head, config.shared), axes))

    def _values(self, title: str, rows: Array) -> Iterator[str]:
        """Yield a line for each row of a matrix, with as many columns as fit."""
        width = DIGITS[self.golden.dtype] + BESIDES
        most = (WIDTH - _NAMES) // width
        for k, values in enumerate(rows[:_ROWS]):
            line = "".join(f"{number(value, self.golden.dtype):>{width}}" for value in values[:most])
            more = f" … {len(values) - most} more" if len(values) > most else ""
            yield f"  {'' if k else title:<{_NAMES - 2}}{line}{more}"
        if len(rows) > _ROWS:
            yield f"  {'':<{_NAMES - 2}} … {len(rows) - _ROWS} more rows"


def _as_rows(lane: Array, axes: str) -> Array:
    """Return a matrix as it is; a vector, or the vectors of several queries, as rows."""
    return lane if len([axis for axis in axes.split() if axis not in LANE_AXES]) > 1 else lane.T


def _of_lane(array: Array, row: int, head: int, groups: int) -> Array:
    """Return the matrix of one lane of (batch, heads, rows, columns); heads of a group are in rows of the batch."""
    if groups > 1:
        row, head = row * groups + head // array.shape[1], head % array.shape[1]
    found: Array = np.asarray(array[min(row, len(array) - 1), min(head, array.shape[1] - 1)], np.float64)
    return found


def _first_in_time(wrong: Array) -> list[Sequence[int]]:
    """Return the index of the first wrong element in order of time, in a list; [] if none is wrong."""
    found = np.argwhere(np.moveaxis(wrong, 1, 0))
    return [[found[0][1], found[0][0], *found[0][2:]]] if len(found) else []


def _result(golden: Golden, outputs: Outputs, first: _Difference | None) -> Iterator[str]:
    if first is None:
        yield f"your numbers are right: {', '.join(name for name in golden.layout.outputs if name in outputs)}"
        return
    yield from textwrap.wrap(first.text, WIDTH)
    yield from explanation(golden, outputs)
