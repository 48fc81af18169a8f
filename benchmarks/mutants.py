"""Runs Cosmic Ray's mutants of the modules that decide what passes, in clones of the last commit.

A mutant that survives needs a test, unless it is equivalent to the original.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured

FOLDER = page.ROOT / "build" / "mutants"
CONFIGURATION, SESSION = "benchmarks/mutants.toml", "session.sqlite"


def measured(sample: int = 0, seed: int = 1) -> Measured:
    """Return Cosmic Ray's report of the mutants that survive, with their number."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    clones = [FOLDER / str(number) for number in range(PROCESSES)]
    for clone in clones:
        subprocess.run(["git", "clone", "--quiet", page.ROOT, clone], check=True)
    _run(clones[0], "cosmic-ray", "init", CONFIGURATION, SESSION)
    for clone in clones[1:]:
        shutil.copy(clones[0] / SESSION, clone / SESSION)
    chosen = sampled(_mutants(clones[0]), sample, seed)
    for number, clone in enumerate(clones):
        _keep(clone, chosen[number::PROCESSES])
    with ThreadPoolExecutor(PROCESSES) as pool:
        reports = list(pool.map(_execute, clones))
    survived = sum(_survivors(clone) for clone in clones)
    return Measured("\n".join([*reports, f"{survived} of {len(chosen)} mutants survive"]))


def _execute(clone: Path) -> str:
    _run(clone, "cosmic-ray", "exec", CONFIGURATION, SESSION)
    return _run(clone, "cr-report", "--surviving-only", "--show-diff", SESSION)


def _run(clone: Path, command: str, *arguments: str) -> str:
    programs = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(clone)}
    run = partial(subprocess.run, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return str(run([programs / command, *arguments]).stdout)


def _mutants(clone: Path) -> list[str]:
    """Return the ids of all mutants, in an order that depends on the modules alone: ids are random."""
    with closing(sqlite3.connect(clone / SESSION)) as session:
        order = "module_path, start_pos_row, start_pos_col, operator_name, operator_args, occurrence"
        return [job for (job,) in session.execute(f"SELECT job_id FROM mutation_specs ORDER BY {order}")]


def sampled(mutants: Sequence[str], sample: int, seed: int) -> Sequence[str]:
    """Return a random sample; all if ``sample`` is 0."""
    return random.Random(seed).sample(mutants, sample) if 0 < sample < len(mutants) else mutants


def _keep(clone: Path, jobs: Sequence[str]) -> None:
    with closing(sqlite3.connect(clone / SESSION)) as session, session:
        session.execute("CREATE TEMPORARY TABLE kept (job_id TEXT)")
        session.executemany("INSERT INTO kept VALUES (?)", [(job,) for job in jobs])
        for table in ("mutation_specs", "work_items"):
            session.execute(f"DELETE FROM {table} WHERE job_id NOT IN (SELECT job_id FROM kept)")


def _survivors(clone: Path) -> int:
    with closing(sqlite3.connect(clone / SESSION)) as session:
        counted = session.execute("SELECT count(*) FROM work_results WHERE test_outcome = 'SURVIVED'")
        return int(counted.fetchone()[0])
