"""Gradients of one golden as rows of a table: which are right, which wrong and how, and which were not checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from rnn_goldens.judging.differences import Difference
from rnn_goldens.judging.verdict import Verdict


@dataclass(frozen=True)
class GradientRow:
    """What is told of one gradient, in words.

    Attributes:
        name: of the array that it is by.
        outcome: ``right``, ``wrong`` or ``not checked``.
        told: how many elements are wrong, or why none was compared; of a right one how near it came.
        at, got, want, allowed: of the element that is furthest off; "" if there is none.
    """

    name: str
    outcome: str
    told: str = ""
    at: str = ""
    got: str = ""
    want: str = ""
    allowed: str = ""


def gradient_rows(verdict: Verdict) -> Iterator[GradientRow]:
    """A row for each gradient that was given, and for each that was left out."""
    for found in verdict.differences.values():
        yield _row(found)
    for name in verdict.not_checked:
        yield GradientRow(name, "not checked")


def _row(found: Difference) -> GradientRow:
    if found.problem is not None:
        return GradientRow(found.output, "wrong", found.problem)
    if found.passed:
        near = f"{found.largest_error:.3g} of what is allowed" if isfinite(found.largest_error) else ""
        return GradientRow(found.output, "right", near)
    told = f"{found.wrong:,} of {found.size:,} elements"
    if (largest := found.largest) is None:
        return GradientRow(found.output, "wrong", told)
    got, want, allowed = (f"{value:.9g}" for value in (largest.got, largest.want, largest.allowed))
    return GradientRow(found.output, "wrong", told, largest.place, got, want, allowed)
