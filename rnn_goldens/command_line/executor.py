"""Who does the work of a command: a Dask cluster, or this machine."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor


def executor(address: str | None) -> "AbstractContextManager[Executor | None]":
    """The cluster at an address for a while; None, which is every core of this machine, if there is no address.

    Raises:
        WrongUse: as ``rnn_goldens.cluster.cluster``.
    """
    from rnn_goldens.cluster import cluster

    return nullcontext() if address is None else cluster(address)
