"""Compares loading and checking a golden with tests that do not use goldens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.performance import goldens
from benchmarks.performance.measurement import Figure, at_most, interleaved, median, ratio

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden

TIMES = 1000

NOTHING = "import numpy, rnn_goldens, rnn_goldens.corpus, rnn_goldens.encoding.documents"

BARE = f"""
{NOTHING}
import numpy as np
found = dict(np.load("bound.npz"))
for number in range({TIMES}):
    with np.load(f"npz/{{number % {goldens.GOLDENS}}}.npz") as golden:
        for name, array in found.items():
            np.testing.assert_allclose(array, golden[name], rtol=1e-5, atol=1e-6)
"""

CHECKED = f"""
{NOTHING}
import numpy as np
from rnn_goldens.corpus import open_corpus
found = dict(np.load("KIND.npz"))
corpus = open_corpus("KIND")
for number in range({TIMES}):
    golden = corpus.load(f"benchmark/number-{{number % {goldens.GOLDENS}}}", "float32")
    golden.check(found["out"], found["h_n"], found["c_n"])
"""

EMPTY_TEST = """
import numpy, pytest
@pytest.mark.parametrize("number", range(200))
def test_it(number): pass
"""

REGRESSIONS = """
import numpy as np, pytest
found = dict(np.load("bound.npz"))
@pytest.mark.parametrize("number", range(200))
def test_it(number, ndarrays_regression): ndarrays_regression.check(found)
"""

GOLDENS = """
import numpy as np, pytest
from rnn_goldens.corpus import open_corpus
found, corpus = dict(np.load("bound.npz")), open_corpus("bound")
@pytest.mark.parametrize("number", range(200))
def test_it(number):
    corpus.load(f"benchmark/number-{number % 100}", "float32").check(found["out"], found["h_n"], found["c_n"])
"""

WHOLE = """
import numpy as np
from rnn_goldens.corpus import open_corpus
corpus = open_corpus()
names = [entry.id for entry in corpus.select() if "float32" in entry.precisions]
found = {name: dict(np.load(f"whole/{place}.npz")) for place, name in enumerate(names)}
for _ in range(5):
    for place, name in enumerate(names):
        EACH
"""
WHOLE_BARE = WHOLE.replace(
    "EACH",
    """
        with np.load(f"whole/{place}.npz") as golden:
            for output, array in found[name].items():
                np.testing.assert_allclose(array, golden[output], rtol=1e-5, atol=1e-6)
""",
)
WHOLE_CHECKED = WHOLE.replace("EACH", 'corpus.load(name, "float32").check(*found[name].values())')
WHOLE_NOTHING = WHOLE.replace("EACH", "pass")


def figures(folder: Path, runs: int, alone: dict[str, str]) -> Iterator[Figure]:
    """Yield ratios of goldens to alternatives."""
    _prepare(folder)
    kinds = {"bound": "with a bound", "exact": "exact"}
    programs = {"nothing": NOTHING, "bare": BARE}
    programs |= {kind: CHECKED.replace("KIND", kind) for kind in kinds}
    programs |= {"whole, nothing": WHOLE_NOTHING, "whole, bare": WHOLE_BARE, "whole": WHOLE_CHECKED}
    seconds = interleaved({name: [sys.executable, "-c", text] for name, text in programs.items()}, folder, runs)

    each = 1000 * median(seconds, "bare", above="nothing") / TIMES
    yield Figure("np.load + assert_allclose of out (8, 32, 16), h_n, c_n in float32", f"{each:.2f} ms")
    whole = ratio(seconds, "whole", "whole, bare", above="whole, nothing")
    yield at_most("load + check / that: all goldens of the corpus in turn", whole, "times", 1.2)
    for kind, words in kinds.items():
        value = ratio(seconds, kind, "bare", above="nothing")
        yield at_most(f"load + check / that: {goldens.GOLDENS} of this size {words} in turn", value, "times", 1.0)
    if find_spec("pytest_regressions"):
        yield from _by_regressions(folder, runs, alone)


def _by_regressions(folder: Path, runs: int, alone: dict[str, str]) -> Iterator[Figure]:
    tests = {"empty": EMPTY_TEST, "regressions": REGRESSIONS, "goldens": GOLDENS}
    plugins = ["-p", "pytest_datadir.plugin", "-p", "pytest_regressions.plugin"]
    commands = {}
    for name, text in tests.items():
        (folder / f"test_{name}.py").write_text(text)
        commands[name] = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, f"test_{name}.py"]
    _write_regressions([*commands["regressions"], "--force-regen"], folder, alone)
    seconds = interleaved(commands, folder, runs, **alone)
    value = ratio(seconds, "goldens", "regressions", above="empty")
    yield at_most("load + check / ndarrays_regression.check, in tests, this size with a bound", value, "times", 0.2)


def _write_regressions(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Let pytest-regressions write its reference files, which it reports as a failure."""
    subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, check=False)


def _prepare(folder: Path) -> None:
    """Write corpora of a hundred goldens of each kind, the same values as ``.npz``, and correct outputs."""
    from rnn_goldens import select

    for name in ("npz", "whole"):
        (folder / name).mkdir()
    for kind in ("exact", "bound"):
        golden = goldens.batch(kind)
        goldens.corpus_of_copies(folder / kind, golden)
        golden = golden.in_precision("float32")
        np.savez(folder / f"{kind}.npz", **_outputs(golden))
        for number in range(goldens.GOLDENS):
            np.savez(folder / f"npz/{number}.npz", **_outputs(golden))
    for place, golden in enumerate(select(dtype="float32")):
        np.savez(folder / f"whole/{place}.npz", **_outputs(golden))


def _outputs(golden: "Golden") -> dict[str, Any]:
    """Return the outputs as a test without goldens stores them."""
    names = ("out", "h_n", *(["c_n"] if golden.cell == "lstm" else []))
    return {name: getattr(golden, name) for name in names}
