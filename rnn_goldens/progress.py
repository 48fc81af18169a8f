"""Reports the progress of long work, whose parts have shares of the whole, to a progress bar."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[str, int, int], None]
"""``report(part, done, total)``: the part that runs, and how much of the whole work is done, starting with 0."""

WHOLE = 1000
"""The total of every report; it is reached only at the end."""


class _Work:
    """Work that is reported: the share of it that is done, and the predicted seconds of the parts that are left."""

    def __init__(self, report: Report) -> None:
        self.report, self.done, self.plan = report, 0.0, dict[str, float]()

    def counting(self, part: str, total: int) -> Callable[[int], None]:
        """Give a part its share of what is left: it and later parts of the plan will run, others no more.

        So a part that is left out, or that begins again, changes the shares of those after it.
        """
        parts = list(self.plan)
        left = [self.plan[name] for name in parts[parts.index(part) :]] if part in self.plan else []
        before, counted = self.done, 0
        share = (1 - before) * left[0] / sum(left) if any(left) else 0.0

        def count(more: int) -> None:
            nonlocal counted
            counted += more
            self.done = before + share * counted / max(total, 1)
            self.report(part, min(int(self.done * WHOLE), WHOLE - 1), WHOLE)

        count(0)
        return count


_WORK: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextmanager
def reported_to(report: Report) -> Iterator[None]:
    """Return a context manager that reports the progress of this thread to ``report``."""
    before = _WORK.set(_Work(report))
    try:
        yield
    finally:
        _WORK.reset(before)


@contextmanager
def one_whole() -> Iterator[None]:
    """Return a context manager for the whole of some work, reported from its start to its end, or to its error."""
    if (work := _WORK.get()) is not None:
        work.done, work.plan = 0.0, {}
    yield
    if work is not None:
        work.report("done", WHOLE, WHOLE)


def planned(seconds: Callable[[], Mapping[str, float]]) -> None:
    """Set the predicted seconds of the parts that are left, in their order; what is done keeps its share."""
    if (work := _WORK.get()) is not None:
        work.plan = dict(seconds())


def counting(part: str, total: int) -> Callable[[int], None]:
    """Report the start of a part of some work; return a function to call with each further amount of work done."""
    work = _WORK.get()
    return (lambda _: None) if work is None else work.counting(part, total)
