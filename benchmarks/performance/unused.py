"""Measures the cost of an installed but unused plugin, and the start-up times of the package."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from benchmarks.performance.measurement import Figure, at_most, interleaved, median, ratio

PLUGINS = {
    "rnn-goldens": "rnn_goldens.plugin.hooks",
    "pytest-regressions": "pytest_regressions.plugin",
    "syrupy": "syrupy",
    "pytest-arraydiff": "pytest_arraydiff.plugin",
}
HEAVY = ("numpy", "h5py", "jsonschema", "msgspec", "torch", "rich")

AT_EXIT = f"""
def test_nothing(): pass

def pytest_sessionfinish():
    import sys
    heavy = sorted(set({HEAVY}) & set(sys.modules))
    assert not heavy, heavy
"""


def figures(folder: Path, runs: int, alone: dict[str, str]) -> Iterator[Figure]:
    """Yield ratios to an empty plugin, the modules loaded at exit, and start-up times.

    Args:
        folder: scratch folder.
        runs: number of runs of each command.
        alone: environment in which pytest loads only the plugins on the command line.
    """
    (folder / "empty_plugin.py").write_text("def pytest_configure(config): pass\n")
    (folder / "test_trivial.py").write_text("def test_one(): pass\n")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_trivial.py", "-p"]
    installed = {name: plugin for name, plugin in PLUGINS.items() if find_spec(plugin.partition(".")[0])}
    commands = {"empty": [*run, "empty_plugin"]} | {name: [*run, plugin] for name, plugin in installed.items()}
    seconds = interleaved(commands, folder, runs, **alone)
    yield at_most(
        "a trivial pytest run: rnn-goldens / an empty plugin", ratio(seconds, "rnn-goldens", "empty"), "times", 1.02
    )
    for name in list(installed)[1:]:
        yield Figure(f"a trivial pytest run: {name} / an empty plugin", f"{ratio(seconds, name, 'empty'):.2f} times")
    (folder / "conftest.py").write_text(AT_EXIT)
    interleaved({"at exit": [*run, PLUGINS["rnn-goldens"]]}, folder, 1, **alone)  # fails if a module of HEAVY is loaded
    (folder / "conftest.py").unlink()
    yield Figure("loaded at exit, of " + ", ".join(HEAVY), "none", "none")
    started = {
        "nothing": [sys.executable, "-c", ""],
        "numpy": [sys.executable, "-c", "import numpy"],
        "rnn_goldens": [sys.executable, "-c", "import rnn_goldens"],
        "help": [sys.executable, "-m", "rnn_goldens", "--help"],
    }
    seconds = interleaved(started, folder, runs)
    for name, what in (
        ("numpy", "import numpy"),
        ("rnn_goldens", "import rnn_goldens"),
        ("help", "rnn-goldens --help"),
    ):
        yield Figure(f"{what}, above an empty Python", f"{1000 * median(seconds, name, above='nothing'):.0f} ms")
