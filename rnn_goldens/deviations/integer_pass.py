"""A wrong integer LSTM: a definition of ``cells.integer_lstm`` with some of its methods replaced."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnn_goldens.cells import Array
from rnn_goldens.cells import integer_lstm as right
from rnn_goldens.cells.integer_lstm import Int64, IntegerLstm
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.wrong_pass import WrongPass
from rnn_goldens.golden.integer_config import WIDE
from rnn_goldens.golden.recurrences import INTEGER_LSTMS

ANY = tuple(INTEGER_LSTMS)
OF_8_BITS = tuple(cell for cell in ANY if cell not in WIDE)


@dataclass(frozen=True)
class Replaced(WrongPass):
    """A definition with other methods: each takes the LSTM, its right method, and the arguments of that method."""

    methods: dict[str, Callable[..., Any]]
    base: type[IntegerLstm] | None = None

    def outputs_by_name(self, case: RecurrenceCase) -> dict[str, Array]:
        """Return the wrong outputs of a case by name."""
        base = self.base or right.DEFINITIONS[case.cell]
        return right.run(case, _with(base, self.methods))


def _with(base: type[IntegerLstm], methods: dict[str, Callable[..., Any]]) -> type[IntegerLstm]:
    wrong = type("Wrong", (base,), {})

    def method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda lstm, *arguments: function(lstm, getattr(super(wrong, lstm), name), *arguments)

    for name, function in methods.items():
        setattr(wrong, name, method(name, function))
    return wrong


def wrong_integer_lstm(**methods: Callable[..., Any]) -> Replaced:
    """Return the wrong pass with these methods."""
    return Replaced(methods)


def wrapped(x: Int64, bits: int) -> Int64:
    """Return numbers as they are stored in so many bits without saturation."""
    half = 1 << bits - 1
    return (x + half) % (2 * half) - half
