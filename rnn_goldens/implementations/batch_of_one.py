"""An unbatched golden as a batch of one, for libraries that know no other; each function leaves a batch as it is."""

from collections.abc import Sequence
from typing import Any

from rnn_goldens.checkable.golden import Question

_BATCH_FIRST = ("x", "out", "d_out")
"""Of states and their cotangents the batch is the second axis."""


def batched(golden: Question, name: str, array: Any) -> Any:  # noqa: ANN401 - an array of any library
    """What a golden gives, by its name, with a batch axis."""
    if golden.batch_shape:
        return array
    return array[None] if name in _BATCH_FIRST else array[:, None]


def unbatched(golden: Question, name: str, array: Any) -> Any:  # noqa: ANN401
    """What a library returns, an output or the gradient of what has this name, as the golden has it."""
    if golden.batch_shape:
        return array
    return array[0] if name in _BATCH_FIRST else array[:, 0]


def outputs(golden: Question, found: Sequence[Any]) -> tuple[Any, ...]:
    """Out, h_n (and c_n) as the golden has them."""
    return tuple(unbatched(golden, name, array) for name, array in zip(("out", "h_n", "c_n"), found, strict=False))
