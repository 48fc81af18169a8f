"""The results of the exhaustive check as a table: where an implementation is wrong, and by how much."""

from collections.abc import Iterator

from rnn_goldens.exhaustive.arguments import arguments
from rnn_goldens.exhaustive.sweep import SweepResult

HEADER = f"{'arguments':>20}{'wrong':>8}{'ulp':>10}  {'at':<16}tolerance  at"

LEGEND = """float16 and bfloat16: every finite number; float32: a sample.
ulp: the largest error of the activation's output, in units in the last place.
tolerance: the largest error of any output, as a fraction of its tolerance"""


def rows(result: SweepResult) -> Iterator[str]:
    """Yield the lines of an activation in a precision, at most 80 columns wide except for failures."""
    errors, total = result.errors, len(arguments(result.precision))
    if errors is not None:
        ulp = f"{errors.ulp:10.3g}  {errors.at:<16.9g}"
        counts = f"  {result.precision:<9}{errors.visited:>9,}{errors.wrong:>8,}"
        yield f"{counts}{ulp}{errors.fraction:>9.2f}  {errors.fraction_at:.9g}"
    elif result.refused == total:
        yield f"  {result.precision:<9}{'refused':>9}"
    else:
        yield f"  {result.precision:<9}{'not compared':>16}"
    if 0 < result.refused < total:
        yield f"{'':11}{result.refused:,} of {total:,} refused"
    yield from (f"  {line}" for line in result.failure.splitlines())
