"""The cost of certifying, child processes included, is measured and compared with its limits."""

import subprocess
import sys

import pytest

from benchmarks.generation_cost import AGAIN, SCRATCH, limits_exceeded, report
from benchmarks.process_cost import memory_of, reports_memory

CHILD = """
import subprocess, sys
block = b"x" * 50_000_000
print("allocated", flush=True)
more = int(sys.argv[1])
child = more and subprocess.Popen([sys.executable, "-c", sys.argv[2], str(more - 1), sys.argv[2]])
sys.stdin.read()
"""

COSTS = {
    SCRATCH: {"new": 156, "wall, s": 16.4, "CPU, s": 25.8, "memory, MB": 500.0},
    AGAIN: {"new": 0, "wall, s": 4.3, "CPU, s": 4.4, "memory, MB": 90.0},
}


@pytest.mark.skipif(not reports_memory(), reason="only Linux reports the memory of a process tree")
def test_memory_includes_child_processes() -> None:
    command = [sys.executable, "-c", CHILD, "2", CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(3):
            assert process.stdout.readline() == "allocated\n"
        assert 150_000_000 < memory_of(process.pid) < 220_000_000
        process.communicate()
    assert memory_of(process.pid) == 0


def test_a_run_within_its_limits_is_not_reported() -> None:
    assert limits_exceeded(COSTS) == []


@pytest.mark.parametrize(
    ("what", "figure", "value", "line"),
    [
        (SCRATCH, "wall, s", 130.0, "whole corpus, from scratch: wall, s: 130.0, at most 120 is allowed"),
        (SCRATCH, "memory, MB", 2100.0, "whole corpus, from scratch: memory, MB: 2100, at most 2000 is allowed"),
        (AGAIN, "wall, s", 10.2, "whole corpus, nothing changed: wall, s: 10.2, at most 10 is allowed"),
    ],
)
def test_a_limit_that_is_exceeded_is_named(what: str, figure: str, value: float, line: str) -> None:
    assert limits_exceeded({**COSTS, what: {**COSTS[what], figure: value}}) == [line]


def test_the_page_states_the_limits() -> None:
    page = report(COSTS, 2, 0.4)
    assert "The machine's load was 0 at the start" in page
    assert "| from scratch    | 156 |    16.4 |   25.8 |        500 |\n" in page
    assert "| at most         |     |   120.0 |        |       2000 |\n" in page
