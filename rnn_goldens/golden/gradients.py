"""The stored gradients of a golden: cotangents of its outputs and the gradients that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rnn_goldens.golden.arrays import Float64, read_only
from rnn_goldens.golden.tolerance import Tolerance

COTANGENTS = {"d_out": "out", "d_h_n": "h_n", "d_c_n": "c_n"}
"""Cotangents, and the output that each belongs to."""

_NEED_STATE = "cotangents of {0} need {0}, and one array was returned"


def missing_output_reason(output: str) -> str:
    """Return why a network that returns only out is refused where another output has cotangents."""
    return _NEED_STATE.format(output)


def is_missing_output_reason(reason: str) -> bool:
    """Whether a golden was refused for this reason."""
    return any(reason == missing_output_reason(output) for output in COTANGENTS.values())


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradients:
    """Gradients of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n, as stored, in whatever precision.

    Attributes:
        purpose: what these cotangents show or detect: a sentence.
        precisions: the precisions they can be checked in: a subset of the golden's.
        cotangents: ``d_out``, ``d_h_n``, ``d_c_n``, at least one: float64, shaped like the output; values that every
            one of the precisions represents exactly; a missing cotangent is zero.
        expected: by the name of the array: ``x``; ``h0`` and ``c0`` where the golden has an initial state; every
            weight and bias. float64, shaped like the array; each element is the exact gradient, correctly rounded.
        tolerance: the largest error of a correct implementation, by the same names.
        provenance: versions that certified them; not part of their content.
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

    def copied(self) -> "Gradients":
        """Return a deep copy."""
        cotangents, expected = (
            {of: a.copy() for of, a in arrays.items()} for arrays in (self.cotangents, self.expected)
        )
        return replace(self, cotangents=cotangents, expected=expected, tolerance=self.tolerance.copied())
