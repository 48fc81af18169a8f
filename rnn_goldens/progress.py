"""Reports the progress of long computations to a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[str, int, int], None]
"""``report(label, done, total)``: the label, the amount of work done, starting with 0, and the total."""

_REPORT: ContextVar[Report | None] = ContextVar("report", default=None)


@contextmanager
def reported_to(report: Report) -> Iterator[None]:
    """Return a context manager that reports the progress of this thread to ``report``."""
    before = _REPORT.set(report)
    try:
        yield
    finally:
        _REPORT.reset(before)


def counting(label: str, total: int) -> Callable[[int], None]:
    """Report the start of some work; return a function to call with each further amount of work done."""
    report, done = _REPORT.get(), 0
    if report is None:
        return lambda _: None

    def count(more: int) -> None:
        nonlocal done
        done += more
        report(label, done, total)

    count(0)
    return count
