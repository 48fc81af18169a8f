"""Raises an error for outputs that are the expected arrays themselves."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import WrongUse

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData


_MAX_PARTS = 1_000_000
"""Longer sequences are not searched: ``outputs.read`` raises an error for them."""


def refuse_own_arrays(golden: "GoldenData", *outputs: object) -> None:
    """Raise WrongUse if an output is an expected array of the golden, or shares its memory.

    Args:
        golden: the golden.
        outputs: as for ``Golden.check``: arrays, tensors, sequences of them, or anything else.
    """
    for name, arrays in golden.expected_arrays().items():
        if any(_shares_memory(output, array) for output in outputs for array in arrays):
            raise WrongUse(
                f"{golden.id}: an output is the golden's own {name}, which would be compared with itself; "
                "pass the outputs of your implementation"
            )


def _shares_memory(value: Any, array: NDArray[Any]) -> bool:  # noqa: ANN401 - any argument of a user
    if isinstance(value, memoryview):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        return np.may_share_memory(value, array)
    if isinstance(value, list | tuple) and len(value) <= _MAX_PARTS:
        return any(_shares_memory(part, array) for part in value if not isinstance(part, float | int))
    if hasattr(value, "data_ptr") and value.device.type == "cpu":  # a torch tensor
        try:
            begin: int = value.data_ptr()
        except RuntimeError:  # a sparse tensor has no memory of its own
            return False
        return array.ctypes.data <= begin < array.ctypes.data + array.nbytes
    return False
