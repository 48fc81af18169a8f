"""The definition of the cells: each equation is written once, for NumPy, for balls and for the error analysis.

``equations`` and ``recurrence_equations`` define one time step in the primitives of ``notation``. ``step_program``
compiles it to a list of primitives, which ``numpy_primitives`` and ``matrix_primitives`` compute;
``network`` and ``recurrence`` unroll it; ``network`` and ``recurrence_graph`` record every operation.
The backward pass is derived: ``adjoint`` has the derivative of each primitive, and adds gradients to a graph. In NumPy,
``recurrence_backward`` runs the adjoint of the graph of one step again and again; ``backward`` derives that of a step
in which all gates of a network share products.
"""

from rnn_goldens.cells.backward import Backward, Cotangents
from rnn_goldens.cells.case_evaluation import gradients, no_equations, outputs, require_equations
from rnn_goldens.cells.custom_cells import cell_named, name_cells, named_cells
from rnn_goldens.cells.network import AnyCase, Case, Network, case_of, cell_of, golden_case
from rnn_goldens.cells.numpy_primitives import Array, State, Weights
from rnn_goldens.cells.step_program import BUILT_IN_CELLS, Cell

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
