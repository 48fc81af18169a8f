"""Types of arrays. Their elements are NumPy's numbers, bfloat16 numbers or balls."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

State = tuple[Array, ...]
"""h, or h and c: (batch, hidden) for one layer and direction, (layers·directions, batch, hidden) for a network."""

Weights = Mapping[str, Array]
"""Weights of a network by PyTorch's names, or of one layer and direction by names without suffix: ``weight_ih``…"""
