"""The expected values of outputs and of gradients, and the gradients and states that a golden stores."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.stored_arrays import Float64, read_only
from rnn_goldens.golden.tolerance import Tolerance

OUTPUTS, GRADIENTS = "outputs", "gradients"


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected values in one precision."""

    values: Mapping[str, Float64]  # float64: outputs by name, or gradients by the name of their array
    tolerance: Tolerance  # the largest error of a correct implementation
    dtype: str  # name of the precision
    _allowed: dict[str, Float64] = field(default_factory=dict, init=False, repr=False)

    def allowed(self, name: str) -> Float64:
        """Return the largest allowed absolute error of each element, computed once: a diagnosis asks for each cause."""
        if name not in self._allowed:
            self._allowed[name] = self.tolerance.allowed(name, self.values[name], NUMBER_TYPES[self.dtype])
        return self._allowed[name]

    def wrong(self, name: str, got: Float64) -> NDArray[np.bool_]:
        """Return a mask of the wrong elements; every element is wrong if the shape is wrong."""
        want = self.values[name]
        if got.shape != want.shape:
            return np.ones(got.shape, bool)
        return ~(abs(got - want) <= self.allowed(name))


@dataclass(frozen=True, eq=False)
class ExpectedStates:
    """The states after every step that a golden stores: float64 for every precision; index 0 is the initial state.

    Attributes:
        values: by name, ``S``, (time + 1, *shape of the initial state); packed, ``S_0`` and so on, one for each
            sequence. Each element is the exact state, correctly rounded.
        tolerance: the largest error of a correct implementation, by the same names, one number for each step:
            (time + 1, 1, …).
    """

    values: Mapping[str, Float64]
    tolerance: Tolerance

    def __post_init__(self) -> None:
        """Store read-only views, like ``InputArrays``."""
        vars(self)["values"] = {name: read_only(array) for name, array in self.values.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()


def output_of(cotangent: str) -> str:
    """Return the name of the output of a cotangent: ``h_n`` of ``d_h_n``."""
    return cotangent.removeprefix("d_")


_NEED_STATE = "there are cotangents of {0}, which is not {1}"
_MISSING = re.compile(_NEED_STATE.format(r"\w+", "(returned|compared)"))


def missing_output_reason(output: str, *, returned: bool = False) -> str:
    """Return why a golden is refused: its loss has a term of an output that is not returned, or not compared."""
    return _NEED_STATE.format(output, "compared" if returned else "returned")


def is_missing_output_reason(reason: str) -> bool:
    """Return whether ``reason`` is a missing output, as returned by ``missing_output_reason``."""
    return _MISSING.fullmatch(reason) is not None


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradients:
    """Gradients of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n, as stored: float64 for every precision.

    Attributes:
        purpose: a sentence that says what these cotangents show or detect.
        precisions: the precisions that the gradients can be checked in: a subset of the golden's precisions.
        cotangents: at least one of ``d_out``, ``d_h_n``, ``d_c_n`` and so on, each shaped like its output. Each
            precision represents the values exactly. A missing cotangent is zero.
        expected: by the name of the array: ``x``; ``h0``, ``c0`` and so on where the golden has an initial state;
            every weight and bias. float64, shaped like the array; each element is the exact gradient, correctly
            rounded.
        tolerance: the largest error of a correct implementation, by the same names.
        provenance: versions of the libraries that certified the gradients; not part of the content.
    """

    purpose: str
    precisions: tuple[str, ...]
    cotangents: Mapping[str, Float64]
    expected: Mapping[str, Float64]
    tolerance: Tolerance
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Store read-only views, like ``InputArrays``."""
        for name in ("cotangents", "expected"):
            vars(self)[name] = {of: read_only(array) for of, array in getattr(self, name).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()
