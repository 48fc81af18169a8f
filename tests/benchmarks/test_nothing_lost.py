"""A little of each attack that ``make nothing-lost`` tries; programs have tests of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.nothing_lost.row import Row

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_whatever_ends_a_run_or_runs_beside_it_nothing_is_lost() -> None:
    command = [sys.executable, "-m", "benchmarks.nothing_lost", "--few"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.endswith("\n0 of 19 attacks did harm\n"), run.stdout + run.stderr
    assert run.returncode == 0


def test_an_attack_that_lost_left_or_misled_is_bad() -> None:
    assert not Row("kill -9", times=3, cut_short=2).is_bad
    assert Row("kill -9", times=3, torn=1).is_bad
    assert Row("kill -9", times=3, left=1).is_bad
    assert Row("kill -9", times=3, errors=1).is_bad
