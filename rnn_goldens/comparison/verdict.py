"""The result of comparing outputs or gradients with a golden; as HTML for a notebook, and as rows for a page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from math import isfinite

import numpy as np

from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.comparison.differences import Difference, difference
from rnn_goldens.comparison.failure_text import failure_text
from rnn_goldens.golden.data import GoldenData, html_table

__all__ = ["Difference", "GoldenMismatch", "Verdict", "Verdicts", "compare", "compare_gradients", "verdict_on"]


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison. It is true if the comparison passed.

    Attributes:
        passed: whether every output is right.
        largest_error: the largest error of any element, as a fraction of the tolerance: at most 1 if ``passed``.
            Infinite where the tolerance is zero or subnormal and the error is a normal number.
        differences: by name of the output, ``out`` first; or by name of the gradient.
        message: at most 15 lines, of which the first can be understood alone; empty if the comparison passed.
        explained_by: names of deviations that give exactly these outputs; several names if they are equivalent on this
            golden. ``a & b`` is two deviations at once. See ``docs/deviations.md``.
        facts: if no deviation explains the outputs, facts by name, each with its number or with whether it holds.
        not_checked: names of outputs that were not selected, or of gradients that were not passed, are not stored,
            or are None where zero is expected. They neither passed nor failed.
    """

    passed: bool
    largest_error: float
    differences: Mapping[str, Difference]
    message: str
    explained_by: tuple[str, ...] = ()
    facts: Mapping[str, bool | float] = field(default_factory=dict)
    not_checked: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return ``passed``."""
        return self.passed

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays."""
        return as_html(self.largest_error, self.differences.values(), self.message)


class Verdicts(list[Verdict]):
    """The verdicts of several calls. They are true if all of them passed."""

    def __bool__(self) -> bool:
        """Return whether all verdicts passed."""
        return all(self)


class GoldenMismatch(AssertionError):
    """Raised for outputs or gradients that differ from a golden.

    Attributes:
        verdict: the result of the comparison.
    """

    __module__ = "rnn_goldens"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict

    def __reduce__(self) -> tuple[type["GoldenMismatch"], tuple[Verdict]]:
        return type(self), (self.verdict,)


def compare(
    golden: GoldenData, out: object, h_n: object = None, c_n: object = None, *more: object, meaning: str = ""
) -> Verdict:
    """Compare outputs with a golden, as ``Golden.compare`` does; ``meaning`` is what a difference means besides."""
    return verdict_on(actual_outputs(golden, out, h_n, c_n, *more), meaning)


def compare_gradients(golden: GoldenData, by_name: Mapping[str, object], *, meaning: str = "") -> Verdict:
    """Compare gradients with those of a golden, which must have been loaded with them.

    A missing gradient is not checked. Without any gradient, the result is a failure.
    """
    return verdict_on(actual_gradients(golden, by_name), meaning)


@np.errstate(all="ignore")  # an implementation may have changed np.seterr
def verdict_on(actual: Actual, meaning: str = "") -> Verdict:
    """Compare actual with expected arrays; ``meaning`` as for ``compare``."""
    differences = {name: difference(actual, name) for name in actual.names}
    passed = bool(differences) and all(found.passed for found in differences.values())
    largest = max((found.largest_error for found in differences.values()), default=float("inf"))
    message = "" if passed else failure_text(actual, list(differences.values()), meaning)
    return Verdict(passed, largest, differences, message, not_checked=actual.not_checked)


_COLUMNS = ("output", "wrong", "largest error", "at", "got", "want", "allowed")


def as_html(largest_error: float, differences: Iterable[Difference], message: str) -> str:
    """Return the HTML of a verdict; its message is empty if the comparison passed."""
    heading = "✗ failed" if message else "✓ passed"
    if isfinite(largest_error):
        heading += f": the largest error is {_times(largest_error)}"
    text = f'<pre style="white-space: pre-wrap">{escape(message)}</pre>' if message else ""
    return html_table(heading, (tuple(_row(d)) for d in differences), _COLUMNS) + text


def _times(error: float) -> str:
    return f"{error:.3g} times the tolerance"


def _row(d: Difference) -> Iterator[object]:
    yield d.output
    if d.problem is not None:
        yield d.problem
        return
    yield f"{d.wrong:,} of {d.size:,}"
    if d.largest is None:
        yield _times(d.largest_error)
        return
    yield f"{abs(d.largest.got - d.largest.want):.3g}"
    yield from _largest(d)


def _largest(d: Difference) -> tuple[str, ...]:
    """Return the place of the wrong element with the largest error, its values and what is allowed; "" for none."""
    if d.largest is None:
        return ("",) * 4
    return (d.largest.place, *(f"{value:.9g}" for value in (d.largest.got, d.largest.want, d.largest.allowed)))


_OF_GRADIENT = ("name", "outcome", "detail", "at", "got", "want", "allowed")


def gradient_rows(differences: Iterable[Difference], not_checked: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the texts of a row for each gradient that was checked, then for each gradient that was not checked.

    The outcome is ``right``, ``wrong`` or ``not checked``. The detail is the number of wrong elements, or why the
    gradient was not compared, or the largest error if it is right.
    """
    for d in differences:
        error = f"{d.largest_error:.3g} of the tolerance" if isfinite(d.largest_error) else ""
        detail = d.problem or (error if d.passed else f"{d.wrong:,} of {d.size:,} elements")
        texts = (d.output, "right" if d.passed else "wrong", detail, *_largest(d))
        yield dict(zip(_OF_GRADIENT, texts, strict=True))
    for name in not_checked:
        yield {**dict.fromkeys(_OF_GRADIENT, ""), "name": name, "outcome": "not checked"}
