"""A golden step by step as text, with a user's numbers beside it and the first difference marked."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.steps import Step
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.diagnosis import listed
from rnn_goldens.diagnosis.facts import FACTS, facts
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.errors import WrongUse
from rnn_goldens.explain.deviation_text import WIDTH
from rnn_goldens.explain.reader_outputs import KnownOutput, Outputs, Place, ReaderOutputs
from rnn_goldens.golden.shapes import is_custom_cell
from rnn_goldens.plurals import counted

_NAMES = 10
DIGITS = {"float64": 10, "float32": 8, "bfloat16": 4, "float16": 5}
BESIDES = 7
"""Further characters of a number: a blank, two signs, a point, three of an exponent."""

_LISTED = 3
STEPS = 2
"""Steps to show unless one is selected."""


@dataclass(frozen=True)
class Choice:
    """The parts of a golden that the user selects; None for the default."""

    step: int | None = None
    row: int | None = None
    unit: int | None = None
    layer: int | None = None
    reverse: bool | None = None
    head: int | None = None


@dataclass(frozen=True)
class _View:
    layer: int
    direction: str
    times: Sequence[int]
    row: int
    units: range
    width: int


def golden_text(golden: Golden, choice: Choice, outputs: Outputs | None = None) -> tuple[str, bool]:
    """Return the text, and whether the user's outputs are correct; True without outputs.

    Raises WrongUse if a selected part does not exist in the golden.
    """
    if choice.head is not None:
        raise WrongUse(f"--head: {golden.id} is a golden of a network, which has no heads")
    _require(golden, choice)
    steps = golden.steps()
    reader = None if outputs is None else ReaderOutputs(golden, outputs)
    first = None if reader is None else reader.first_difference(steps)
    view = _view(golden, choice, first)
    parts = [_head(golden)]
    if reader is not None:
        parts.append(list(_result(golden, reader, first)))
    shown_steps = [s for s in steps if (s.layer, s.direction) == (view.layer, view.direction) and s.time in view.times]
    parts += [list(_Table(golden, view, step, reader, first).lines()) for step in shown_steps]
    parts.append(_left_out(golden, view))
    return "\n\n".join("\n".join(part) for part in parts if part), first is None


def _require(golden: Golden, choice: Choice) -> None:
    for option, (what, count) in _counts(golden).items():
        value = getattr(choice, option)
        if value is not None and not 0 <= value < count:
            kind = "batch row" if option == "row" else what
            there = f"{count} {kind}s, 0 to {count - 1}" if count > 1 else f"one {kind}, 0"
            raise WrongUse(f"--{option} {value}: {golden.id} has {there}")
    if choice.reverse and not golden.network.bidirectional:
        raise WrongUse(f"--reverse: {golden.id} has only the forward direction")


def _counts(golden: Golden) -> dict[str, tuple[str, int]]:
    """Return what each option selects, and of how many."""
    return {
        "step": ("time step", golden.stored.x.shape[-2]),
        "unit": ("unit", golden.network.hidden_size),
        "row": ("row", [*golden.batch_shape, 1][0]),
        "layer": ("layer", golden.network.num_layers),
    }


def _view(golden: Golden, choice: Choice, first: Place | None) -> _View:
    """Return the selected parts; by default those with the first difference, or the first parts if there is none."""
    time = golden.stored.x.shape[-2]
    layer, direction, row, unit, times = 0, "forward", 0, 0, list(range(time))[:STEPS]
    if choice.reverse:
        times = list(range(time))[-STEPS:]
    if first is not None:
        layer, row, unit, times = first.step.layer, first.row, first.unit, [first.step.time]
        direction = first.step.direction
    if choice.reverse is not None:
        direction = "reverse" if choice.reverse else "forward"
    layer, row = (layer if choice.layer is None else choice.layer), (row if choice.row is None else choice.row)
    times = times if choice.step is None else [choice.step]
    hidden = golden.network.hidden_size
    width = DIGITS[golden.dtype] + BESIDES
    most = (WIDTH - _NAMES) // width
    begin = max(0, min(unit - most // 2, hidden - most))
    units = range(begin, min(begin + most, hidden)) if choice.unit is None else range(choice.unit, choice.unit + 1)
    return _View(layer, direction, times, row, units, width)


def _head(golden: Golden) -> list[str]:
    config, shape = golden.network, golden.stored.x.shape
    counts = ((config.input_size, "input"), (config.hidden_size, "unit"), (config.num_layers, "layer"))
    what = ", ".join([golden.cell, *(counted(number, name) for number, name in counts)])
    rows = f"batch {shape[0]}, " if golden.batch_shape else "no batch axis, "
    directions = ", both directions" if config.bidirectional else ""
    text = f"{golden.id} in {golden.dtype}: {what}{directions}; {rows}{counted(shape[-2], 'time step')}"
    return [*textwrap.wrap(text, WIDTH), *textwrap.wrap(golden.purpose, WIDTH)]


def _result(golden: Golden, reader: ReaderOutputs, first: Place | None) -> Iterator[str]:
    known = ", ".join(name for name in golden.layout.outputs if name in reader.outputs)
    if first is None:
        yield f"your numbers are right: {known}"
        return
    found = next(k for k in reader.at(first.step) if k.output == first.output)
    got, want = (float(np.atleast_2d(a)[first.row, first.unit]) for a in (found.got, found.want))
    direction = f"{first.step.direction} direction, " if golden.network.bidirectional else ""
    row = f"row {first.row}, " if golden.batch_shape else ""
    where = f"layer {first.step.layer}, {direction}time step {first.step.time}, {row}unit {first.unit}"
    shown = (number(got, golden.dtype), number(want, golden.dtype))
    if shown[0] == shown[1]:
        shown = repr(got), repr(want)
    text = f"the first difference is in {first.output}, {where}: yours is {shown[0]}, right is {shown[1]}"
    yield from textwrap.wrap(text, WIDTH)
    if first.step.layer < golden.network.num_layers - 1:
        yield f"only the last states of layer {first.step.layer} are known: earlier steps may be wrong, too"
    yield from explanation(golden, reader.outputs)


def explanation(golden: Golden, outputs: Outputs) -> Iterator[str]:
    """Yield lines on the deviations, one or two at once, that give these outputs; on facts if there are none."""
    actual = actual_outputs(golden, *(outputs.get(name) for name in golden.layout.outputs))
    if found := CandidateSearch().explain(actual):
        yield from textwrap.wrap(f"looks like {listed(found)}", WIDTH, subsequent_indent="  ")
        if not is_custom_cell(golden.cell):
            yield f"  to see what that is: rnn-goldens explain {found[0][0]}"
        return
    observed = {code: value for code, value in facts(actual).items() if value}
    codes = [code for code in observed if not code.endswith("_missing")]  # some outputs are enough here
    for code in codes[:_LISTED]:
        yield from textwrap.wrap(FACTS[code].text(observed[code]), WIDTH, subsequent_indent="  ")


@dataclass(frozen=True)
class _Table:
    """One step: a line for each value, a column for each unit."""

    golden: Golden
    view: _View
    step: Step
    reader: ReaderOutputs | None
    first: Place | None

    def lines(self) -> Iterator[str]:
        """Yield the lines from x to the state."""
        step, has_gates = self.step, len(self.golden.layout.gates) > 1
        direction = f", {step.direction} direction" if self.golden.network.bidirectional else ""
        row = f", row {self.view.row}" if self.golden.batch_shape else ""
        yield f"layer {step.layer}{direction}{row}, time step {step.time}"
        x = ", ".join(number(value, self.golden.dtype) for value in self._row(step.x))
        yield from textwrap.wrap(
            x, WIDTH, initial_indent=f"  {'x':<8}", subsequent_indent=" " * _NAMES, max_lines=2, placeholder=" …"
        )
        yield f"{'':<{_NAMES}}" + "".join(f"{f'unit {unit}':>{self.view.width}}" for unit in self.view.units)
        for name, values in step.state_before.items():
            yield self._line(f"{name} before", values)
        if not self._within():
            yield "  the sequence has ended: the state does not change, and out is zero"
        else:
            for gate, values in step.preactivations.items():
                yield self._line(f"{gate} sum" if has_gates else "sum", values)
            for gate, values in step.gates.items():
                if gate not in step.state:
                    yield self._line(gate, values)
        yield from self._states()

    def _states(self) -> Iterator[str]:
        known: list[KnownOutput] = []
        if self.reader is not None:
            is_last = np.atleast_1d(self.reader.last(self.step))[self.view.row]  # the direction visits no further steps
            known = [own for own in self.reader.at(self.step) if own.output == "out" or is_last]
        for state, values in reversed(list(self.step.state.items())):
            yield self._line(state, values)
            for own in known:
                if own.state == state:
                    if own.output == "out" and not self._within():
                        yield self._line("out", own.want)
                    yield self._line(f"your {own.output}", own.got)
                    yield from self._marks(own)

    def _within(self) -> bool:
        return bool(np.atleast_1d(self.step.within)[self.view.row])

    def _marks(self, own: KnownOutput) -> Iterator[str]:
        """Yield a line that marks the wrong numbers above it, and the first of them."""
        wrong, first = self._row(own.wrong), self.first
        if not wrong[list(self.view.units)].any():
            return
        marks = ""
        for unit in self.view.units:
            here = (self.step, own.output, self.view.row, unit)
            is_first = first is not None and here == (first.step, first.output, first.row, first.unit)
            marks += f"{('^ first' if is_first else '^') if wrong[unit] else '':>{self.view.width}}"
        yield f"  {'wrong':<{_NAMES - 2}}{marks}"

    def _line(self, name: str, values: NDArray[np.float64]) -> str:
        row = self._row(values)
        numbers = "".join(f"{number(row[unit], self.golden.dtype):>{self.view.width}}" for unit in self.view.units)
        return f"  {name:<{_NAMES - 2}}{numbers}"

    def _row(self, values: NDArray[Any]) -> NDArray[Any]:
        row: NDArray[Any] = np.atleast_2d(values)[self.view.row]
        return row


def number(value: float, dtype: str) -> str:
    """Return a number with the digits of its precision, shortened to fit."""
    return f"{float(value):.{DIGITS[dtype]}g}"


def _left_out(golden: Golden, view: _View) -> list[str]:
    shown = {"step": len(view.times), "unit": len(view.units), "row": 1, "layer": 1}
    left = [
        f"{count - shown[option]} of {count} {what}s (--{option} 0 to {count - 1})"
        for option, (what, count) in _counts(golden).items()
        if count > shown[option]
    ]
    if golden.network.bidirectional:
        left.append(
            f"the {'forward direction (--forward' if view.direction == 'reverse' else 'reverse direction (--reverse'})"
        )
    return textwrap.wrap(f"not shown: {'; '.join(left)}", WIDTH, subsequent_indent="  ") if left else []
