"""The same work for many scenarios or goldens, on every core, or wherever an executor does it."""

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
"""Below so many items, starting processes that import torch costs more than they save."""

AHEAD = 1000
"""Results awaited at once: enough for hundreds of workers, few enough to be held if the first comes last."""

_TURN = Lock()


def in_order(
    work: Callable[[In], Out], items: Sequence[In], executor: Executor | None = None
) -> Generator[Out, None, None]:
    """Yield the results of a function for each item, in order; the first error ends it, and what is still at work.

    So does closing it, which who takes the results has to do where they may raise in between (``contextlib.closing``).

    Args:
        work: a function of a module, for it is sent to other processes.
        items: what it is called with; sent as well.
        executor: who does the work, and stays as it is when that ends: what is at work then comes to its own end.
            Threads of one process take turns. If None, processes of this machine, a core each, if there are
            ``WORTH_A_POOL`` items.

    Raises:
        WorkersFailed: a process that worked was killed.
    """
    if executor is not None:
        awaited = deque[Future[Out]]()
        try:
            yield from _results(lambda item: executor.submit(_in_turn, work, item), items, awaited)
        finally:
            for future in awaited:
                future.cancel()
    elif len(items) < WORTH_A_POOL:
        yield from map(work, items)
    else:
        with _processes() as pool:
            yield from _results(lambda item: pool.submit(work, item), items, deque())


@contextmanager
def _processes() -> Iterator[Executor]:
    """Processes of this machine, a core each, which end with the block; at once, if it raises."""
    others = set(active_children())
    spawn = get_context("spawn")  # not fork: threads of torch or of a progress bar would be copied in whatever state
    with ProcessPoolExecutor(_cores(), spawn, _begin) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(active_children()) - others:
                process.terminate()
            raise


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    """In each process: Ctrl-C, which a terminal sends to all, ends it without a word; so does the end of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End this process when its parent has ended, whatever it is doing."""
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
            "a process that worked was killed: by somebody, or by the system for want of memory; run it again"
        ) from None


def _in_turn(work: Callable[[In], Out], item: In) -> Out:
    """Work alone in its process: a working precision is set for all threads of one, and so is what torch runs on."""
    with _TURN:
        return work(item)
