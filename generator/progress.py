"""How far the certifying of one golden is: long work is counted here, for a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Look = Callable[[str, int, int], None]
"""``look(doing, done, total)``: what is done, how much of it, and how much there is; from zero on."""

_LOOK: ContextVar[Look | None] = ContextVar("look", default=None)


@contextmanager
def looked_at_by(look: Look) -> Iterator[None]:
    """Show the work that is counted in this thread meanwhile."""
    before = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(before)


def counting(doing: str, total: int) -> Callable[[int], None]:
    """Begin some work; what is returned is called with how much more of it is done."""
    look, done = _LOOK.get(), 0
    if look is None:
        return lambda _: None

    def count(more: int) -> None:
        nonlocal done
        done += more
        look(doing, done, total)

    count(0)
    return count
