"""The definition: a cell's equations stand once, and NumPy, balls and the error analysis read them.

``equations`` says what the cells are, in the primitives of ``notation``; ``program`` writes one time step down;
``arithmetic`` computes it, and ``network`` unrolls it over time, layers, directions and lengths. The way back follows
from the same: ``derivatives`` says how a cotangent passes through a primitive, ``reverse`` writes the way back through
a step down, and ``backward`` goes back through a network.
"""

from rnn_goldens.cells.arrays import Array, State, Weights
from rnn_goldens.cells.backward import Backward, Cotangents, gradients
from rnn_goldens.cells.case import Case, case_of, cell_of
from rnn_goldens.cells.cell import DEFINED, Cell
from rnn_goldens.cells.certified import no_equations, require_equations
from rnn_goldens.cells.network import Network
from rnn_goldens.cells.own import cell_named, name_cells, named_cells

__all__ = [
    "DEFINED",
    "Array",
    "Backward",
    "Case",
    "Cell",
    "Cotangents",
    "Network",
    "State",
    "Weights",
    "case_of",
    "cell_named",
    "cell_of",
    "gradients",
    "name_cells",
    "named_cells",
    "no_equations",
    "require_equations",
]
