"""What a network computes with: arrays of any type that computes, NumPy's own, bfloat16, or balls."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

State = tuple[Array, ...]
"""h, or h and c: of one layer and direction (batch, hidden), of a network (layers·directions, batch, hidden)."""

Weights = Mapping[str, Array]
"""Of a network, under PyTorch's names; of one layer and direction ``weight_ih``, ``weight_hh``, ``bias_ih``…"""
