"""Cells of ``flax.linen``, and classes of cells."""
