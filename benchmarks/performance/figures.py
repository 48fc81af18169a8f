"""The cost of the plugin and of goldens, compared with other plugins and with tests without goldens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

from benchmarks.performance import goldens
from benchmarks.performance.measurement import Figure, at_most, interleaved, median, ratio

PLUGINS = {
    "rnn-goldens": "rnn_goldens.plugin.hooks",
    "pytest-regressions": "pytest_regressions.plugin",
    "syrupy": "syrupy",
    "pytest-arraydiff": "pytest_arraydiff.plugin",
}
HEAVY = ("numpy", "h5py", "jsonschema", "msgspec", "torch", "rich")
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

AT_EXIT = f"""
def pytest_sessionfinish():
    import sys
    heavy = sorted(set({HEAVY}) & set(sys.modules))
    assert not heavy, heavy
"""

PROGRAM = """
import numpy as np
from rnn_goldens.corpus import open_corpus
import rnn_goldens.comparison.verdict, rnn_goldens.encoding.documents
corpus = open_corpus(CORPUS)
names = [e.id for e in corpus.select() if WHICH]
outputs = {name: dict(np.load(f"FOLDER/{FILE}.npz")) for name in names}
gradients = {name: dict(np.load(f"gradients/{name}.npz")) for name in names} if GRADIENTS else {}
goldens = {name: corpus.load(name, "float32", gradients=True) for name in names} if GRADIENTS else {}
for _ in range(TIMES):
    for name in names:
        EACH
"""
"""A program that does something with each golden of a corpus, several times."""

BARE = """
        with np.load(f"FOLDER/{FILE}.npz") as golden:
            for output, array in outputs[name].items():
                np.testing.assert_allclose(array, golden[output], rtol=1e-5, atol=1e-6)
"""

CHECK = 'corpus.load(name, "float32").check(*outputs[name].values())'

TESTS = {
    "empty": "pass",
    "regressions": "ndarrays_regression.check(found)",
    "goldens": 'corpus.load(f"benchmark/number-{number % 100}", "float32").check(*found.values())',
}

TEST = """
import numpy as np, pytest
from rnn_goldens.corpus import open_corpus
found, corpus = dict(np.load("one.npz")), open_corpus("copies")
@pytest.mark.parametrize("number", range(200))
def test_it(number, ndarrays_regression): EACH
"""

COLLECT = """
import sys
import rnn_goldens.plugin.marker
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
    """Yield ratios to an empty plugin, the modules loaded at exit, and start-up times."""
    (folder / "empty_plugin.py").write_text("def pytest_configure(config): pass\n")
    (folder / "test_trivial.py").write_text("def test_one(): pass\n")
    run = [*PYTEST, "test_trivial.py", "-p"]
    commands = {"empty": [*run, "empty_plugin"], **{name: [*run, plugin] for name, plugin in PLUGINS.items()}}
    seconds = interleaved(commands, folder, runs, **ALONE)
    for name in PLUGINS:
        what, value = f"a trivial pytest run: {name} / an empty plugin", ratio(seconds, name, "empty")
        yield at_most(what, value, "times", 1.02) if name == "rnn-goldens" else Figure(what, f"{value:.2f} times")
    (folder / "conftest.py").write_text(AT_EXIT)
    interleaved({"at exit": [*run, PLUGINS["rnn-goldens"]]}, folder, 1, **ALONE)  # fails if a module of HEAVY is loaded
    (folder / "conftest.py").unlink()
    yield Figure("loaded at exit, of " + ", ".join(HEAVY), "none", "none")
    python = [sys.executable, "-c"]
    started = {what: [*python, what] for what in ("import numpy", "import rnn_goldens")}
    started |= {"nothing": [*python, ""], "rnn-goldens --help": [sys.executable, "-m", "rnn_goldens", "--help"]}
    seconds = interleaved(started, folder, runs)
    for what in ("import numpy", "import rnn_goldens", "rnn-goldens --help"):
        yield Figure(f"{what}, above an empty Python", f"{1000 * median(seconds, what, above='nothing'):.0f} ms")


