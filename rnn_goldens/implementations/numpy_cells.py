"""``rnn_goldens.cells``, run in the golden's precision: an RNN from scratch in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens import cells
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden import Golden
from rnn_goldens.precision import precision
from rnn_goldens.shapes import state_names


def run(golden: Golden) -> tuple[NDArray[Any], ...]:
    """Return out, h_n (and c_n). Refuses bfloat16 where ml_dtypes, which gives NumPy that type, is not installed."""
    if golden.cell not in cells.STEPS:
        raise Unsupported(f"no {golden.cell}")
    dtype = _arithmetic(golden.dtype)
    out, states = cells.run(
        golden.cell,
        golden.config,
        {name: array.astype(dtype) for name, array in golden.weights.items()},
        golden.x.astype(dtype),
        tuple(getattr(golden, f"{name}0").astype(dtype) for name in state_names(golden.cell)),
        golden.lengths,
    )
    return out, *states


def _arithmetic(name: str) -> DTypeLike:
    if name != "bfloat16":
        return precision(name).carrier
    try:
        import ml_dtypes
    except ModuleNotFoundError:
        raise Unsupported("NumPy has no bfloat16: install ml_dtypes") from None
    dtype: DTypeLike = np.dtype(ml_dtypes.bfloat16)
    return dtype
