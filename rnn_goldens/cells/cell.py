"""A cell: its name, its equations and the gates and states that they use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rnn_goldens.cells import equations as _equations
from rnn_goldens.cells.program import Equations, Source
from rnn_goldens.golden.shapes import LAYOUTS, Layout


@dataclass(frozen=True, eq=False)
class Cell:
    """The equations of one time step of a recurrent network.

    Attributes:
        name: its name in goldens.
        equations: ``equations(x, *state, w)`` returns the state after the step; the first state is h, the output.
        gates: one letter each, in the order of the rows of the weights.
        states: names of the states.
        vectors: names of other weights that the equations use, of shape (hidden,).
    """

    name: str
    equations: Equations
    gates: str
    states: tuple[str, ...] = ("h",)
    vectors: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """The gates, states and vectors, from which shapes follow."""
        return Layout(self.gates, self.states, self.vectors)

    @cached_property
    def fused(self) -> Source:
        """Programs for computing: the biases of all gates are added in one operation."""
        return Source(self.equations, len(self.states), self.gates, self.vectors)

    @cached_property
    def separate(self) -> Source:
        """Programs for the error analysis: each gate adds its own bias, so every order of summation is considered."""
        return Source(self.equations, len(self.states), self.gates, self.vectors, fused=False)


BUILT_IN_CELLS: Mapping[str, Cell] = {
    name: Cell(name, getattr(_equations, name), layout.gates, layout.states) for name, layout in LAYOUTS.items()
}
"""The built-in cells by name."""


@lru_cache(maxsize=1024)
def with_equations(cell: Cell, equations: Equations, *vectors: str) -> Cell:
    """Return the cell with other equations, and the vectors that they use."""
    return Cell(cell.name, equations, cell.gates, cell.states, vectors)
