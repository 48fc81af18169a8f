"""The same work for many scenarios or goldens, on every core, or wherever an executor does it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from itertools import islice
from threading import Lock
from typing import TypeVar

from rnn_goldens.errors import WorkersFailed
from rnn_goldens.generator.processes import processes

In = TypeVar("In")
Out = TypeVar("Out")

WORTH_A_POOL = 16
"""Below so many items, starting processes that import torch costs more than they save."""

AHEAD = 1000
"""Results awaited at once by default: enough for hundreds of workers, few enough to be held if the first comes last."""

_TURN = Lock()


def in_order(
    work: Callable[[In], Out], items: Sequence[In], executor: Executor | None = None, *, ahead: int = AHEAD
) -> Generator[Out, None, None]:
    """Yield the results of a function for each item, in order; the first error ends it, and what is still at work.

    So does closing it, which who takes the results has to do where they may raise in between (``contextlib.closing``).

    Args:
        work: a function of a module, for it is sent to other processes.
        items: what it is called with; sent as well.
        executor: who does the work, and stays as it is when that ends: what is at work then comes to its own end.
            Threads of one process take turns. If None, processes of this machine, a core each, if there are
            ``WORTH_A_POOL`` items.
        ahead: results awaited at once, at most.

    Raises:
        WorkersFailed: a process that worked was killed.
    """
    if executor is not None:
        yield from _results(lambda item: executor.submit(_in_turn, work, item), items, ahead)
    elif len(items) < WORTH_A_POOL:
        yield from map(work, items)
    else:
        with processes() as submit:
            yield from _results(partial(submit, work), items, ahead)


def _results(submit: Callable[[In], Future[Out]], items: Iterable[In], ahead: int) -> Iterator[Out]:
    left, awaited = iter(items), deque[Future[Out]]()
    try:
        while True:
            awaited.extend(map(submit, islice(left, ahead - len(awaited))))
            if not awaited:
                return
            yield awaited[0].result()
            awaited.popleft()
    except BrokenExecutor:
        raise WorkersFailed(
            "a process that worked was killed: by somebody, or by the system for want of memory; run it again"
        ) from None
    finally:
        for future in awaited:
            future.cancel()


def _in_turn(work: Callable[[In], Out], item: In) -> Out:
    """Work alone in its process: a working precision is set for all threads of one, and so is what torch runs on."""
    with _TURN:
        return work(item)
