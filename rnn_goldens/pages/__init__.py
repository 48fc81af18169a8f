"""The data of a page, for a pytest run or a report of several implementations."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden_result import FAILED, KNOWN, PASSED, REFUSED, SKIPPED, UNCHECKED, Drawn, Result

OUTCOMES = (PASSED, FAILED, KNOWN, REFUSED, SKIPPED, UNCHECKED)
"""The outcomes, in the order in which a page counts them."""


Row = dict[str, Any]
"""A row of a report or a page, by the names of its fields."""


@dataclass(frozen=True)
class About:
    """The properties of a golden that a page filters by."""

    cell: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """An implementation and its results."""

    name: str  # its name, as on the command line; "" for a project's own tests
    versions: Mapping[str, str] = field(default_factory=dict)  # the versions of its packages
    results: Sequence[Result] = ()  # its results, from simple to hard goldens
    causes: Sequence[Mapping[str, Any]] = ()  # as in ``results-1.schema.json``
    drawn: Mapping[str, Drawn] = field(default_factory=dict)  # by test, the picture and message of wrong results
    command: Callable[[Result], str] = lambda _: ""  # returns what runs a result's golden again
    why: str = ""  # why the run is not complete; "" if it is complete
    gradients: "Checked | None" = None  # the results of its gradients, in a report; None if they were not checked

    @property
    def everything(self) -> Sequence[Result]:
        """Results of outputs and of gradients."""
        return [*self.results, *(self.gradients.results if self.gradients is not None else ())]


def reasons(results: Iterable[Result], outcome: str, cells: Mapping[str, str]) -> list[Row]:
    """Return why results have an outcome, or what is known about it, with their number, cells and precisions."""
    found: dict[str, list[Result]] = {}
    for result in results:
        if result["outcome"] == outcome:
            found.setdefault(result.get("known") or result.get("reason", ""), []).append(result)
    return [
        {
            "reason": reason,
            "count": len(own),
            "cells": in_order({cells[result["golden"]] for result in own if result["golden"] in cells}),
            "dtypes": [dtype for dtype in NUMBER_TYPES if any(result["dtype"] == dtype for result in own)],
        }
        for reason, own in found.items()
    ]


def in_order(cells: Set[str]) -> list[str]:
    """Return standard cells in their order, then other cells."""
    return [*(cell for cell in CELLS if cell in cells), *sorted(cells - set(CELLS))]


@dataclass(frozen=True)
class Trend:
    """A change since an earlier report."""

    direction: str  # ``better``, ``worse`` or ``other``
    where: str  # the implementation, and the cell and precision, if it is of one
    change: str  # the description
    is_excused: bool = False  # whether other versions or another machine may be the reason

    @property
    def symbol(self) -> str:
        """The symbol of the direction."""
        return {"better": "▲", "worse": "▼", "other": "◆"}[self.direction]


@dataclass(frozen=True)
class Content:
    """The content of a page."""

    title: str  # its heading
    checked: Sequence[Checked]  # the implementations
    about: Mapping[str, About]  # the goldens, by id
    made_with: Mapping[str, str] = field(default_factory=dict)  # versions, by name
    since: str = ""  # the earlier report; "" without one
    moved: Sequence[Trend] = ()  # changes since the earlier report
