"""What the plugin costs the projects that install it, measured against what it is compared with in one interleaved run.

    make bench

CPU seconds of whole processes (user + system), medians of interleaved runs; every figure that matters is a ratio or
a difference within the run.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

COMPARISONS = 1000

EMPTY_PLUGIN = "def pytest_configure(config): pass\n"

TRIVIAL_TEST = "def test_one(): pass\n"

LOAD_AND_ASSERT = f"""
import numpy as np
def test_compare(tmp_path):
    rng = np.random.default_rng(0)
    out, h_n = rng.random((8, 32, 16), np.float32), rng.random((1, 8, 16), np.float32)
    np.savez(tmp_path / "golden.npz", out=out, h_n=h_n)
    for _ in range({COMPARISONS}):
        with np.load(tmp_path / "golden.npz") as golden:
            np.testing.assert_allclose(out, golden["out"], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(h_n, golden["h_n"], rtol=1e-5, atol=1e-6)
"""

LOAD_AND_CHECK = f"""
import pytest
@pytest.mark.rnn_goldens(ids="benchmark/batch-0")
def test_compare(rnn_golden, request):
    from rnn_goldens.corpus import open_corpus
    out, h_n = rnn_golden.out.copy(), rnn_golden.h_n.copy()
    corpus = open_corpus(request.config.getoption("rnn_goldens_corpus"))
    for number in range({COMPARISONS}):
        corpus.load(ID, "float32").check(out, h_n)
    rnn_golden.check(out, h_n)
"""
ANOTHER_EACH_TIME = LOAD_AND_CHECK.replace("ID", 'f"benchmark/batch-{number % 2}"')
THE_SAME_AGAIN = LOAD_AND_CHECK.replace("ID", '"benchmark/batch-0"')
"""The golden loaded last is kept, for its other precisions."""

NO_COMPARISON = """
import numpy, h5py
def test_compare(): pass
"""


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        unused(folder, runs)
        help_text(runs)
        comparisons(folder, max(3, runs // 5))
        collecting(folder, max(3, runs // 5))


def unused(folder: Path, runs: int) -> None:
    """A trivial pytest run with the plugin installed and unused, against one with an empty plugin."""
    (folder / "empty_plugin.py").write_text(EMPTY_PLUGIN)
    (folder / "test_trivial.py").write_text(TRIVIAL_TEST)
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_trivial.py", "-p"]
    seconds = interleaved({"with": [*run, "rnn_goldens.plugin.hooks"], "empty": [*run, "empty_plugin"]}, folder, runs)
    ratios = [a / b for a, b in zip(seconds["with"], seconds["empty"], strict=True)]
    say("plugin unused / empty plugin, trivial pytest run", f"{statistics.median(ratios):.3f} times", "≤ 1.02 times")


def help_text(runs: int) -> None:
    """``rnn-goldens --help``."""
    seconds = interleaved({"help": [sys.executable, "-m", "rnn_goldens", "--help"]}, Path.cwd(), runs)
    say("rnn-goldens --help", f"{statistics.median(seconds['help']):.3f} s CPU", "< 0.3 s")


def comparisons(folder: Path, runs: int) -> None:
    """Loading and comparing (8, 32, 16) in float32, above a test that compares nothing."""
    corpus = folder / "corpus"
    make_corpus(corpus, ["benchmark/batch-0", "benchmark/batch-1"])
    tests = {
        "nothing": NO_COMPARISON,
        "np.load + assert_allclose": LOAD_AND_ASSERT,
        "load + check": ANOTHER_EACH_TIME,
        "load + check, same golden": THE_SAME_AGAIN,
    }
    commands: dict[str, list[str]] = {}
    for number, (name, test) in enumerate(tests.items()):
        (folder / f"test_compare_{number}.py").write_text(test)
        plugin = ["-p", "rnn_goldens.plugin.hooks", f"--rnn-goldens-corpus={corpus}"]
        commands[name] = [sys.executable, "-m", "pytest", "-q", *plugin, f"test_compare_{number}.py"]
    seconds = {name: statistics.median(values) for name, values in interleaved(commands, folder, runs).items()}
    for name in list(tests)[1:]:
        above = seconds[name] - seconds["nothing"]
        say(f"{COMPARISONS} comparisons, {name}, above an empty test", f"{above:.2f} s CPU", "≤ 0.50 s")


def collecting(folder: Path, runs: int) -> None:
    """Selecting from an index of 1000 goldens, none of which exists as a file, above an index of one."""
    program = textwrap.dedent("""
        import sys
        import numpy, rnn_goldens.plugin.selection
        from rnn_goldens.corpus import open_corpus
        assert len(open_corpus(sys.argv[1]).select(without=["chaotic"])) == int(sys.argv[2])
    """)
    commands = {}
    for count in (1, 1000):
        corpus = folder / f"index-{count}"
        make_corpus(corpus, [f"benchmark/number-{n}" for n in range(count)], files=False)
        commands[str(count)] = [sys.executable, "-c", program, str(corpus), str(count)]
    seconds = {name: statistics.median(values) for name, values in interleaved(commands, folder, runs).items()}
    say("collecting 1000 goldens, above one", f"{1000 * (seconds['1000'] - seconds['1']):.0f} ms CPU", "≤ 50 ms")


def make_corpus(folder: Path, ids: list[str], *, files: bool = True) -> None:
    """A corpus of goldens with (8, 32, 16) outputs; only its index if no file is to be opened."""
    import numpy as np

    from rnn_goldens import Config, encoding
    from rnn_goldens.checkable.golden import Golden
    from rnn_goldens.encoding import json_file
    from rnn_goldens.generator.index import index_entry
    from rnn_goldens.golden.arrays import Arrays
    from rnn_goldens.golden.shapes import LAYOUTS, weight_shapes
    from rnn_goldens.golden.tolerance import Exact

    config = Config(input_size=16, hidden_size=16)
    zeros = {name: np.zeros(shape) for name, shape in weight_shapes(LAYOUTS["rnn_relu"], config).items()}
    numbers = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return numbers.random(shape, np.float32).astype(np.float64)

    golden = Golden(
        id=ids[0],
        title="Benchmark",
        purpose="To be loaded and compared.",
        documented_in="benchmarks",
        cell="rnn_relu",
        config=config,
        features=("bias", "exact"),
        tolerance=Exact(bits=8),
        precisions=("float64", "float32"),
        provenance={},
        stored=Arrays(weights=zeros, x=random(8, 32, 16), out=random(8, 32, 16), h_n=random(1, 8, 16)),
    )
    encoded = encoding.encode(golden)
    entry = index_entry(golden, encoded, core=False)
    entries = [{**entry, "id": golden_id} for golden_id in ids]
    for number, golden_id in enumerate(ids if files else ()):
        named = replace(golden, id=golden_id)
        encoded = encoding.encode(named)
        entries[number] = index_entry(named, encoded, core=False)
        for suffix, content in encoded.items():
            path = folder / f"{golden_id}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    folder.mkdir(exist_ok=True)
    index = {"kind": "index", "format": 1, "corpus": "made", "version": "1.0.0", "goldens": entries}
    (folder / "index.json").write_bytes(json_file.encode(index))


def interleaved(commands: Mapping[str, list[str]], folder: Path, runs: int) -> dict[str, list[float]]:
    """CPU seconds of each command, run in turn; one warm-up each."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            spent = cpu_seconds(lambda command=command: run(command, folder))  # type: ignore[misc]
            if turn:
                seconds[name].append(spent)
    return seconds


def run(command: list[str], folder: Path) -> None:
    """One run, with no plugin but those the command names."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(folder)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def cpu_seconds(action: Callable[[], None]) -> float:
    """User and system time of the processes an action starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def say(what: str, figure: str, goal: str) -> None:
    """One figure."""
    print(f"{what:<72}{figure:>14}   goal {goal}", flush=True)


if __name__ == "__main__":
    main()
