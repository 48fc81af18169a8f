"""Measures the cost of goldens and of alternatives in one interleaved run, in the environment that runs it.

``python -m benchmarks performance`` runs it with the wheel, which is faster than a checkout. Figures are CPU seconds of
whole processes (user and system), medians of interleaved runs. Ratios within a run matter.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.page import table, versions
from benchmarks.performance import comparison, gradients, sizes, unused, whole_runs
from benchmarks.performance.goldens import batch
from benchmarks.performance.measurement import Figure

PACKAGES = ("rnn-goldens", "pytest", "numpy", "msgspec", "torch", "pytest-regressions", "syrupy", "pytest-arraydiff")

HEADER = """\
## Using the plugin

The wheel was installed beside other plugins, and commands were timed in turn: an installed but unused plugin costs
nothing measurable, and checking a golden costs about as much as `np.load` and `assert_allclose`. CPU seconds of whole
processes, user and system, medians of interleaved runs. A ratio compares two commands of the same run, each minus a
process that only imports what both import.

"""

FOOTER = """
### Figures above their goal

A golden contains more than outputs. A golden of size (8, 32, 16) with a bound has {kilobytes} kB and {numbers:,}
numbers: weights, inputs, outputs, and two tolerances for each output; `np.load` reads {outputs:,} of them. All are
read, hashed and copied; goldens of your own corpora are also validated. There are more gradients than outputs: one for
each weight, input and initial state.
"""


def main(runs: int, wheel: Path, output: Path) -> None:
    """Print one line for each figure, and write the section and the versions to a JSON file."""
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    parts: list[Callable[[Path], Iterator[Figure]]] = [
        lambda folder: unused.figures(folder, runs, alone),
        lambda folder: comparison.figures(folder, max(3, runs // 3), alone),
        lambda folder: gradients.figures(folder, max(3, runs // 3)),
        lambda folder: whole_runs.collecting(folder, max(3, runs // 3)),
        lambda folder: whole_runs.whole_corpus(folder, max(1, runs // 5)),
        lambda _: sizes.figures(wheel),
    ]
    figures = []
    for part in parts:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            for figure in part(Path(scratch)):
                figures.append(figure)
                goal = f"goal {figure.goal}{'' if figure.met else '   NOT MET'}" if figure.goal else ""
                print(f"{figure.what:<78} {figure.value:>9}    {goal}".rstrip(), flush=True)
            os.chdir("/")
    installed = {distribution.name for distribution in distributions()}
    rows = [(f.what, f.value, f.goal, "" if f.met else "no") for f in figures]
    text = HEADER + table(("measured", "value", "goal", "met"), rows) + FOOTER.format(**_sizes())
    section = {"text": text, "versions": versions(*(package for package in PACKAGES if package in installed))}
    output.write_text(json.dumps(section), "utf-8")


def _sizes() -> dict[str, int]:
    """Return the sizes of the golden that is loaded."""
    from rnn_goldens import encoding

    content = encoding.encode(batch("bound"))[".h5"]
    stored = batch("bound").stored
    outputs = sum(array.size for array in (stored.out, stored.h_n, stored.c_n) if array is not None)
    inputs = stored.x.size + sum(array.size for array in stored.weights.values())
    return {"kilobytes": len(content) // 1000, "numbers": inputs + 3 * outputs, "outputs": outputs}


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
