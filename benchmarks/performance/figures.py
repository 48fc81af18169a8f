"""The cost of the plugin and of goldens, compared with another plugin and with tests without goldens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

from benchmarks.performance import goldens
from benchmarks.performance.measurement import Figure, at_most, interleaved, median, ratio

PLUGINS = {"rnn-goldens": "rnn_goldens.plugin.hooks", "pytest-regressions": "pytest_regressions.plugin"}
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": ""}
"""Runs load the plugins that they name; the second run finds compiled plugins, as a user's does."""

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

PROGRAM = """
import numpy as np
from rnn_goldens.corpus import open_corpus
import rnn_goldens.comparison.verdict, rnn_goldens.encoding.golden_types
corpus = open_corpus({corpus})
names = [e.id for e in corpus.select() if "float32" in e.{precisions}]
outputs = {{name: dict(np.load(f"outputs/{{name}}.npz")) for name in names}}
gradients = {{name: dict(np.load(f"gradients/{{name}}.npz")) for name in names if "{precisions}" != "precisions"}}
goldens = {{name: corpus.load(name, "float32", gradients=True) for name in gradients}}
for name in {times} * names:
    {each}
"""
"""A program that does something with each golden of a corpus, several times."""

BARE = """
    with np.load(f"outputs/{name}.npz") as golden:
        for output, array in outputs[name].items():
            np.testing.assert_allclose(array, golden[output], rtol=1e-5, atol=1e-6)
"""

CHECK = 'corpus.load(name, "float32").check(*outputs[name].values())'
CHECK_BY_ID = 'rnn_goldens.load(name, dtype="float32").check(*outputs[name].values())'
CHECK_GRADIENTS = "check_gradients(gradients[name])"

TEST = """
import numpy as np, pytest
from rnn_goldens.corpus import open_corpus
corpus = open_corpus()
names = [e.id for e in corpus.select() if "float32" in e.precisions][:200]
outputs = {name: dict(np.load(f"outputs/{name}.npz")) for name in names}
@pytest.mark.parametrize("name", names)
def test_it(name, ndarrays_regression): EACH
"""

TESTS = {"empty": "pass", "regressions": "ndarrays_regression.check(outputs[name])", "goldens": CHECK}

COLLECT = """
import sys
import rnn_goldens.plugin.settings
from rnn_goldens.corpus import open_corpus
assert len(open_corpus(sys.argv[1]).select(without=["chaotic"])) >= 1
"""

MY_RNN = Path(__file__).parents[2] / "examples/programs/my_rnn.py"


