"""A golden of an integer LSTM step by step as text: one row of the batch, and a user's numbers beside it."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.integer_lstm import DEFINITIONS, Int64, IntegerLstm
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import WrongUse
from rnn_goldens.explain.deviation_text import WIDTH
from rnn_goldens.explain.golden_text import STEPS, Choice, explanation
from rnn_goldens.explain.reader_outputs import Outputs
from rnn_goldens.golden.recurrences import INTEGER_GATES
from rnn_goldens.plurals import counted

_NAME, _NUMBER = 12, 8


class _Place(NamedTuple):
    """Where a number of the user's is wrong; the least is computed first."""

    step: int
    is_last_state: bool
    row: int
    unit: int
    output: str


def integer_text(golden: Golden, choice: Choice, outputs: Outputs | None = None) -> tuple[str, bool]:
    """Return the text of one row, and whether the user's outputs are correct; True without outputs.

    Raises WrongUse if a selected part does not exist in the golden.
    """
    own = outputs or {}
    first = min((place for name in own for place in _first_wrong(golden, own, name)), default=None)
    row, step = _chosen(golden, choice, first)
    steps = range(min(STEPS, golden.time)) if step is None else [step]
    batch, units = golden.h0.shape
    head = f"{golden.id}: {golden.cell}; {counted(batch, 'batch row')}, {counted(golden.time, 'time step')}, "
    lines = [
        *textwrap.wrap(f"{head}{counted(units, 'unit')}", WIDTH),
        *textwrap.wrap(golden.purpose, WIDTH),
        "a gate before its activation is a, of x, plus r, of h, in Q3.12; after it Q0.15;",
        "c is in 2^cell_power",
    ]
    if outputs is not None:
        lines += ["", *_result(golden, outputs, first)]
    columns = _columns(units)
    begin = 0 if first is None else max(0, min(first.unit - columns // 2, units - columns))
    for t in steps:
        lines += ["", *_Table(golden, own, first, row, t, range(begin, begin + columns)).lines()]
    left = [("row", batch, 1), ("step", golden.time, len(steps))]
    shown = [f"{counted(n - of, f'other {what}')} (--{what} 0 to {n - 1})" for what, n, of in left if n > of]
    return "\n".join([*lines, *(["", f"not shown: {'; '.join(shown)}"] if shown else [])]), first is None


def _first_wrong(golden: Golden, outputs: Outputs, name: str) -> Iterator[_Place]:
    """Yield the first wrong number of an output; nothing if all are right."""
    wrong = golden.expected_of().wrong(name, outputs[name])
    steps = wrong.swapaxes(0, 1) if name == "out" else wrong[None]
    for t, row, unit in np.argwhere(steps)[:1].tolist():
        yield _Place(golden.time - len(steps) + t, name != "out", row, unit, name)


def _chosen(golden: Golden, choice: Choice, first: _Place | None) -> tuple[int, int | None]:
    """Return the row and time step: those chosen, or of the first difference, or the first row and None."""
    for option in ("unit", "layer", "reverse", "head"):
        if getattr(choice, option) is not None:
            raise WrongUse(f"--{option}: {golden.id} is of an integer LSTM, which has rows and time steps only")
    for option, count in (("row", len(golden.x)), ("step", golden.time)):
        value = getattr(choice, option)
        if value is not None and not 0 <= value < count:
            raise WrongUse(f"--{option} {value}: {golden.id} has {option}s 0 to {count - 1}")
    row, step = (0, None) if first is None else (first.row, first.step)
    return row if choice.row is None else choice.row, step if choice.step is None else choice.step


def _result(golden: Golden, outputs: Outputs, first: _Place | None) -> Iterator[str]:
    if first is None:
        yield f"your numbers are right: {', '.join(outputs)}"
        return
    at = (first.row, first.unit) if first.is_last_state else (first.row, first.step, first.unit)
    got, want = (arrays[first.output][at] for arrays in (outputs, golden.stored.expected))
    where = f"{first.output}, row {first.row}, time step {first.step}, unit {first.unit}"
    yield from textwrap.wrap(f"the first difference is in {where}: yours is {got:g}, right is {want:g}", WIDTH)
    yield from explanation(golden, outputs)


@dataclass(frozen=True)
class _Table:
    """A time step of a row: a line for each value, a column for each unit."""

    golden: Golden
    outputs: Outputs
    first: _Place | None
    row: int
    step: int
    units: range

    def lines(self) -> Iterator[str]:
        """Yield the lines: x, the products of each gate, the gate before and after its activation, c and h."""
        case = recurrence_case(self.golden, np.float64).rows()[self.row]
        lstm, (h, c) = DEFINITIONS[self.golden.cell](case), _before(case, self.step)
        x = case.inputs["x"].astype(np.int64)[:, self.step]
        yield f"row {self.row}, time step {self.step}"
        yield _line("x", x[0], range(_columns(x.size)))
        yield _line("unit", range(h.size), self.units)
        for gate in INTEGER_GATES:
            yield _line(f"a of {gate}", lstm.of_input(gate, x)[0], self.units)
            yield _line(f"r of {gate}", lstm.of_state(gate, h)[0], self.units)
            q = lstm.gate(gate, x, h)
            yield _line(f"{gate} before", q[0], self.units)
            yield _line(gate, lstm.activated(gate, q)[0], self.units)
        yield _line("c before", c[0], self.units)
        h, c = lstm.step(x, h, c)
        yield _line("c", c[0], self.units)
        yield from self._yours("c_n")
        yield _line("out", h[0], self.units)
        yield from self._yours("out")
        yield from self._yours("h_n")

    def _yours(self, name: str) -> Iterator[str]:
        """Yield the user's numbers, and a line that marks the wrong ones, and the first of them."""
        if name not in self.outputs or (name != "out" and self.step < self.golden.time - 1):
            return
        at = (self.row, self.step) if name == "out" else self.row
        yield _line(f"your {name}", self.outputs[name][at], self.units)
        wrong = self.golden.expected_of().wrong(name, self.outputs[name])[at]
        place = (self.step, name != "out", self.row)
        marks = ["" if not w else "^ first" if (*place, k, name) == self.first else "^" for k, w in enumerate(wrong)]
        if any(marks):
            yield _line("wrong", marks, self.units)


def _before(case: RecurrenceCase, t: int) -> tuple[Int64, Int64]:
    """Return h and c before a time step of a row."""
    lstm: IntegerLstm = DEFINITIONS[case.cell](case)
    x, h, c = (array.astype(np.int64) for array in (case.inputs["x"], case.states["h0"], case.states["c0"]))
    return lstm.run(x[:, :t], h, c)[1:] if t else (h, c)


def _columns(count: int) -> int:
    """Return how many of so many numbers fit a line, with the number of those that do not."""
    room = WIDTH - _NAME
    return count if count * _NUMBER <= room else (room - len(_more(count))) // _NUMBER


def _more(count: int) -> str:
    return f" … {count} more"


def _line(name: str, values: Sequence[object] | NDArray[Any], shown: range) -> str:
    texts = (f"{values[k]:g}" if isinstance(values[k], float) else str(values[k]) for k in shown)
    more = _more(len(values) - len(shown)) if len(values) > len(shown) and name != "wrong" else ""
    return f"  {name:<{_NAME - 2}}{''.join(f' {text:>{_NUMBER - 1}}' for text in texts)}{more}".rstrip()
