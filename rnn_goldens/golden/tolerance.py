"""Tolerances, the largest errors of a correct implementation: none, bounds, coefficients by algorithm, or derived."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.golden.rounding_profile import ALL, DEFAULT, FLOAT32, INSIDE, Profile

Float64 = NDArray[np.float64]

HALF_SAFETY = 1.5
"""Factor for half precisions: they round so coarsely that second-order terms, which the bound omits, matter."""


@dataclass(frozen=True)
class Exact:
    """Zero tolerance: every partial sum fits in ``bits`` significant bits, so the order of summation has no effect.

    Attributes:
        bits: for each dot product, the sum of its terms' absolute values is at most ``2**bits`` times the largest
            power of two that divides every term. A precision with at least ``bits`` bits computes without rounding.
    """

    bits: int

    kind = "exact"
    in_words = "none: every value is exact in this precision, in any order of summation"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:  # noqa: ARG002
        """Return the largest allowed absolute error of each element: zero."""
        return 0 * abs(values)


@dataclass(frozen=True)
class Equal:
    """Zero tolerance of integers: every bit is defined."""

    kind = "equal"
    in_words = "none: the definition says every bit"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:  # noqa: ARG002
        """Return the largest allowed absolute error of each element: zero."""
        return 0 * abs(values)


@dataclass(frozen=True, eq=False)
class Bound:
    """A worst-case bound on the error of any correct implementation, to first order in the unit roundoff.

    Attributes:
        accumulation: by output, the coefficient of the roundoff of sums and activations.
        storage: by output, the coefficient of the roundoff of stored intermediate results.
    """

    accumulation: Mapping[str, Float64]
    storage: Mapping[str, Float64]

    kind = "bound"
    in_words = "for each element, the largest rounding error of a correct implementation"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:
        """Return the largest allowed absolute error of each element of an output."""
        bound = roundoff_sum(self.accumulation[output], self.storage[output], precision)
        return bound + precision.roundoff * abs(values) + precision.smallest


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Three coefficients of roundoffs for the elements of each output of a recurrence.

    Attributes:
        accumulation: of sums, functions and running sums of logarithms, which are float32 in half precisions.
        state: of storing states.
        storage: of storing other values.
    """

    accumulation: Mapping[str, Float64]
    state: Mapping[str, Float64]
    storage: Mapping[str, Float64]

    def allowed(self, output: str, values: Float64, precision: Precision, profile: Profile) -> Float64:
        """Return the largest allowed absolute error of each element under a profile.

        Under tf32, operands are rounded to as many bits as in float16, and all else is float32.
        """
        is_half, is_tf32 = precision.bits < PRECISIONS[FLOAT32].bits, profile.rounds_operands(precision.name)
        wide = PRECISIONS[FLOAT32].roundoff if is_half else precision.roundoff
        of_state = wide if profile.half != ALL else precision.roundoff
        of_storage = wide if profile.half == INSIDE else precision.roundoff
        if is_tf32:
            of_storage = PRECISIONS["float16"].roundoff
        bound = self.accumulation[output] * wide + self.state[output] * of_state + self.storage[output] * of_storage
        factor = HALF_SAFETY if is_half or is_tf32 else 1.0
        return factor * bound + precision.roundoff * abs(values) + precision.smallest


_Part = TypeVar("_Part", Bound, Coefficients)

Change = Callable[[str, str, Float64], Float64]
"""Returns the changed coefficients of an output. Takes their kind, such as ``accumulation``, its name, and an array."""


@dataclass(frozen=True, eq=False)
class Contracts:
    """Worst-case bounds of a recurrence, to first order in the unit roundoff, by algorithm.

    Attributes:
        step: of implementations that compute step by step, or by a scan.
        chunks: of implementations that may compute in chunks, too, by the largest number of time steps of a chunk, in
            ascending order; a larger number has the coefficients of the last one. Empty if the recurrence has no
            chunked form.
        profile: the profile that ``allowed`` applies.
    """

    step: Coefficients
    chunks: Mapping[int, Coefficients] = field(default_factory=dict)
    profile: Profile = DEFAULT

    kind = "contracts"
    in_words = "for each element, the largest rounding error of a correct implementation, by declared contract"

    @property
    def declared(self) -> Coefficients:
        """The coefficients of the declared algorithm."""
        allowed = [of for size, of in self.chunks.items() if size <= self.profile.largest_chunk]
        return allowed[-1] if allowed else self.step

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:
        """Return the largest allowed absolute error of each element of an output."""
        return self.declared.allowed(output, values, precision, self.profile)


