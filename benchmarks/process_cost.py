"""Measures a process and its children: wall time, CPU time and peak memory."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_EVERY = 0.1
"""Seconds between two samples of the memory."""


@dataclass(frozen=True)
class Run:
    """The cost of a command.

    Attributes:
        printed: its standard output.
        wall: elapsed seconds.
        cpu: CPU seconds of the process and of the children that it waited for.
        memory: peak memory in bytes; 0 if this system does not report it.
    """

    printed: str
    wall: float
    cpu: float
    memory: int


def run(command: Sequence[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command, with more variables in its environment; exit with its output if it fails."""
    before, start, memory = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    pipe, variables = subprocess.PIPE, {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=cwd, env=variables) as process:
        printed = None
        while printed is None:
            try:
                printed, errors = process.communicate(timeout=SAMPLE_EVERY)
            except subprocess.TimeoutExpired:
                memory = max(memory, memory_of(process.pid) if reports_memory() else 0)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"{printed}{errors}\n{' '.join(command)} failed with {process.returncode}")
    return Run(printed, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory)


def reports_memory() -> bool:
    """Return whether the system has the files that ``memory_of`` reads, as Linux does."""
    this = Path("/proc/self")
    return (this / "smaps_rollup").exists() and (this / "task" / str(os.getpid()) / "children").exists()


def memory_of(pid: int) -> int:
    """Return the bytes of a process and all its descendants: the sum of their proportional set sizes."""
    process = Path("/proc") / str(pid)
    try:
        rollup = (process / "smaps_rollup").read_text()
        children = [child for task in (process / "task").iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0
    kibibytes = next((line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")), "0")
    return int(kibibytes) * 1024 + sum(memory_of(int(child)) for child in children)
