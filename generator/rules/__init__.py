"""The numbered rules of the definition, and the deviations that break each of them, from ``rules.toml``."""

import fnmatch
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pkgutil import resolve_name
from typing import Any

from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.families import members
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.built_in_cells import CELLS

BY_NAME: Mapping[str, Deviation] = {deviation.name: deviation for deviation in members() if deviation.is_of_networks}
"""All deviations of networks, of both passes, by name."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule of the definition, for some cells, with a permanent id: a letter and a number.

    Attributes:
        broken_by: names of deviations or patterns (``tanh_off_from_*``). Each breaks the rule in its cells.
        lines: by cell, the variables on the left of the equations that state the rule.
        implemented_by: steps and primitives of the definition that implement the rule.
        why_unbroken: why no deviation breaks the rule, and what else checks it.
    """

    id: str
    sentence: str
    broken_by: tuple[str, ...] = ()
    cells: tuple[str, ...] = CELLS
    lines: Mapping[str, str] = field(default_factory=dict)
    implemented_by: tuple[Callable[..., Any], ...] = ()
    why_unbroken: str = ""

    @cached_property
    def matches(self) -> Mapping[str, tuple[str, ...]]:
        """The deviations that each name or pattern in ``broken_by`` matches; raises UnknownName if there is none."""
        by_pattern = {pattern: tuple(fnmatch.filter(BY_NAME, pattern)) for pattern in self.broken_by}
        if unknown := [pattern for pattern, names in by_pattern.items() if not names]:
            raise UnknownName(f"deviation that breaks {self.id}", unknown[0], BY_NAME, listed_by="docs/deviations.md")
        return by_pattern

    @property
    def deviations(self) -> tuple[str, ...]:
        """The names of all deviations that break the rule."""
        return tuple(name for names in self.matches.values() for name in names)

    def cells_broken_by(self, name: str) -> tuple[str, ...]:
        """Return the cells in which a deviation breaks the rule."""
        return tuple(cell for cell in self.cells if cell in BY_NAME[name].cells)

    @property
    def cells_without_deviation(self) -> tuple[str, ...]:
        """The cells in which no deviation breaks the rule."""
        broken = {cell for name in self.deviations for cell in self.cells_broken_by(name)}
        return tuple(cell for cell in self.cells if cell not in broken)


def _from_row(number: str, row: Mapping[str, Any]) -> Rule:
    """Return a rule from its row in ``rules.toml``: for the cells of its lines if it names no others.

    The row names functions of ``rnn_goldens.cells``.
    """
    fields = {**row, "cells": row.get("cells") or row.get("lines") or CELLS}
    of_functions = [resolve_name(f"rnn_goldens.cells.{name}") for name in row.get("implemented_by", ())]
    tuples = {"cells": fields["cells"], "broken_by": row.get("broken_by", ()), "implemented_by": of_functions}
    return Rule(number, **fields | {name: tuple(values) for name, values in tuples.items()})


@dataclass(frozen=True)
class Group:
    """The rules of one subject, in the order of their numbers; their ids begin with the letter."""

    letter: str
    title: str
    rules: tuple[Rule, ...]


_DATA = tomllib.loads((resources.files(__name__) / "rules.toml").read_text("utf-8"))

RULES: tuple[Rule, ...] = tuple(_from_row(number, row) for number, row in _DATA["rules"].items())

GROUPS: tuple[Group, ...] = tuple(
    Group(letter, title, tuple(rule for rule in RULES if rule.id.rstrip("0123456789") == letter))
    for letter, title in _DATA["groups"].items()
)
"""All groups, in the order of ``docs/rules.md``."""
