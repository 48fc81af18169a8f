"""Measures the cost of collecting thousands of goldens, and of checking libraries and a program on all goldens."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.performance import goldens
from benchmarks.performance.measurement import Figure, at_most, interleaved, median

COLLECT = """
import sys
import rnn_goldens.plugin.marker
from rnn_goldens.corpus import open_corpus
assert len(open_corpus(sys.argv[1]).select(without=["chaotic"])) >= 1
"""

PROGRAM = Path(__file__).parents[2] / "examples/programs/my_rnn.py"


def collecting(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the cost of selecting from an index of many goldens, minus the cost for an index of one golden."""
    counts = (1, 1000, 10_000)
    commands = {}
    for count in counts:
        corpus = goldens.index_without_files(folder / f"index-{count}", count)
        commands[str(count)] = [sys.executable, "-c", COLLECT, str(corpus)]
    seconds = interleaved(commands, folder, runs)
    for count in counts[1:]:
        each = 1000 * median(seconds, str(count), above="1") / (count / 1000)
        yield at_most(f"collecting {count:,} goldens, above one: for each 1,000", each, "ms", 50, places=0)


def whole_corpus(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the CPU seconds of ``rnn-goldens check`` on all goldens, and of ``import torch`` for comparison."""
    check = [sys.executable, "-m", "rnn_goldens", "check"]
    commands = {
        "import torch": [sys.executable, "-c", "import torch"],
        "numpy": [*check, "numpy"],
        "torch": [*check, "torch"],
        "torch, -n 2": [*check, "torch", "-n", "2"],
        "a Python program, float64, RNN alone": [
            *check,
            "--rnn-goldens-dtype=float64",
            "--",
            sys.executable,
            str(PROGRAM),
        ],
    }
    seconds = interleaved(commands, folder, runs, OMP_NUM_THREADS="1")
    for name in commands:
        what = name if name.startswith("import") else f"rnn-goldens check, the whole corpus in float32: {name}"
        yield Figure(what, f"{median(seconds, name):.1f} s")
