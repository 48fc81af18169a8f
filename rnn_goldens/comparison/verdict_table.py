"""A verdict as a table: in HTML for a notebook, and a row for each gradient for a page of results."""

from collections.abc import Iterable, Iterator
from html import escape
from math import isfinite

from rnn_goldens.comparison.differences import Difference
from rnn_goldens.golden.data import html_table

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
