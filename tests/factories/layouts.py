"""Layouts of custom cells, built without the equations of a cell."""

from rnn_goldens.golden.shapes import STACKED, Layout


def layout(gates: str, states: tuple[str, ...] = ("h",), *vectors: str) -> Layout:
    """Return a layout with stacked weights and further vectors."""
    return Layout(gates, states, (*STACKED, *((name, "H") for name in vectors)))
