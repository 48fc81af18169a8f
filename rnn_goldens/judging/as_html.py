"""A verdict as a notebook shows it."""

from collections.abc import Iterable, Iterator
from html import escape
from math import isfinite

from rnn_goldens.golden.as_html import table
from rnn_goldens.judging.differences import Difference

_COLUMNS = ("output", "wrong", "largest error", "at", "got", "want", "allowed")


def verdict_as_html(passed: bool, largest_error: float, differences: Iterable[Difference], message: str) -> str:
    """Whether it passed, what was found in each output, and the message."""
    said = "✓ passed" if passed else "✗ failed"
    if isfinite(largest_error):
        said += f": the largest error is {_times(largest_error)}"
    text = f'<pre style="white-space: pre-wrap">{escape(message)}</pre>' if message else ""
    return table(said, (tuple(_row(d)) for d in differences), _COLUMNS) + text


def _times(error: float) -> str:
    return f"{error:.3g} times what is allowed"


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
    yield d.largest.place
    yield from (f"{value:.9g}" for value in (d.largest.got, d.largest.want, d.largest.allowed))
