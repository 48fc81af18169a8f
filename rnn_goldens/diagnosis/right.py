"""What is right, of what is diagnosed: a golden's outputs, or its gradients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Tolerance

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Array = NDArray[np.float64]

Arrays = Mapping[str, Array]
"""By name: of outputs ``out``, ``h_n``, ``c_n``; of gradients that of the array."""

OUTPUTS, GRADIENTS = "outputs", "gradients"


@dataclass(frozen=True, eq=False)
class Right:
    """The right arrays.

    Attributes:
        values: by name.
        tolerance: how far a correct implementation can be off.
        dtype: the precision.
    """

    values: Arrays
    tolerance: Tolerance
    dtype: str

    def allowed(self, name: str) -> Array:
        """How far each element may be off in the precision."""
        return self.tolerance.allowed(name, self.values[name], PRECISIONS[self.dtype])


def right_of(golden: "GoldenData", of: str = OUTPUTS) -> Right:
    """What is right of a golden's outputs or gradients."""
    if of == GRADIENTS:
        assert golden.gradients is not None
        return Right(golden.gradients.expected, golden.gradients.tolerance, golden.dtype)
    names = [name for name in golden.layout.outputs if name not in golden.not_compared]
    return Right({name: getattr(golden.stored, name) for name in names}, golden.tolerance, golden.dtype)
