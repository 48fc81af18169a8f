"""Runs ``rnn-goldens check -- COMMAND`` and checks that no process of the program is left."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TINY_RNN = (sys.executable, str(Path(__file__).with_name("tiny_rnn.py")))


@dataclass(frozen=True)
class Checked:
    """The results of ``check``.

    Attributes:
        code: exit code.
        shown: output.
        results: entries of the results file in the order of the run, without goldens that were refused without a
            request; empty for an incomplete run.
        processes: ids of the processes of the program, including children.
    """

    code: int
    shown: str
    results: list[dict[str, Any]]
    processes: list[int]

    @property
    def outcomes(self) -> list[str]:
        return [result["outcome"] for result in self.results]


def check_program(folder: Path, options: tuple[str, ...], command: tuple[str, ...]) -> Checked:
    pids, report = folder / "pids.txt", folder / "results.json"
    for earlier in (pids, report):
        earlier.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "rnn_goldens", "check", f"--rnn-goldens-report={report}", *options, "--", *command],
        cwd=folder,
        env=os.environ | {"PIDS": str(pids)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    processes = process_ids(pids)
    assert not still_running(processes)
    assert not watchdogs(pids)
    results = json.loads(report.read_text("utf-8")).get("results", []) if report.exists() else []
    requested = [result for result in results if "does not support" not in result.get("reason", "")]
    return Checked(done.returncode, done.stdout + done.stderr, requested, processes)


def process_ids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text("utf-8").split()] if file.exists() else []


def still_running(processes: list[int], seconds: float = 0) -> list[int]:
    """Return the processes that are still running; waits up to ``seconds`` for them to end."""
    end = time.monotonic() + seconds
    while (left := _running(processes)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def _running(processes: list[int]) -> list[int]:
    listed = subprocess.run(["ps", "-e", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    running = {int(pid) for pid, stat in map(str.split, listed.splitlines()) if not stat.startswith("Z")}
    return [pid for pid in processes if pid in running]


def watchdogs(pids: Path, seconds: float = 0) -> list[int]:
    """Return the watchdog shells of a run that are still running; waits up to ``seconds`` for them to end."""
    end = time.monotonic() + seconds
    while (left := _watchdogs(pids)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def _watchdogs(pids: Path) -> list[int]:
    """Return the running watchdog shells, whose environment contains the path of the file of process ids."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            of_this_run = f"PIDS={pids}\0".encode() in (folder / "environ").read_bytes()
            if of_this_run and b"rnn-goldens-watchdog" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
