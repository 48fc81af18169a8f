"""Makes implementations from forms: functions of arrays of a library that compute one or more sequences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels.contracts import HALF, Rounding, inside, rounded_once, rounding
from rnn_goldens import Unsupported
from rnn_goldens.cells.recurrence import RecurrenceCase, packed
from rnn_goldens.golden.recurrences import RecurrenceConfig

A = TypeVar("A")
Float64 = NDArray[np.float64]

ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
DIAGONAL = ("selective_scan", "rg_lru", "min_gru")
"""Recurrences h' = a h + b, of numbers that do not depend on the state."""

Form = Callable[[RecurrenceConfig, Mapping[str, A], Rounding[A]], dict[str, A]]
"""A function of the configuration, of inputs, weights and initial states by name, and of the roundings of a contract.

It returns the outputs and last states by name.
"""


class Kernel(Protocol):
    """An implementation of recurrences."""

    def __call__(self, case: RecurrenceCase, precision: str, contract: str = "float32-inside") -> dict[str, Float64]:
        """Return the outputs and last states of a case. Raises Unsupported if the implementation cannot compute it."""


@dataclass(frozen=True)
class Library(Generic[A]):
    """How arrays of a library are made.

    Attributes:
        array: converts from float64 to a type, by its name.
        numpy: converts to float64.
        stored: rounds to a precision, and keeps the type.
    """

    array: Callable[[Float64, str], A]
    numpy: Callable[[A], Float64]
    stored: Callable[[A, str], A]


def arrays_of(case: RecurrenceCase, precision: str) -> dict[str, Float64]:
    """Return inputs, weights and initial states by name, rounded to a precision."""
    parts = (case.inputs, case.weights, case.states)
    return {name: rounded_once(np.asarray(array), precision) for part in parts for name, array in part.items()}


def kernel(forms: Mapping[str, Form[A]], library: Library[A], *, native: bool = False) -> Kernel:
    """Return an implementation from forms by cell. It computes packed sequences one after the other.

    ``native``: a half precision computes in its own type, so that each operation rounds: by the contract all-stored.
    """

    def run(case: RecurrenceCase, precision: str, contract: str = "float32-inside") -> dict[str, Float64]:
        if case.cell not in forms:
            raise Unsupported(f"{case.cell} is not implemented")
        if native and (precision not in HALF or contract != "all-stored"):
            raise Unsupported("computes in a half precision only, and stores all")
        dtype = precision if native else inside(precision)
        roundings, found = rounding(precision, contract, library.stored), []
        with np.errstate(all="ignore"):  # exp overflows where sigmoid is 0
            for one in case.sequences():
                arrays = {name: library.array(array, dtype) for name, array in arrays_of(one, precision).items()}
                outputs = forms[case.cell](one.config, arrays, roundings)
                found.append({name: library.numpy(array) for name, array in outputs.items()})
            return {name: rounded_once(array, precision) for name, array in packed(found, case.config).items()}

    return run


def _numpy_stored(array: NDArray[Any], precision: str) -> NDArray[Any]:
    return rounded_once(array, precision).astype(array.dtype)


NUMPY: Library[NDArray[Any]] = Library(
    lambda array, dtype: array.astype(dtype), lambda array: array.astype(np.float64), _numpy_stored
)


def scale_of(config: RecurrenceConfig) -> float:
    """Return the factor of an attention's output."""
    scale = config.option("scale")
    return float(config["d_k"] ** -0.5 if scale is None else scale)
