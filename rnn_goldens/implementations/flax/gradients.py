"""Gradients of Flax's cells, and of classes of cells, by ``jax.vjp``."""

from collections.abc import Callable
from typing import Any

from flax import linen

from rnn_goldens.checkable.golden import Question
from rnn_goldens.implementations.flax import own_class
from rnn_goldens.implementations.flax.cells import gradients_of_cells, own_cell


def of_cells(golden: Question) -> dict[str, Any]:
    """Of ``SimpleCell``, ``OptimizedLSTMCell`` or ``GRUCell``."""
    return gradients_of_cells(golden, own_cell)


def wrap(kind: type[linen.RNNCellBase]) -> Callable[[Question], dict[str, Any]]:
    """Of a user's class, made and refused as ``own_class`` does."""
    make = own_class.making(kind)
    return lambda golden: gradients_of_cells(golden, make(golden))
