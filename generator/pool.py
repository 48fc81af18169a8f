"""The same work for many scenarios or goldens, on every core."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

WORTH_A_POOL = 16
"""Below so many items, starting processes that import torch costs more than they save."""


def in_order(work: Callable[[In], Out], items: Sequence[In]) -> Iterator[Out]:
    """Yield the results of a function for each item, in order; the first error ends it."""
    if len(items) < WORTH_A_POOL:
        yield from map(work, items)
        return
    # Not fork: threads of torch or of a progress bar would be copied in whatever state they are.
    with ProcessPoolExecutor(_cores(), mp_context=get_context("spawn"), initializer=_one_thread_each) as pool:
        try:
            yield from pool.map(work, items, chunksize=2)
        finally:
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _one_thread_each() -> None:
    import torch

    torch.set_num_threads(1)
