"""A Dask cluster as its users start it: a scheduler and workers, each a process that can be killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 60
"""For what takes a few where nothing else runs."""


@dataclass
class Processes:
    """A cluster's processes.

    Attributes:
        folder: where they run, and nothing of the work is.
        scheduler: the scheduler's.
        workers: the workers', in the order in which they were added.
    """

    folder: Path
    scheduler: "subprocess.Popen[bytes]"
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of the scheduler."""
        wait_until(_file(self.folder).exists)
        return str(json.loads(_file(self.folder).read_text())["address"])

    def add_worker(self, *options: str, path: Path | None = None) -> None:
        """Start one more, which finds modules in ``path`` first, and wait until the scheduler knows it."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(_started("worker", self.folder, log, "--no-nanny", *options, path=path))
        wait_until(lambda: b"Registered to" in log.read_bytes())


@contextmanager
def dask_processes(folder: Path, path: Path | None = None) -> Iterator[Processes]:
    """A scheduler, which finds modules in ``path`` first; workers are to be added. Killed at the end."""
    folder.mkdir()
    processes = Processes(folder, _started("scheduler", folder, folder / "scheduler.log", "--port", "0", path=path))
    try:
        yield processes
    finally:
        for process in (*processes.workers, processes.scheduler):
            process.kill()
            process.wait()


def wait_until(so: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    end = time.monotonic() + SECONDS
    while not so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _started(what: str, folder: Path, log: Path, *options: str, path: Path | None) -> "subprocess.Popen[bytes]":
    common = ("--scheduler-file", str(_file(folder)), "--host", "127.0.0.1", "--no-dashboard")
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *common, *options]
    with log.open("wb") as output:
        environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)


def _file(folder: Path) -> Path:
    return folder / "scheduler.json"
