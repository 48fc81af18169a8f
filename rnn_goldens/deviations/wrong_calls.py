"""A wrong runner as a wrong pass: what bugs between calls are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, outputs
from rnn_goldens.cells.network import AnyCase
from rnn_goldens.cells.runner import Runner, States
from rnn_goldens.deviations.wrong_pass import WrongPass, overriding

Times = Sequence[int]
"""The number of time steps of each row of a call."""


@dataclass(frozen=True, eq=False)
class WrongCalls(WrongPass):
    """A wrong runner: functions that replace methods of ``Runner``, or a class that overrides them.

    Attributes:
        calls: the call patterns that detect it.
        methods: the functions by name of the method.
        base: the class whose methods they replace.
    """

    calls: tuple[str, ...]
    methods: dict[str, Callable[..., Any]] = field(default_factory=dict)
    base: type[Runner] = Runner

    def outputs_by_name(self, case: AnyCase) -> dict[str, Array]:
        """Return the outputs of a single call, which are right."""
        return outputs(case)

    def runner(self) -> Runner:
        """Return a wrong runner before its first call."""
        wrong: Runner = overriding(self.base, self.methods)()
        return wrong


def in_calls(*patterns: str) -> Callable[..., WrongCalls]:
    """Return what makes a wrong runner, which some call patterns detect, of functions by name of the method."""
    return lambda **methods: WrongCalls(patterns, methods)


def zeros(states: States, *names: str) -> States:
    """Return states of which those with some names, or all, are zero."""
    return {n: np.zeros_like(array) if not names or n in names else array for n, array in states.items()}
