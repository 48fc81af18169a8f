"""What a rule of the definition is: one thing that has to hold, and what breaks it."""

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rnn_goldens.deviations import DEVIATIONS, Deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.shapes import CELLS

_CATALOGUE: tuple[Deviation, ...] = (*DEVIATIONS, *BACKWARD_DEVIATIONS)

BY_NAME: Mapping[str, Deviation] = {deviation.name: deviation for deviation in _CATALOGUE}
"""The catalogue, of both passes."""


@dataclass(frozen=True, eq=False)
class Rule:
    """Something that has to hold.

    Attributes:
        id: stable: a letter and a number, never given to another rule.
        sentence: what has to hold.
        broken_by: deviations, or patterns of several (``tanh_off_from_*``); each breaks it in the cells it can befall.
        cells: those that it is a rule for.
        lines: by cell, the line of its equations that says it: what that line sets.
        said_by: steps and primitives of the definition that say it.
        unbroken: where no deviation breaks it, why, and what else sees that it holds.
    """

    id: str
    sentence: str
    broken_by: tuple[str, ...] = ()
    cells: tuple[str, ...] = CELLS
    lines: Mapping[str, str] = field(default_factory=dict)
    said_by: tuple[Callable[..., Any], ...] = ()
    unbroken: str = ""

    @cached_property
    def together(self) -> Mapping[str, tuple[str, ...]]:
        """What breaks it, as declared: by name or pattern, the deviations that are meant.

        Raises:
            UnknownName: none is.
        """
        found = {pattern: tuple(fnmatch.filter(BY_NAME, pattern)) for pattern in self.broken_by}
        if unknown := [pattern for pattern, names in found.items() if not names]:
            raise UnknownName(f"deviation that breaks {self.id}", unknown[0], BY_NAME, seen="docs/deviations.md")
        return found

    @property
    def deviations(self) -> tuple[str, ...]:
        """The names of all that break it."""
        return tuple(name for names in self.together.values() for name in names)

    def breaks_in(self, name: str) -> tuple[str, ...]:
        """The cells in which a deviation breaks it."""
        return tuple(cell for cell in self.cells if cell in BY_NAME[name].cells)

    @property
    def cells_without(self) -> tuple[str, ...]:
        """Those in which no deviation breaks it."""
        broken = {cell for name in self.deviations for cell in self.breaks_in(name)}
        return tuple(cell for cell in self.cells if cell not in broken)


@dataclass(frozen=True)
class Group:
    """The rules of one subject.

    Attributes:
        letter: that their ids begin with.
        title: the subject.
        rules: in the order of their numbers.
    """

    letter: str
    title: str
    rules: tuple[Rule, ...]
