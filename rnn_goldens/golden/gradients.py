"""What is stored of a golden's gradients: cotangents of its outputs, and what a backward pass makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rnn_goldens.golden.arrays import Float64, read_only
from rnn_goldens.golden.tolerance import Tolerance

COTANGENTS = {"d_out": "out", "d_h_n": "h_n", "d_c_n": "c_n"}
"""By the name of a cotangent, the output that it belongs to."""

_NEED_STATE = "cotangents of {0} need {0}, and one array was returned"


def need_state(output: str) -> str:
    """Why a network is refused that returns out alone, where there are cotangents of another output."""
    return _NEED_STATE.format(output)


def is_need_of_state(reason: str) -> bool:
    """Whether it is that for which a golden was refused."""
    return any(reason == need_state(output) for output in COTANGENTS.values())


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradients:
    """Gradients of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n, as they are stored, whatever the precision.

    Attributes:
        purpose: what these cotangents are there to show or to expose: a sentence.
        precisions: the precisions that they can be checked in: some of the golden's.
        cotangents: ``d_out``, ``d_h_n``, ``d_c_n``, at least one: float64, each shaped as its output, of numbers that
            every one of the precisions holds; one that is not there is zero.
        expected: by the name of the array: ``x``; ``h0`` and ``c0`` where the golden gives an initial state; every
            weight and bias. float64, shaped as the array; each element is the exact gradient, correctly rounded.
        tolerance: how far a correct implementation can be off, by the same names.
        provenance: what made them; not part of their content.
    """

    purpose: str
    precisions: tuple[str, ...]
    cotangents: Mapping[str, Float64]
    expected: Mapping[str, Float64]
    tolerance: Tolerance
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold read-only views, as ``Asked`` does."""
        for name in ("cotangents", "expected"):
            vars(self)[name] = {of: read_only(array) for of, array in getattr(self, name).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()

    def copied(self) -> "Gradients":
        """The same in memory of its own."""
        cotangents, expected = ({of: a.copy() for of, a in held.items()} for held in (self.cotangents, self.expected))
        return replace(self, cotangents=cotangents, expected=expected, tolerance=self.tolerance.copied())
