"""The outputs of a network of one layer, with an axis of directions, as the operators of ONNX and WebNN return them."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.implementations.networks import batched

Array = NDArray[Any]


def by_direction(golden: Golden, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return out as (time, directions, batch, hidden), last states as (directions, batch, hidden), by name."""
    config, found = golden.network, {name: batched(golden, name, array) for name, array in arrays.items()}
    out = found["out"].reshape(*found["out"].shape[:2], config.num_directions, config.hidden_size)
    return {**found, "out": out.transpose(1, 2, 0, 3)}