def figures(folder: Path, runs: int, wheel: Path) -> Iterator[Figure]:
    """Yield all figures; ``folder`` is an empty folder."""
    goldens.prepare(folder)
    few = max(3, runs // 3)
    yield from _unused(folder, runs)
    yield from _checking(folder, few)
    yield from _in_tests(folder, few)
    yield from _collecting(folder, few)
    yield from _whole_corpus(folder, max(1, runs // 5))
    yield from _sizes(wheel)


def _unused(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield ratios to an empty plugin, and the time of an import."""
    (folder / "empty_plugin.py").write_text("def pytest_configure(config): pass\n")
    (folder / "test_trivial.py").write_text("def test_one(): pass\n")
    run = [*PYTEST, "test_trivial.py", "-p"]
    commands = {"empty": [*run, "empty_plugin"], **{name: [*run, plugin] for name, plugin in PLUGINS.items()}}
    seconds = interleaved(commands, folder, runs, **ALONE)
    for name in PLUGINS:
        what, value = f"a trivial pytest run: {name} / an empty plugin", ratio(seconds, name, "empty")
        yield at_most(what, value, "times", 1.02) if name == "rnn-goldens" else Figure(what, f"{value:.2f} times")
    seconds = interleaved({what: [sys.executable, "-c", what] for what in ("pass", "import rnn_goldens")}, folder, runs)
    import_seconds = median(seconds, "import rnn_goldens", above="pass")
    yield Figure("import rnn_goldens, above an empty Python", f"{1000 * import_seconds:.0f} ms")


def _checking(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the cost of loading and checking, compared with ``np.load`` and ``assert_allclose``, and of gradients."""
    checks = {"nothing": "pass", "bare": BARE, "check": CHECK, "check by id": CHECK_BY_ID}
    checks_of_gradients = {
        "nothing": "pass",
        "check": "goldens[name].check(*outputs[name].values())",
        "check gradients": f"goldens[name].{CHECK_GRADIENTS}",
        "load, check": CHECK,
        "load, check gradients": f'corpus.load(name, "float32", gradients=True).{CHECK_GRADIENTS}',
    }
    programs = {
        f"{corpus}{what}": PROGRAM.format(corpus=corpus, times=times, precisions="precisions", each=each)
        for corpus, times in (("", 5), ("'own'", 1))
        for what, each in checks.items()
        if not (corpus and each == CHECK_BY_ID)
    }
    programs |= {
        f"of gradients, {what}": PROGRAM.format(corpus="", times=10, precisions="gradient_precisions", each=each)
        for what, each in checks_of_gradients.items()
    }
    seconds = interleaved({name: [sys.executable, "-c", text] for name, text in programs.items()}, folder, runs)
    for corpus, check, what, most in (
        ("", "check", "all goldens of the corpus", 1.2),
        ("", "check by id", "the same by load(id), which opens the corpus each time", 2.5),
        ("'own'", "check", "the same in a corpus of your own, once each", 1.0),
    ):
        value = ratio(seconds, f"{corpus}{check}", f"{corpus}bare", above=f"{corpus}nothing")
        yield at_most(f"load + check / np.load + assert_allclose: {what}", value, "times", most)
    for what in ("check", "load, check"):
        value = ratio(
            seconds, f"of gradients, {what} gradients", f"of gradients, {what}", above="of gradients, nothing"
        )
        yield at_most(f"{what} of a golden's gradients / of its outputs", value, "times", 3.0)


def _in_tests(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the cost of a golden in a test, compared with pytest-regressions."""
    plugins = ["-p", "pytest_datadir.plugin", "-p", "pytest_regressions.plugin"]
    commands = {}
    for name, each in TESTS.items():
        (folder / f"test_{name}.py").write_text(TEST.replace("EACH", each))
        commands[name] = [*PYTEST, *plugins, f"test_{name}.py"]
    # pytest-regressions writes its reference files, which it reports as a failure.
    write = [*commands["regressions"], "--force-regen"]
    subprocess.run(write, cwd=folder, env={**os.environ, **ALONE}, capture_output=True, check=False)
    value = ratio(interleaved(commands, folder, runs, **ALONE), "goldens", "regressions", above="empty")
    yield at_most("load + check / ndarrays_regression.check, in 200 tests", value, "times", 0.2)


def _collecting(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the cost of selecting from an index of many goldens, minus the cost for an index of one golden."""
    commands = {str(count): [sys.executable, "-c", COLLECT, f"index-{count}"] for count in (1, 10_000)}
    each = 1000 * median(interleaved(commands, folder, runs), "10000", above="1") / 10
    yield at_most("collecting 10,000 goldens, above one: for each 1,000", each, "ms", 50, places=0)


def _whole_corpus(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the CPU seconds of ``rnn-goldens check`` on all goldens, and of ``import torch`` for comparison."""
    check = [sys.executable, "-m", "rnn_goldens", "check"]
    program = ["--rnn-goldens-dtype=float64", "--", sys.executable, str(MY_RNN)]
    whole = "rnn-goldens check, the whole corpus in float32:"
    commands = {
        "import torch": [sys.executable, "-c", "import torch"],
        f"{whole} numpy": [*check, "numpy"],
        f"{whole} torch": [*check, "torch"],
        f"{whole} torch, -n 2": [*check, "torch", "-n", "2"],
        "rnn-goldens check, a Python program with an RNN alone, in float64": [*check, *program],
    }
    seconds = interleaved(commands, folder, runs, OMP_NUM_THREADS="1")
    yield from (Figure(name, f"{median(seconds, name):.1f} s") for name in commands)


def _sizes(wheel: Path) -> Iterator[Figure]:
    """Yield the sizes of the wheel and of its installed files."""
    yield at_most("the wheel", wheel.stat().st_size / 1e6, "MB", 6.5)
    installed = [Path(str(file.locate())) for file in files("rnn-goldens") or ()]
    for suffix, what in {".json": "goldens", ".gradients.json": "gradients", ".py": "code"}.items():
        size = sum(file.stat().st_size for file in installed if "".join(file.suffixes) == suffix and file.exists())
        yield Figure(f"installed, {what}", f"{size / 1e6:.1f} MB")