def _checking(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the cost of loading and checking, compared with ``np.load`` and ``assert_allclose``, and of gradients."""
    copies = {"CORPUS": '"copies"', "FOLDER": "npz", "FILE": "name.rpartition('-')[2]", "TIMES": "10"}
    copies |= {"WHICH": "True", "GRADIENTS": "False"}
    whole = {**copies, "CORPUS": "", "FOLDER": "outputs", "FILE": "name", "TIMES": "5"}
    whole["WHICH"] = '"float32" in e.precisions'
    with_gradients = {**whole, "TIMES": "10", "GRADIENTS": "True", "WHICH": '"float32" in e.gradient_precisions'}
    gradients = "check_gradients(gradients[name])"
    programs = {
        **{
            f"copies, {what}": _program(copies, each)
            for what, each in (("nothing", "pass"), ("bare", BARE), ("check", CHECK))
        },
        **{
            f"whole, {what}": _program(whole, each)
            for what, each in (("nothing", "pass"), ("bare", BARE), ("check", CHECK))
        },
        "nothing": _program(with_gradients, "pass"),
        "check": _program(with_gradients, "goldens[name].check(*outputs[name].values())"),
        "check gradients": _program(with_gradients, f"goldens[name].{gradients}"),
        "load, check": _program(with_gradients, CHECK),
        "load, check gradients": _program(with_gradients, f'corpus.load(name, "float32", gradients=True).{gradients}'),
    }
    seconds = interleaved({name: [sys.executable, "-c", text] for name, text in programs.items()}, folder, runs)
    each = 1000 * median(seconds, "copies, bare", above="copies, nothing") / (10 * goldens.GOLDENS)
    yield Figure("np.load + assert_allclose of out (8, 32, 16), h_n, c_n in float32", f"{each:.2f} ms")
    for name, what, most in (
        ("whole", "all goldens of the corpus", 1.2),
        ("copies", "100 of this size with a bound", 1.0),
    ):
        value = ratio(seconds, f"{name}, check", f"{name}, bare", above=f"{name}, nothing")
        yield at_most(f"load + check / that: {what} in turn", value, "times", most)
    for what in ("check", "load, check"):
        value = ratio(seconds, f"{what} gradients", what, above="nothing")
        yield at_most(f"{what} of a golden's gradients / of its outputs", value, "times", 3.0)


def _program(words: dict[str, str], each: str) -> str:
    text = PROGRAM.replace("EACH", each)
    for word, replacement in words.items():
        text = text.replace(word, replacement)
    return text


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
    yield at_most("load + check / ndarrays_regression.check, in tests, this size with a bound", value, "times", 0.2)


def _collecting(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield the cost of selecting from an index of many goldens, minus the cost for an index of one golden."""
    indexes = {count: goldens.index_without_files(folder / f"index-{count}", count) for count in (1, 1000, 10_000)}
    commands = {str(count): [sys.executable, "-c", COLLECT, str(index)] for count, index in indexes.items()}
    seconds = interleaved(commands, folder, runs)
    for count in (1000, 10_000):
        each = 1000 * median(seconds, str(count), above="1") / (count / 1000)
        yield at_most(f"collecting {count:,} goldens, above one: for each 1,000", each, "ms", 50, places=0)


def _whole_corpus(folder: Path, runs: int) -> Iterator[Figure]:
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
            str(MY_RNN),
        ],
    }
    seconds = interleaved(commands, folder, runs, OMP_NUM_THREADS="1")
    for name in commands:
        what = name if name.startswith("import") else f"rnn-goldens check, the whole corpus in float32: {name}"
        yield Figure(what, f"{median(seconds, name):.1f} s")


def _sizes(wheel: Path) -> Iterator[Figure]:
    """Yield the sizes of the wheel and of its installed files."""
    yield at_most("the wheel", wheel.stat().st_size / 1e6, "MB", 6.5)
    installed = [Path(str(file.locate())) for file in files("rnn-goldens") or ()]
    kinds = {".json": "goldens as JSON", ".h5": "goldens as HDF5", ".gradients.json": "gradients as JSON"}
    kinds |= {".gradients.h5": "gradients as HDF5", ".py": "code"}
    for suffix, what in kinds.items():
        size = sum(file.stat().st_size for file in installed if "".join(file.suffixes) == suffix and file.exists())
        yield Figure(f"installed, {what}", f"{size / 1e6:.1f} MB")
