"""Makes implementations from forms: of outputs, and of gradients by the library's automatic differentiation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

import numpy as np

from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF, inside, rounded_once
from benchmarks.recurrences.kernels.library import Array, Float64, Function, Library
from rnn_goldens import Unsupported
from rnn_goldens.cells.recurrence import RecurrenceCase, packed
from rnn_goldens.golden.recurrences import RecurrenceConfig, recurrence_config, sequence_slices

Form = Callable[[Library, RecurrenceConfig, Mapping[str, Array]], dict[str, Array]]


class Kernel(Protocol):
    """An implementation of recurrences."""

    def __call__(self, case: RecurrenceCase, precision: str, contract: str = "float32-inside") -> dict[str, Float64]:
        """Return the outputs and last states of a case. Raises Unsupported if the implementation cannot compute it."""


@dataclass(frozen=True, eq=False)
class Forms:
    """Forms by cell in a library, as an implementation.

    Attributes:
        library: returns the library, which is imported when it is needed.
        by_cell: the forms.
        native: whether a half precision computes in its own type, so that each operation rounds: by all-stored.
    """

    library: Callable[[], Library]
    by_cell: Mapping[str, Form]
    native: bool = False

    def __call__(self, case: RecurrenceCase, precision: str, contract: str = "float32-inside") -> dict[str, Float64]:
        """Return the outputs and last states of a case. Packed sequences are computed one after the other."""
        lib, dtype = self._library(case, precision, contract)
        compiled, found = self._compiled(case.cell, tuple(case.config.items()), precision, contract), []
        with lib.enabled(), np.errstate(all="ignore"):  # exp overflows where sigmoid is 0
            for one in case.sequences():
                outputs = compiled({name: lib.array(a, dtype) for name, a in arrays_of(one, precision).items()})
                found.append({name: lib.numpy(array) for name, array in outputs.items()})
        return {name: rounded_once(array, precision) for name, array in packed(found, case.config).items()}

    def gradients(
        self, case: RecurrenceCase, cotangents: Mapping[str, Float64], precision: str, contract: str
    ) -> dict[str, Float64]:
        """Return the gradients of the sum of cotangents times outputs by each input, weight and initial state."""
        lib, dtype = self._library(case, precision, contract)
        function, found = self._function(case.cell, case.config, precision, contract), []
        assert lib.vjp is not None
        with lib.enabled():
            for one, of in zip(case.sequences(), _of_sequences(case, cotangents), strict=True):
                x = {name: lib.array(array, dtype) for name, array in arrays_of(one, precision).items()}
                given = {name.removeprefix("d_"): lib.array(d, dtype) for name, d in of.items()}
                found.append({name: lib.numpy(array) for name, array in lib.vjp(function, x, given).items()})
        return {name: rounded_once(_together(case, name, [one[name] for one in found]), precision) for name in found[0]}

    def _library(self, case: RecurrenceCase, precision: str, contract: str) -> tuple[Library, str]:
        """Return the library and the type to compute in."""
        if case.cell not in self.by_cell:
            raise Unsupported(f"{case.cell} is not implemented")
        if self.native and (precision not in HALF or contract != CONTRACTS[-1]):
            raise Unsupported("computes in a half precision only, and stores all")
        return self.library(), precision if self.native else inside(precision)

    def _function(self, cell: str, config: RecurrenceConfig, precision: str, contract: str) -> Function:
        return partial(self.by_cell[cell], self.library().rounding(precision, contract), config)

    @lru_cache(maxsize=1024)  # noqa: B019 - implementations are never deleted
    def _compiled(self, cell: str, options: tuple[tuple[str, Any], ...], precision: str, contract: str) -> Function:
        config = recurrence_config(cell, dict(options))
        return self.library().compiled(self._function(cell, config, precision, contract))


def arrays_of(case: RecurrenceCase, precision: str) -> dict[str, Float64]:
    """Return inputs, weights and initial states by name, rounded to a precision."""
    parts = (case.inputs, case.weights, case.states)
    return {name: rounded_once(np.asarray(array), precision) for part in parts for name, array in part.items()}


def _of_sequences(case: RecurrenceCase, cotangents: Mapping[str, Float64]) -> Iterator[dict[str, Float64]]:
    """Yield the cotangents of each packed sequence."""
    given = {name: np.asarray(d, np.float64) for name, d in cotangents.items()}
    if case.offsets is None:
        yield given
        return
    over_time = [f"d_{name}" for name in case.config.recurrence.outputs]
    for k, steps in enumerate(sequence_slices(case.offsets)):
        yield {name: d[:, steps] if name in over_time else d[k : k + 1] for name, d in given.items()}


def _together(case: RecurrenceCase, name: str, parts: list[Float64]) -> Float64:
    """Return the gradient of packed sequences from those of each."""
    if name in case.weights:
        return np.asarray(np.sum(parts, axis=0))
    return np.concatenate(parts, axis=1 if name in case.inputs else 0)
