"""Measures the cost of goldens and of alternatives in one interleaved run, in the environment that runs it.

``python -m benchmarks performance`` runs it with the wheel, which is faster than a checkout. Figures are CPU seconds of
whole processes (user and system), medians of interleaved runs. Ratios within a run matter.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.page import table, versions
from benchmarks.performance.figures import figures
from benchmarks.performance.goldens import batch

PACKAGES = ("rnn-goldens", "pytest", "numpy", "msgspec", "torch", "pytest-regressions", "syrupy", "pytest-arraydiff")

TEXT = """\
## Using the plugin

The wheel was installed beside other plugins, and commands were timed in turn: an installed but unused plugin costs
nothing measurable, and checking a golden costs about as much as `np.load` and `assert_allclose`. CPU seconds of whole
processes, user and system, medians of interleaved runs. A ratio compares two commands of the same run, each minus a
process that only imports what both import.

{table}
### Figures above their goal

A golden contains more than outputs. A golden of size (8, 32, 16) with a bound has {kilobytes} kB and {numbers:,}
numbers: weights, inputs, outputs, and two tolerances for each output; `np.load` reads {outputs:,} of them. All are
read, hashed and copied; goldens of your own corpora are also validated. There are more gradients than outputs: one for
each weight, input and initial state.
"""


def main(runs: int, wheel: Path, output: Path) -> None:
    """Print one line for each figure, and write the section and the versions to a JSON file."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for f in figures(Path(folder), runs, wheel):
            rows.append((f.what, f.value, f.goal, "" if f.met else "no"))
            print(
                f"{f.what:<84} {f.value:>9}  {f.goal and f'goal {f.goal}'}{'' if f.met else '   NOT MET'}", flush=True
            )
    section = {"text": TEXT.format(table=table(("measured", "value", "goal", "met"), rows), **_sizes())}
    output.write_text(json.dumps({**section, "versions": versions(*PACKAGES)}), "utf-8")


def _sizes() -> dict[str, int]:
    """Return the sizes of the golden that is loaded."""
    from rnn_goldens import encoding

    stored = batch().stored
    outputs = sum(array.size for array in stored.expected.values())
    inputs = stored.x.size + sum(array.size for array in stored.weights.values())
    kilobytes = len(encoding.encode(batch())[".json"]) // 1000
    return {"kilobytes": kilobytes, "numbers": inputs + 3 * outputs, "outputs": outputs}


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
