"""Types of arrays, whose elements are of NumPy's types, bfloat16 numbers or balls."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

State = tuple[Array, ...]
"""h, or h and c: (batch, hidden) of one layer and direction, (layers·directions, batch, hidden) of a network."""

Weights = Mapping[str, Array]
"""Weights of a network under PyTorch's names; of one layer and direction: ``weight_ih``, ``weight_hh``, ``bias_ih``…"""
