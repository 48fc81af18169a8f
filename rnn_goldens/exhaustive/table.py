"""What an exhaustive check found, as a table: where an implementation is wrong, and by how much."""

from collections.abc import Iterator

from rnn_goldens.exhaustive.arguments import arguments
from rnn_goldens.exhaustive.sweep import Visited

HEADER = f"{'arguments':>20}{'wrong':>8}{'ulp':>10}  {'at':<16}tolerance  at"

LEGEND = """float16 and bfloat16: every finite number; float32: a sample.
ulp: the largest error of the activation's output, in units in the last place.
tolerance: the largest part of it that is used, 1 being all of it"""


def rows(one: Visited) -> Iterator[str]:
    """Lines on an activation in a precision, of at most 80 columns but for what failed."""
    found, of = one.finding, len(arguments(one.precision))
    if found is not None:
        ulp = f"{found.ulp:10.3g}  {found.at:<16.9g}"
        counts = f"  {one.precision:<9}{found.visited:>9,}{found.wrong:>8,}"
        yield f"{counts}{ulp}{found.fraction:>9.2f}  {found.fraction_at:.9g}"
    elif one.refused == of:
        yield f"  {one.precision:<9}{'refused':>9}"
    else:
        yield f"  {one.precision:<9}{'not compared':>16}"
    if 0 < one.refused < of:
        yield f"{'':11}of {of:,}: {one.refused:,} were refused"
    yield from (f"  {line}" for line in one.failure.splitlines())
