"""What a process and all it starts cost: time, CPU, and memory where it is largest."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY = 0.1
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Run:
    """What a command cost.

    Attributes:
        printed: what it wrote to its standard output.
        wall: seconds.
        cpu: seconds, of the process and of all it started and waited for.
        memory: bytes, where they were most; 0 if this system does not tell.
    """

    printed: str
    wall: float
    cpu: float
    memory: int


def run(command: Sequence[str], cwd: Path | None = None) -> Run:
    """Run a command, and end with what it said if it fails."""
    before, start, memory = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd) as process:
        printed = None
        while printed is None:
            try:
                printed, _ = process.communicate(timeout=LOOK_EVERY)
            except subprocess.TimeoutExpired:
                memory = max(memory, memory_of(process.pid) if tells_memory() else 0)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"{printed}{' '.join(command)} failed with {process.returncode}; what it said stands above")
    return Run(printed, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory)


def tells_memory() -> bool:
    """Whether the system says what ``memory_of`` asks: Linux does."""
    this = Path("/proc/self")
    return (this / "smaps_rollup").exists() and (this / "task" / str(os.getpid()) / "children").exists()


def memory_of(pid: int) -> int:
    """Bytes of a process and of all it started, and they in turn: proportional set sizes, added up."""
    process = Path("/proc") / str(pid)
    try:
        rollup = (process / "smaps_rollup").read_text()
        children = [child for task in (process / "task").iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0
    kibibytes = next((line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")), "0")
    return int(kibibytes) * 1024 + sum(memory_of(int(child)) for child in children)
