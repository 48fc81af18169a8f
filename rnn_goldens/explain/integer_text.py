"""A golden of an integer LSTM step by step as text: one row of the batch, and a user's numbers beside it."""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

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
_UNITS = (WIDTH - _NAME) // _NUMBER


def integer_text(golden: Golden, choice: Choice, outputs: Outputs | None = None) -> tuple[str, bool]:
    """Return the text of one row, and whether the user's outputs are correct; True without outputs.

    Raises WrongUse if a selected part does not exist in the golden.
    """
    row, step = _chosen(golden, choice)
    wrong = [name for name, got in (outputs or {}).items() if golden.expected_of().wrong(name, got).any()]
    steps = range(min(STEPS, golden.time)) if step is None else [step]
    batch, units = golden.h0.shape
    head = f"{golden.id}: {golden.cell}; {counted(batch, 'batch row')}, {counted(golden.time, 'time step')}, "
    lines = [
        *textwrap.wrap(f"{head}{counted(units, 'unit')}", WIDTH),
        *textwrap.wrap(golden.purpose, WIDTH),
        "gates before their activation are Q3.12, after it Q0.15; c is in 2^cell_power",
    ]
    if outputs is not None:
        result = f"your {', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong" if wrong else "yours are right"
        lines += ["", result, *(explanation(golden, outputs) if wrong else ())]
    for t in steps:
        lines += ["", *_step(golden, outputs or {}, row, t)]
    left = [("row", batch, 1), ("step", golden.time, len(steps))]
    shown = [f"{counted(n - of, f'other {what}')} (--{what} 0 to {n - 1})" for what, n, of in left if n > of]
    return "\n".join([*lines, *(["", f"not shown: {'; '.join(shown)}"] if shown else [])]), not wrong


def _chosen(golden: Golden, choice: Choice) -> tuple[int, int | None]:
    """Return the chosen row and time step; the first row and None if none is chosen."""
    for option in ("unit", "layer", "reverse", "head"):
        if getattr(choice, option) is not None:
            raise WrongUse(f"--{option}: {golden.id} is of an integer LSTM, which has rows and time steps only")
    for option, count in (("row", len(golden.x)), ("step", golden.time)):
        value = getattr(choice, option)
        if value is not None and not 0 <= value < count:
            raise WrongUse(f"--{option} {value}: {golden.id} has {option}s 0 to {count - 1}")
    return choice.row or 0, choice.step


def _step(golden: Golden, outputs: Outputs, row: int, t: int) -> Iterator[str]:
    """Yield the lines of a time step: x, each gate before and after its activation, c and h."""
    case = recurrence_case(golden, np.float64).rows()[row]
    lstm, (h, c) = DEFINITIONS[golden.cell](case), _before(case, t)
    x = case.inputs["x"].astype(np.int64)[:, t]
    yield f"row {row}, time step {t}"
    yield _line("x", x[0])
    for gate in INTEGER_GATES:
        q = lstm.gate(gate, x, h)
        yield _line(f"{gate} before", q[0])
        yield _line(gate, lstm.activated(gate, q)[0])
    yield _line("c before", c[0])
    h, c = lstm.step(x, h, c)
    yield _line("c", c[0])
    yield _line("out", h[0])
    if "out" in outputs:
        yield _line("your out", outputs["out"][row, t].astype(np.int64))


def _before(case: RecurrenceCase, t: int) -> tuple[Int64, Int64]:
    """Return h and c before a time step of a row."""
    lstm: IntegerLstm = DEFINITIONS[case.cell](case)
    x, h, c = (array.astype(np.int64) for array in (case.inputs["x"], case.states["h0"], case.states["c0"]))
    return lstm.run(x[:, :t], h, c)[1:] if t else (h, c)


def _line(name: str, numbers: Sequence[int] | Int64) -> str:
    more = f" … {len(numbers) - _UNITS} more" if len(numbers) > _UNITS else ""
    return f"  {name:<{_NAME - 2}}{''.join(f'{number:>{_NUMBER}}' for number in numbers[:_UNITS])}{more}"
