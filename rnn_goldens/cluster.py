"""A Dask cluster as an executor. Its workers may be killed: what they were at, others do again.

What is to be done is sent pickled, and unpickled by the worker alone, after it has seen that it runs this very version.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib.metadata import version
from logging import CRITICAL, getLogger
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from rnn_goldens.errors import RnnGoldensError, WorkersFailed, WrongUse

if TYPE_CHECKING:
    from distributed import Client

ANSWER = 10.0
"""Seconds that a scheduler has to answer."""

PATIENCE = 30.0
"""Seconds that a cluster may be without any worker."""

_LOOK_EVERY = 0.5
_GONE = "the scheduler of the cluster is gone"
_PACKAGE = "rnn-goldens"
_REMEDY = f"install on scheduler and workers what is here: pip install '{_PACKAGE}[generate]=={{}}'"


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask would log of lost workers and schedulers, errors say."""
    loggers = [getLogger(name) for name in ("distributed", "distributed.client")]  # each has a level of its own
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def cluster(address: str, *, answer: float = ANSWER, patience: float = PATIENCE) -> Iterator[Executor]:
    """The cluster at an address as an executor, for a while. Needs ``distributed``.

    Scheduler and workers need this version of rnn-goldens, and workers what the work needs, such as python-flint. A
    worker that has no rnn-goldens at all ends when it is asked.

    Args:
        address: of the scheduler, such as ``tcp://192.168.0.7:8786``.
        answer: seconds it has to answer.
        patience: seconds the cluster may be without any worker, before what is asked fails with ``WorkersFailed``.

    Raises:
        WrongUse: no ``distributed``, no address, or no scheduler that answers there.
    """
    _require_distributed()
    with _quiet(), _connected(address, answer) as client:
        executor = _Cluster(client, address, patience)
        try:
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)


def executor(address: str | None) -> AbstractContextManager[Executor | None]:
    """The cluster at an address for a while; None, which is every core of this machine, if there is no address."""
    return nullcontext() if address is None else cluster(address)


def _require_distributed() -> None:
    """Import it: it sets up its loggers when it is."""
    try:
        import distributed  # noqa: F401
    except ModuleNotFoundError:
        raise WrongUse(f"a Dask cluster needs distributed: pip install '{_PACKAGE}[dask]'") from None


def _connected(address: str, answer: float) -> "Client":
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port

    try:
        host, _ = get_address_host_port(address)
    except ValueError:
        host = ""
    if not host:
        raise WrongUse(f"{address!r} is no address of a scheduler, such as tcp://192.168.0.7:8786")
    with ThreadPoolExecutor(1) as apart:  # in a notebook this thread has a loop of its own
        kind = apart.submit(asyncio.run, _answering(address, answer)).result()
    if kind != "Scheduler":
        raise WrongUse(
            f"{address}: a {kind.lower()} of a Dask cluster answers there; its scheduler is asked"
            if kind
            else f"{address}: no Dask scheduler answers there within {answer:g} s"
        )
    return Client(address, timeout=answer, set_as_default=False)


async def _answering(address: str, answer: float) -> str:
    """What answers there; nothing if none of Dask's does. A client of Dask's would wait for ever for some others."""
    from distributed.core import rpc
    from distributed.security import Security

    async with rpc(address, timeout=answer, connection_args=Security().get_connection_args("client")) as there:
        try:
            identity = await asyncio.wait_for(there.identity(), answer)
        except (OSError, OverflowError):  # of which a TimeoutError is one; a port beyond all ports
            return ""
    return str(identity["type"])


class _Cluster(Executor):
    """Asks a cluster, and fails what it was asked when nobody is left to do it."""

    def __init__(self, client: "Client", address: str, patience: float) -> None:
        self._client, self._address, self._patience = client, address, patience
        self._asked = client.get_executor(pure=False)
        self._open: set[Future[Any]] = set()
        self._failed: WorkersFailed | None = None
        self._ended = Event()
        self._watch = Thread(target=self._watch_workers, daemon=True)
        self._watch.start()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as of the class
        """As of the class; the function, its arguments and what it returns are pickled."""
        from distributed.protocol.pickle import dumps

        promised: Future[Any] = Future()
        packed = dumps((function, args, kwargs))
        self._open.add(promised)
        if self._failed is None and self._client.status == "closed":
            self._fail(_GONE)
        if self._failed:
            with suppress(InvalidStateError):  # the watch told it meanwhile
                promised.set_exception(self._failed)
            return promised
        asked = self._asked.submit(_do, version(_PACKAGE), packed)

        def over(_: Future[Any]) -> None:
            self._open.discard(promised)
            asked.cancel()

        promised.add_done_callback(over)
        asked.add_done_callback(lambda _: self._keep(promised, asked))
        return promised

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the watch, and with ``cancel_futures`` what is still asked; the cluster stays."""
        self._ended.set()
        for promised in list(self._open) if cancel_futures else ():
            promised.cancel()
        if wait:
            self._watch.join()

    def _keep(self, promised: Future[Any], asked: Future[Any]) -> None:
        """Hand on what the cluster answered."""
        with suppress(InvalidStateError):  # it was cancelled, or failed, meanwhile
            if asked.cancelled():
                promised.set_exception(WorkersFailed(f"{self._address}: {_GONE}"))
            elif error := asked.exception():
                promised.set_exception(self._said(error))
            else:
                promised.set_result(asked.result())

    def _said(self, error: BaseException) -> BaseException:
        """An error of the cluster's in words of ours; those of the work as they are."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return WorkersFailed(
                f"{self._address}: the same work killed several workers one after the other, perhaps for want of memory"
            )
        if isinstance(error, (ImportError, AttributeError)) or "deserializ" in str(error):
            cause = error.__cause__ or error
            return WorkersFailed(f"{self._address}: {cause}; {_REMEDY.format(version(_PACKAGE))}")
        return error

    def _watch_workers(self) -> None:
        """Fail what is asked once there has been no worker for too long, or no scheduler."""
        seen = monotonic()
        while not self._ended.wait(_LOOK_EVERY):
            scheduler = self._client.scheduler
            if scheduler is None:  # the client has tried to connect again and given up
                return self._fail(_GONE)
            with suppress(OSError, RuntimeError):  # no answer in time; a connection that was closed meanwhile
                seen = monotonic() if self._client.sync(scheduler.ncores, callback_timeout=ANSWER) else seen
            if monotonic() - seen > self._patience:
                without = f"the cluster has had no worker for {self._patience:g} s"
                return self._fail(f"{without}; start some, with {_PACKAGE} installed, and run it again")
        return None

    def _fail(self, why: str) -> None:
        """Fail what is asked and what will be."""
        self._failed = WorkersFailed(f"{self._address}: {why}")
        for promised in list(self._open):
            with suppress(InvalidStateError):
                promised.set_exception(self._failed)


def _do(wanted: str, packed: bytes) -> Any:  # noqa: ANN401 - whatever the function returns
    """Call a function on a worker."""
    from distributed import get_worker
    from distributed.protocol.pickle import loads

    found = version(_PACKAGE)
    if found != wanted:
        raise WorkersFailed(f"{get_worker().address}: this worker has {_PACKAGE} {found}; {_REMEDY.format(wanted)}")
    try:
        function, args, kwargs = loads(packed)
    except (ImportError, AttributeError, RnnGoldensError) as error:
        raise WorkersFailed(f"{get_worker().address}: this worker can not do it: {error}") from None
    return function(*args, **kwargs)
