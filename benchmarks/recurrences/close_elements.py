"""A criterion for elements: torch.testing.assert_close with its defaults for float32."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmarks.recurrences import relative_error
from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase

RTOL, ATOL = 1.3e-6, 1e-5
"""The defaults of torch.testing.assert_close for float32."""


@dataclass(frozen=True, eq=False)
class Question:
    """Drawn inputs with the right outputs.

    Attributes:
        case: the inputs in float32.
        right: outputs computed in float64.
    """

    case: RecurrenceCase
    right: Mapping[str, Array]

    def accepts(self, outputs: Mapping[str, Array]) -> bool:
        """Return whether torch.testing.assert_close accepts outputs."""
        import torch

        try:
            for name, right in self.right.items():
                got, want = (torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in (outputs[name], right))
                torch.testing.assert_close(got, want)  # with its defaults, which are RTOL and ATOL
        except AssertionError:
            return False
        return True


@lru_cache(maxsize=1)
def questions() -> tuple[Question, ...]:
    """Return the inputs of the relative error."""
    return tuple(Question(one.case, one.right) for one in relative_error.questions())
