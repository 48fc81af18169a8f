"""Processes of this machine that work, a core each, and are asked over pipes.

None of ``concurrent.futures``: the locks of its processes have names in the system. Where the process that made them is
ended by what it asks, as by an implementation that crashes, Python complains on stderr that they were left behind.
"""

import os
import pickle
import signal
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.resource_tracker import ensure_running
from queue import SimpleQueue
from threading import Thread
from traceback import format_exception
from typing import Any, TypeAlias

Pipe: TypeAlias = "Connection[bytes, bytes]"
Work = Callable[[Any], Any]
Submit = Callable[[Work, Any], Future[Any]]


@contextmanager
def processes() -> Iterator[Submit]:
    """Have work done, by a function of a module that is sent with its argument; all ends with the block.

    What was submitted and not begun is cancelled then; what is at work comes to its end, or is ended if the block
    raises. A future raises BrokenExecutor if the process that worked was killed.
    """
    spawn = get_context("spawn")  # not fork: threads of torch or of a progress bar would be copied in whatever state
    end, held = spawn.Pipe(duplex=False)
    idle = SimpleQueue[Pipe]()
    ensure_running()  # Python's own process beside every pool: starting it makes Ctrl-C heard again
    with ExitStack() as joined, end, held, ExitStack() as pipes, ThreadPoolExecutor(_cores()) as threads:
        with _ctrl_c_held_back():
            for _ in range(_cores()):
                idle.put(_started(spawn, end, joined, pipes))
        try:
            yield lambda work, item: threads.submit(_asked, idle, work, item)
        except BaseException:
            held.close()
            raise
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _started(spawn: SpawnContext, end: "Connection[None, None]", joined: ExitStack, pipes: ExitStack) -> Pipe:
    """The pipe to a new process, which ends when that is closed."""
    ours, theirs = spawn.Pipe()
    pipes.enter_context(ours)
    with theirs:
        process = spawn.Process(target=_serve, args=(theirs, end), daemon=True)
        process.start()
    joined.callback(process.join)
    return ours


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """A process that is started meanwhile does not hear Ctrl-C, also while it can not answer it yet."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _asked(idle: SimpleQueue[Pipe], work: Work, item: object) -> object:
    """What a process that has nothing to do makes of an item; in a thread, of which there are as many as processes."""
    request = pickle.dumps((work, item))
    process = idle.get()
    try:
        process.send_bytes(request)
        answer = process.recv_bytes()
    except (OSError, EOFError):
        raise BrokenExecutor("a process that worked was killed") from None
    finally:
        idle.put(process)
    done: _Done = pickle.loads(answer)
    if done.error is not None:
        raise done.error from _There(done.traceback)
    return done.result


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Done:
    """What became of an item, or the error that it raised and where, in words."""

    result: object = None
    error: BaseException | None = None
    traceback: str = ""

    @classmethod
    def by(cls, error: BaseException) -> "_Done":
        return cls(error=error, traceback="".join(format_exception(error)))


class _There(Exception):
    """The traceback of another process."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


@dataclass
class _Worker:
    """What a process knows of itself."""

    at_work: bool = False
    wanted: bool = True

    def end_work(self, *_: object) -> None:
        """End work that is not wanted; never the sending of a result, for the rest of which the parent would wait."""
        if self.at_work and not self.wanted:
            self.at_work = False
            raise KeyboardInterrupt


_worker = _Worker()


def _serve(asked: Pipe, end: "Connection[None, None]") -> None:
    """Work in a process of its own; Ctrl-C, which a terminal sends to every process, is for the parent to answer."""
    signal.signal(signal.SIGINT, _worker.end_work)
    Thread(target=_end_with_parent, args=(end,), daemon=True).start()
    while True:
        try:
            asked.send_bytes(_answer(asked.recv_bytes()))
        except (OSError, EOFError):  # whoever asked is gone
            return


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


def _answer(request: bytes) -> bytes:
    try:
        return pickle.dumps(_Done(_do(*pickle.loads(request))))
    except BaseException as error:
        return _as_sent(error)


def _as_sent(error: BaseException) -> bytes:
    """An error, if it can be sent; else the one that says why not, and of which it is the context."""
    try:
        sent = pickle.dumps(_Done.by(error))
        pickle.loads(sent)
    except Exception as unsent:
        return pickle.dumps(_Done.by(unsent))
    return sent


def _do(work: Work, item: object) -> object:
    _worker.at_work = True
    try:
        _worker.end_work()
        return work(item)
    finally:
        _worker.at_work = False
