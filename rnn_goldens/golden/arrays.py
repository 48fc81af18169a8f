"""The arrays of a golden as they are stored, whatever the precision it is asked in."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """What is asked, as stored: float64 (lengths int64), read-only; None where the scenario gives none.

    Attributes:
        weights: PyTorch's names; shapes from ``shapes.weight_shapes``.
        x: (batch, time, input), or (time, input) if unbatched.
        h0, c0: (layers·directions, batch, hidden), without the batch axis if unbatched.
        lengths: (batch,), the number of time steps of each sequence.
    """

    weights: Mapping[str, Float64]
    x: Float64
    h0: Float64 | None = None
    c0: Float64 | None = None
    lengths: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Hold read-only views: whoever made the arrays may go on writing to theirs."""
        vars(self).update({name: _viewed(value) for name, value in vars(self).items()})

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()  # a copy of a read-only array can be written to

    def copied(self) -> Self:
        """The same in memory of its own: that an array is read-only does not keep ``torch.from_numpy`` from writing."""
        own = {f.name: _copy(getattr(self, f.name)) for f in fields(self)}
        return type(self)(**own)


@dataclass(frozen=True, eq=False, kw_only=True)
class AskedBackward(Asked):
    """What is asked where gradients are.

    Attributes:
        cotangents: ``d_out``, ``d_h_n``, ``d_c_n``, those that the scenario gives: as in ``Gradients``.
    """

    cotangents: Mapping[str, Float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Arrays(Asked):
    """What is asked and what is expected.

    Attributes:
        out: (batch, time, directions·hidden).
        h_n, c_n: like h0.
    """

    out: Float64
    h_n: Float64
    c_n: Float64 | None = None


def _copy(value: Any) -> Any:  # noqa: ANN401 - an array, a mapping of arrays, or None
    if isinstance(value, np.ndarray):
        return value.copy()
    return value and {name: array.copy() for name, array in value.items()}


def _viewed(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, np.ndarray):
        return read_only(value)
    return value and {name: read_only(array) for name, array in value.items()}


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view that can not be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