@dataclass(frozen=True, eq=False)
class Derived:
    """The tolerance of a network under a profile with another arithmetic, which changes float32 only.

    Attributes:
        stored: the tolerance in other precisions, as stored.
        float32: the bound in float32.
    """

    stored: Exact | Bound
    float32: Bound

    kind = "derived"
    in_words = "for each element, the largest rounding error of a correct implementation, by profile in float32"

    def allowed(self, output: str, values: Float64, precision: Precision) -> Float64:
        """Return the largest allowed absolute error of each element of an output."""
        return self.in_precision(precision.name).allowed(output, values, precision)

    def in_precision(self, dtype: str) -> Exact | Bound:
        """Return the tolerance in a precision."""
        return self.float32 if dtype == FLOAT32 else self.stored


def in_use(tolerance: "Tolerance", profile: Profile, dtype: str) -> "Exact | Equal | Bound | Contracts":
    """Return the tolerance under a profile in a precision."""
    if isinstance(tolerance, Contracts):
        return replace(tolerance, profile=profile)
    return tolerance.in_precision(dtype) if isinstance(tolerance, Derived) else tolerance


def with_arrays(tolerance: "Tolerance", change: Change) -> "Tolerance":
    """Return a tolerance whose arrays of coefficients are changed."""
    if isinstance(tolerance, Contracts):
        chunks = {size: _part(of, change) for size, of in tolerance.chunks.items()}
        return replace(tolerance, step=_part(tolerance.step, change), chunks=chunks)
    if isinstance(tolerance, Derived):
        stored = tolerance.stored if isinstance(tolerance.stored, Exact) else _part(tolerance.stored, change)
        return Derived(stored, _part(tolerance.float32, change))
    return tolerance if isinstance(tolerance, Exact | Equal) else _part(tolerance, change)


def _part(part: _Part, change: Change) -> _Part:
    kinds = [of.name for of in fields(part)]
    return replace(
        part, **{kind: {name: change(kind, name, of) for name, of in getattr(part, kind).items()} for kind in kinds}
    )


def roundoff_sum(accumulation: Float64, storage: Float64, precision: Precision) -> Float64:
    """Return the bound from two coefficients in a precision. Half precisions accumulate in float32, as kernels do."""
    half = precision.bits < PRECISIONS["float32"].bits
    roundoff = PRECISIONS["float32"].roundoff if half else precision.roundoff
    return (HALF_SAFETY if half else 1.0) * (accumulation * roundoff + storage * precision.roundoff)


Tolerance = Exact | Equal | Bound | Contracts | Derived

LARGEST_TOLERANCE = 0.1
"""The largest tolerance of an output. A larger first-order bound is invalid, so the golden omits the precision."""

LARGEST_TOLERANCE_OF_GRADIENTS = 0.25
"""The largest tolerance of a gradient, relative to the largest gradient. A precision that exceeds it is omitted."""


def loosest(tolerance: Tolerance, expected: Mapping[str, Float64], precision: Precision) -> float:
    """Return the largest allowed error of any element; NaN if one is NaN."""
    allowed = (tolerance.allowed(name, array, precision) for name, array in expected.items())
    return float(np.max([array.max(initial=0) for array in allowed]))


def loosest_of_gradients(tolerance: Tolerance, expected: Mapping[str, Float64], precision: Precision) -> float:
    """Return the largest allowed error relative to the largest gradient; 0 if all gradients are zero."""
    largest = max(float(abs(array).max(initial=0)) for array in expected.values())
    return loosest(tolerance, expected, precision) / largest if largest else 0.0
