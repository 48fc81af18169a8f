"""Reports the progress of long work, whose parts have shares of the whole, to a progress bar."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[str, int, int], None]
"""``report(part, done, total)``: the part that runs, and how much of the whole work is done, starting with 0."""

WHOLE = 1000
"""The total of every report."""


class _Work:
    def __init__(self, report: Report) -> None:
        self._report = report
        self.begin()

    def begin(self, costs: Mapping[str, float] | None = None) -> None:
        """Begin the whole work, or set the costs of its parts; a part without a cost adds nothing to what is done."""
        whole = sum(costs.values()) if costs else 0
        self._shares = {part: cost / whole for part, cost in costs.items()} if costs and whole else {}
        self._done = 0.0

    def counting(self, part: str, total: int) -> Callable[[int], None]:
        share, before, done = self._shares.pop(part, 0.0), self._done, 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            self._done = before + share * (done / total if total else 1)
            self._report(part, round(self._done * WHOLE), WHOLE)

        count(0)
        return count

    def end(self) -> None:
        self._report("done", WHOLE, WHOLE)


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
    """Return a context manager for the whole of some work: reports count from its start to its end."""
    if (work := _WORK.get()) is not None:
        work.begin()
    yield
    if work is not None:
        work.end()


def planned(costs: Callable[[], Mapping[str, float]]) -> None:
    """Set the predicted costs of the parts of a whole, in any unit, if its progress is reported."""
    if (work := _WORK.get()) is not None:
        work.begin(costs())


def counting(part: str, total: int) -> Callable[[int], None]:
    """Report the start of a part of some work; return a function to call with each further amount of work done."""
    work = _WORK.get()
    return (lambda _: None) if work is None else work.counting(part, total)
