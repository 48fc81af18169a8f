"""A cell by name: its equations, and which gates and states they speak of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rnn_goldens.cells import equations as _equations
from rnn_goldens.cells.program import Equations, Source
from rnn_goldens.golden.shapes import LAYOUTS, Layout


@dataclass(frozen=True, eq=False)
class Cell:
    """What a recurrent network does at each time step.

    Attributes:
        name: as goldens call it.
        equations: ``equations(x, *state, w)`` returns the state after the step; the first state is h, the output.
        gates: a letter each, in the order of the rows of the weights.
        states: their names.
        vectors: other weights that the equations speak of, by their names in the weights: a number a unit each.
    """

    name: str
    equations: Equations
    gates: str
    states: tuple[str, ...] = ("h",)
    vectors: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """What shapes follow from."""
        return Layout(self.gates, self.states, self.vectors)

    @cached_property
    def at_once(self) -> Source:
        """Its programs, for those who compute: a bias is added for all gates at once."""
        return Source(self.equations, len(self.states), self.gates, self.vectors)

    @cached_property
    def apart(self) -> Source:
        """Its programs, for those who ask what may be added up in which order."""
        return Source(self.equations, len(self.states), self.gates, self.vectors, at_once=False)


DEFINED: Mapping[str, Cell] = {
    name: Cell(name, getattr(_equations, name), layout.gates, layout.states) for name, layout in LAYOUTS.items()
}
"""The cells that goldens are of, by name."""


@lru_cache(maxsize=1024)
def with_equations(cell: Cell, equations: Equations, *vectors: str) -> Cell:
    """The same cell with other equations, and other weights that they speak of."""
    return Cell(cell.name, equations, cell.gates, cell.states, vectors)
