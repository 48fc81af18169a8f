"""The gradients of a golden as rows of a table: right, wrong or not checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from rnn_goldens.comparison.differences import Difference
from rnn_goldens.comparison.verdict import Verdict


@dataclass(frozen=True)
class GradientRow:
    """A row on one gradient, as text.

    Attributes:
        name: the array of the gradient.
        outcome: ``right``, ``wrong`` or ``not checked``.
        detail: the number of wrong elements, or why the gradient was not compared; the largest error if it is right.
        at, got, want, allowed: data of the wrong element with the largest error; "" if no element is wrong.
    """

    name: str
    outcome: str
    detail: str = ""
    at: str = ""
    got: str = ""
    want: str = ""
    allowed: str = ""


def gradient_rows(verdict: Verdict) -> Iterator[GradientRow]:
    """Yield a row for each gradient that was checked, then a row for each gradient that was not checked."""
    for found in verdict.differences.values():
        yield _row(found)
    for name in verdict.not_checked:
        yield GradientRow(name, "not checked")


def _row(found: Difference) -> GradientRow:
    if found.problem is not None:
        return GradientRow(found.output, "wrong", found.problem)
    if found.passed:
        largest_error = f"{found.largest_error:.3g} of the tolerance" if isfinite(found.largest_error) else ""
        return GradientRow(found.output, "right", largest_error)
    text = f"{found.wrong:,} of {found.size:,} elements"
    if (largest := found.largest) is None:
        return GradientRow(found.output, "wrong", text)
    got, want, allowed = (f"{value:.9g}" for value in (largest.got, largest.want, largest.allowed))
    return GradientRow(found.output, "wrong", text, largest.place, got, want, allowed)
