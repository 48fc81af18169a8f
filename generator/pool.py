"""The same work for many scenarios or goldens, on every core, or wherever an executor does it."""

import os
import signal
from _thread import interrupt_main
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Lock, Thread
from typing import TypeVar

from rnn_goldens.errors import WorkersFailed

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
        yield from _in_processes(work, items, ahead)


def _in_processes(work: Callable[[In], Out], items: Sequence[In], ahead: int) -> Generator[Out, None, None]:
    spawn = get_context("spawn")  # not fork: threads of torch or of a progress bar would be copied in whatever state
    end, held = spawn.Pipe(duplex=False)
    with end, held:
        pool = ProcessPoolExecutor(_cores(), spawn, _begin, (end,))
        try:
            yield from _results(lambda item: _unheard(pool.submit, _do, work, item), items, ahead)
        except BaseException:
            held.close()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _unheard(submit: Callable[..., Future[Out]], *args: object) -> Future[Out]:
    """Submit work; a process that is started for it does not hear Ctrl-C, also while it can not answer it yet."""
    if not hasattr(signal, "pthread_sigmask"):
        return submit(*args)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return submit(*args)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Worker:
    """What a process of the pool knows of itself."""

    at_work: bool = False
    wanted: bool = True

    def end_work(self, *_: object) -> None:
        """End work that is not wanted; never the sending of a result, for the rest of which the parent would wait."""
        if self.at_work and not self.wanted:
            self.at_work = False
            raise KeyboardInterrupt


_worker = _Worker()


def _begin(end: "Connection[None, None]") -> None:
    """Make a process ready; Ctrl-C, which a terminal sends to every process, is for the parent to answer."""
    signal.signal(signal.SIGINT, _worker.end_work)
    Thread(target=_end_with_parent, args=(end,), daemon=True).start()


def _end_with_parent(end: "Connection[None, None]") -> None:
    """Wait until the parent closes a pipe, and end the work; or until it is gone, however, and end the process."""
    parent = parent_process()
    assert parent is not None
    if parent.sentinel not in wait([end, parent.sentinel]):
        _worker.wanted = False
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # nobody knows where the interrupt is raised
        interrupt_main()
        wait([parent.sentinel])
    os._exit(1)


def _do(work: Callable[[In], Out], item: In) -> Out:
    _worker.at_work = True
    try:
        _worker.end_work()
        return work(item)
    finally:
        _worker.at_work = False


def _in_turn(work: Callable[[In], Out], item: In) -> Out:
    """Work alone in its process: a working precision is set for all threads of one, and so is what torch runs on."""
    with _TURN:
        return work(item)
