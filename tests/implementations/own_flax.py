"""Cells and layers of users in Flax."""

from flax import linen, nnx


class MyFlaxDense(linen.Dense):
    """Not a cell."""


class MyNnxGRU(nnx.GRUCell):
    """A cell of ``flax.nnx``."""


class MyFlaxGRU(linen.GRUCell):
    """A subclass of Flax's cell."""
