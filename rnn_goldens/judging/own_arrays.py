"""Whether what is given for outputs is what it would be compared with: an answer checked against itself."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import WrongUse

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData


_MOST_PARTS = 1_000_000
"""Of a longer sequence it is said elsewhere that it is none of the outputs."""


def refuse_own(golden: "GoldenData", *outputs: object) -> None:
    """Raise WrongUse if an output is an expected array that the golden handed out, or lies in the memory of one.

    Args:
        golden: what is checked.
        outputs: as for ``GoldenData.check``: arrays, tensors, sequences of them, or anything else.
    """
    for name, arrays in golden.handed_out().items():
        if any(_lies_in(output, array) for output in outputs for array in arrays):
            raise WrongUse(
                f"{golden.id}: what was given is the golden's own {name}, which would be compared with itself; "
                "a check takes what your implementation computed"
            )


def _lies_in(value: Any, array: NDArray[Any]) -> bool:  # noqa: ANN401 - whatever a user gave
    if isinstance(value, memoryview):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        return np.may_share_memory(value, array)
    if isinstance(value, list | tuple) and len(value) <= _MOST_PARTS:
        return any(_lies_in(part, array) for part in value if not isinstance(part, float | int))
    if hasattr(value, "data_ptr") and value.device.type == "cpu":  # a tensor of torch, of whatever class
        try:
            begin: int = value.data_ptr()
        except RuntimeError:  # a sparse one, which has no memory of its own
            return False
        return array.ctypes.data <= begin < array.ctypes.data + array.nbytes
    return False
