"""Starts a Dask cluster as users do: a scheduler and workers, each a process that can be killed."""

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
"""Time limit for operations that take a few seconds on an idle machine."""


@dataclass
class Processes:
    """The processes of a cluster.

    Attributes:
        folder: their working directory, which does not contain the modules that the workers import.
        scheduler: the process of the scheduler.
        workers: the processes of the workers, in the order in which they were added.
    """

    folder: Path
    scheduler: "subprocess.Popen[bytes]"
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        wait_until(lambda: _is_complete(_file(self.folder)))
        return str(json.loads(_file(self.folder).read_text())["address"])

    def add_worker(self, *options: str, path: Path | None = None) -> None:
        """Start a worker that imports from ``path`` first, and wait until it is registered."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(_started("worker", self.folder, log, "--no-nanny", *options, path=path))
        wait_until(lambda: b"Registered to" in log.read_bytes())


@contextmanager
def dask_processes(folder: Path, path: Path | None = None) -> Iterator[Processes]:
    """Start a scheduler without workers; it imports from ``path`` first. All processes are killed at the end."""
    folder.mkdir()
    processes = Processes(folder, _started("scheduler", folder, folder / "scheduler.log", "--port", "0", path=path))
    try:
        yield processes
    finally:
        for process in (*processes.workers, processes.scheduler):
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true; fail after the time limit."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "time limit exceeded"
        time.sleep(0.02)


def _started(kind: str, folder: Path, log: Path, *options: str, path: Path | None) -> "subprocess.Popen[bytes]":
    common = ("--scheduler-file", str(_file(folder)), "--host", "127.0.0.1", "--no-dashboard")
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *common, *options]
    with log.open("wb") as output:
        environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)


def _file(folder: Path) -> Path:
    return folder / "scheduler.json"


def _is_complete(file: Path) -> bool:
    """Return whether the JSON file of the scheduler is complete: the scheduler does not write it atomically."""
    try:
        json.loads(file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return True
