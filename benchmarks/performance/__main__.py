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

PACKAGES = ("rnn-goldens", "pytest", "numpy", "msgspec", "torch", "pytest-regressions")

TEXT = """\
## Using the plugin

The wheel was installed beside another plugin, and commands were timed in turn: an installed but unused plugin costs
little, and checking a golden costs more than `np.load` and `assert_allclose`, most of all in a corpus of your own,
which is validated. CPU seconds of whole processes, user and system, medians of interleaved runs. A ratio
compares two commands of the same run, each minus a process that only imports what both import.

{table}
### Figures above their goal

A golden contains more than outputs: weights, inputs, and two tolerances for each output. The file is read and hashed as
a whole, and in a corpus of your own validated; otherwise weights are parsed when they are used. `np.load` reads the
outputs only. There are more gradients than outputs: one for each weight, input and initial state.
"""


def main(runs: int, wheel: Path, output: Path) -> None:
    """Print one line for each figure, and write the section and the versions to a JSON file."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for f in figures(Path(folder), runs, wheel):
            rows.append((f.what, f.value, f.goal, "" if f.met else "no"))
            print(*rows[-1], sep="  ", flush=True)
    text = TEXT.format(table=table(("measured", "value", "goal", "met"), rows))
    output.write_text(json.dumps({"text": text, "versions": versions(*PACKAGES)}), "utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
