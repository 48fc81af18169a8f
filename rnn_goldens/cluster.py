"""A Dask cluster as an executor. If a worker is killed, another one repeats its work.

Work is sent pickled. A worker unpickles it only if the worker has the same version of this package.
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
"""Seconds to wait for an answer of the scheduler."""

PATIENCE = 30.0
"""Seconds that a cluster may have no worker."""

_LOOK_EVERY = 0.5
_GONE = "the scheduler of the cluster has stopped"
_PACKAGE = "rnn-goldens"
_REMEDY = f"install the same version on scheduler and workers: pip install '{_PACKAGE}[generate]=={{}}'"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's log messages about lost workers and schedulers: errors report the losses."""
    loggers = [getLogger(name) for name in ("distributed", "distributed.client")]  # each has its own level
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
    """Return a context manager for a Dask cluster as an executor. Needs ``distributed``.

    Scheduler and workers need this version of rnn-goldens, and workers also the requirements of the work, such as
    python-flint. A worker without rnn-goldens ends when it receives work.

    Args:
        address: the address of the scheduler, such as ``tcp://192.168.0.7:8786``.
        answer: seconds to wait for an answer of the scheduler.
        patience: seconds that the cluster may have no worker before the work fails with ``WorkersFailed``.

    Raises:
        WrongUse: ``distributed`` is not installed, the address is invalid, or no scheduler answers there.
    """
    try:
        import distributed  # noqa: F401 - it sets log levels, so that it comes before ``_quiet``
    except ModuleNotFoundError:
        raise WrongUse(f"a Dask cluster needs distributed: pip install '{_PACKAGE}[dask]'") from None
    with _quiet(), _connected(address, answer) as client:
        executor = _Cluster(client, address, patience)
        try:
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)


def executor(address: str | None) -> AbstractContextManager[Executor | None]:
    """Return a context manager for the cluster at an address. Without an address, it yields None: use local cores."""
    return nullcontext() if address is None else cluster(address)


def _connected(address: str, answer: float) -> "Client":
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port

    try:
        host, _ = get_address_host_port(address)
    except ValueError:
        host = ""
    if not host:
        raise WrongUse(f"{address!r} is not the address of a scheduler, such as tcp://192.168.0.7:8786")
    with ThreadPoolExecutor(1) as apart:  # in a notebook this thread already runs an event loop
        kind = apart.submit(asyncio.run, _answering(address, answer)).result()
    if kind != "Scheduler":
        raise WrongUse(
            f"{address}: a {kind.lower()} of a Dask cluster answers there; use the address of its scheduler"
            if kind
            else f"{address}: no Dask scheduler answers there within {answer:g} s"
        )
    return Client(address, timeout=answer, set_as_default=False)


async def _answering(address: str, answer: float) -> str:
    """Return the kind of Dask process that answers, "" if none does. Not by Dask's client, which may wait forever."""
    from distributed.core import rpc
    from distributed.security import Security

    async with rpc(address, timeout=answer, connection_args=Security().get_connection_args("client")) as there:
        try:
            identity = await asyncio.wait_for(there.identity(), answer)
        except (OSError, OverflowError):  # includes TimeoutError; OverflowError for an invalid port
            return ""
    return str(identity["type"])


class _Cluster(Executor):
    """Submits work to a cluster. All pending work fails if the scheduler stops or no worker is left."""

    def __init__(self, client: "Client", address: str, patience: float) -> None:
        self._client, self._address, self._patience = client, address, patience
        self._executor = client.get_executor(pure=False)
        self._open: set[Future[Any]] = set()
        self._failed: WorkersFailed | None = None
        self._ended = Event()
        self._watch = Thread(target=self._watch_workers, daemon=True)
        self._watch.start()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - signature of Executor
        """Submit a call, as ``Executor.submit`` does. The function, its arguments and its result are pickled."""
        from distributed.protocol.pickle import dumps

        result: Future[Any] = Future()
        packed = dumps((function, args, kwargs))
        self._open.add(result)
        if self._failed is None and self._client.status == "closed":
            self._fail(_GONE)
        if self._failed:
            with suppress(InvalidStateError):  # the watch thread may have set it meanwhile
                result.set_exception(self._failed)
            return result
        remote = self._executor.submit(_run_packed, version(_PACKAGE), packed)

        def done(_: Future[Any]) -> None:
            self._open.discard(result)
            remote.cancel()

        result.add_done_callback(done)
        remote.add_done_callback(lambda _: self._transfer(remote, result))
        return result

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop watching the cluster, and cancel pending work if ``cancel_futures``. The cluster keeps running."""
        self._ended.set()
        for result in list(self._open) if cancel_futures else ():
            result.cancel()
        if wait:
            self._watch.join()

    def _transfer(self, remote: Future[Any], result: Future[Any]) -> None:
        """Copy the result or error of a remote future."""
        with suppress(InvalidStateError):  # it was cancelled or failed meanwhile
            if remote.cancelled():
                result.set_exception(WorkersFailed(f"{self._address}: {_GONE}"))
            elif error := remote.exception():
                result.set_exception(self._translated(error))
            else:
                result.set_result(remote.result())

    def _translated(self, error: BaseException) -> BaseException:
        """Replace errors of the cluster by ``WorkersFailed``; errors of the work are unchanged."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return WorkersFailed(
                f"{self._address}: the same work killed several workers one after the other; it may need more memory"
            )
        if isinstance(error, (ImportError, AttributeError)) or "deserializ" in str(error):
            cause = error.__cause__ or error
            return WorkersFailed(f"{self._address}: {cause}; {_REMEDY.format(version(_PACKAGE))}")
        return error

    def _watch_workers(self) -> None:
        """Fail all work once there is no scheduler, or there has been no worker for too long."""
        last_seen = monotonic()
        while not self._ended.wait(_LOOK_EVERY):
            scheduler = self._client.scheduler
            if scheduler is None:  # the client has given up reconnecting
                return self._fail(_GONE)
            with suppress(OSError, RuntimeError):  # no answer in time, or the connection was closed meanwhile
                last_seen = monotonic() if self._client.sync(scheduler.ncores, callback_timeout=ANSWER) else last_seen
            if monotonic() - last_seen > self._patience:
                no_worker = f"the cluster has had no worker for {self._patience:g} s"
                return self._fail(f"{no_worker}; start some with {_PACKAGE} installed, and retry")
        return None

    def _fail(self, why: str) -> None:
        """Fail all pending and future work."""
        self._failed = WorkersFailed(f"{self._address}: {why}")
        for result in list(self._open):
            with suppress(InvalidStateError):
                result.set_exception(self._failed)


def _run_packed(wanted: str, packed: bytes) -> Any:  # noqa: ANN401 - the function may return anything
    """Call a pickled function on a worker, which must have the wanted version of this package."""
    from distributed import get_worker
    from distributed.protocol.pickle import loads

    found = version(_PACKAGE)
    if found != wanted:
        raise WorkersFailed(f"{get_worker().address}: this worker has {_PACKAGE} {found}; {_REMEDY.format(wanted)}")
    try:
        function, args, kwargs = loads(packed)
    except (ImportError, AttributeError, RnnGoldensError) as error:
        raise WorkersFailed(f"{get_worker().address}: this worker cannot do the work: {error}") from None
    return function(*args, **kwargs)
