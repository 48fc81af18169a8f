"""A cell: its name, its equations, and the gates, states and weights that the equations use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from rnn_goldens.cells import equations as _equations
from rnn_goldens.cells.program import Equations, Source
from rnn_goldens.golden.built_in_cells import LAYOUTS, standard_cell
from rnn_goldens.golden.shapes import Layout


@dataclass(frozen=True, eq=False)
class Cell:
    """The equations of one time step of a recurrent network.

    Attributes:
        name: its name in goldens.
        equations: ``equations(x, *state, w)`` returns the state after the step; the first state is h, the output.
        layout: the gates, states and weights that the equations use.
    """

    name: str
    equations: Equations
    layout: Layout

    @property
    def gates(self) -> str:
        """One letter per gate, in the order of the rows of the weights."""
        return self.layout.gates

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return self.layout.states

    @cached_property
    def fused(self) -> Source:
        """Programs for computing: the biases of all gates are added in one operation."""
        return Source(self.equations, self.layout)


BUILT_IN_CELLS: Mapping[str, Cell] = {
    name: Cell(name, getattr(_equations, name, None) or getattr(_equations, standard_cell(name)), layout)
    for name, layout in LAYOUTS.items()
}
"""The built-in cells by name."""


@lru_cache(maxsize=1024)
def with_equations(cell: Cell, equations: Equations, *vectors: str) -> Cell:
    """Return the cell with other equations, and further vectors that they use."""
    more = tuple((name, "H") for name in vectors)
    return Cell(cell.name, equations, replace(cell.layout, weights=(*cell.layout.weights, *more)))
