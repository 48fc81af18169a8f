"""The definition of the cells: each equation is written once, for NumPy, for balls and for the error analysis.

``equations`` defines the cells in the primitives of ``notation``; ``program`` compiles one time step to a list of
primitives; ``arithmetic`` computes them, and ``network`` unrolls a cell over time, layers, directions and lengths. The
backward pass is derived: ``derivatives`` has the derivative of each primitive, ``step_backward`` derives the backward
pass of a step, and ``backward`` runs it for every step of a network.
"""

from rnn_goldens.cells.arithmetic import Array, State, Weights
from rnn_goldens.cells.backward import Backward, Cotangents
from rnn_goldens.cells.case import AnyCase, Case, case_of, cell_of, golden_case
from rnn_goldens.cells.cell import BUILT_IN_CELLS, Cell
from rnn_goldens.cells.custom_cells import cell_named, name_cells, named_cells
from rnn_goldens.cells.evaluation import gradients, no_equations, outputs, require_equations
from rnn_goldens.cells.network import Network

__all__ = [
    "BUILT_IN_CELLS",
    "AnyCase",
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
    "golden_case",
    "gradients",
    "name_cells",
    "named_cells",
    "no_equations",
    "outputs",
    "require_equations",
]
