"""Runs a function for many scenarios or goldens: on all cores, or with an executor."""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import active_children, get_context, parent_process
from threading import Lock, Thread
from typing import TypeVar

from rnn_goldens.errors import WorkersFailed

In = TypeVar("In")
Out = TypeVar("Out")

WORTH_A_POOL = 16
"""The least number of items for which starting processes, which import torch, saves time."""

AHEAD = 1000
"""The largest number of pending results: enough for hundreds of workers, and small enough to keep in memory."""

_TURN = Lock()


def in_order(
    work: Callable[[In], Out],
    items: Sequence[In],
    executor: Executor | None = None,
    *,
    parallel: bool = False,
) -> Generator[Out, None, None]:
    """Yield the results of a function for each item, in order. The first error cancels all other work.

    Closing the generator cancels the work, too; callers that may raise an error must close it (``contextlib.closing``).

    The function and the items are pickled. An executor is not shut down, calls that already run are not interrupted,
    and only one thread of a process works at a time. Without one there is a process per core, or only this process for
    fewer than ``WORTH_A_POOL`` items, unless ``parallel``. Raises WorkersFailed if a worker process was killed.
    """
    if executor is not None:
        awaited = deque[Future[Out]]()
        try:
            yield from _results(lambda item: executor.submit(_in_turn, work, item), items, awaited)
        finally:
            for future in awaited:
                future.cancel()
    elif len(items) < WORTH_A_POOL and not parallel:
        yield from map(work, items)
    else:
        with _processes() as pool:
            yield from _results(lambda item: pool.submit(work, item), items, deque())


def cores() -> int:
    """Return the number of processes of a pool."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _processes() -> Iterator[Executor]:
    """Return a context manager for an executor with one process per core, which are terminated after an error."""
    before = set(active_children())
    spawn = get_context("spawn")  # not fork: it would copy threads of torch or of a progress bar in any state
    with ProcessPoolExecutor(cores(), spawn, _begin) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(active_children()) - before:
                process.terminate()
            raise


def _begin() -> None:
    """Make a worker process end with its parent, and silently on Ctrl-C, which a terminal sends to all processes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End this process when its parent ends."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _results(submit: Callable[[In], Future[Out]], items: Iterable[In], awaited: deque[Future[Out]]) -> Iterator[Out]:
    left = iter(items)
    try:
        while True:
            awaited.extend(map(submit, islice(left, AHEAD - len(awaited))))
            if not awaited:
                return
            yield awaited[0].result()
            awaited.popleft()
    except BrokenExecutor:
        raise WorkersFailed(
            "a worker process was killed, perhaps by the system because of a lack of memory; retry"
        ) from None


def _in_turn(work: Callable[[In], Out], item: In) -> Out:
    """Call a function, in one thread at a time: working precision and numbers of threads are global."""
    with _TURN:
        return work(item)
