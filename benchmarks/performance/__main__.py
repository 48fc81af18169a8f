"""What goldens cost, measured against what they are compared with in one interleaved run.

    make bench              # of the wheel, beside the plugins in requirements.txt
    make bench-page         # and write docs/performance.md
    python -m benchmarks.performance    # of what is imported where this runs; a checkout is slower

CPU seconds of whole processes (user and system), medians of interleaved runs; what matters is a ratio within the run.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from benchmarks.page import table, versions
from benchmarks.performance import comparing, gradients, running, sizes, unused
from benchmarks.performance.made import batch
from benchmarks.performance.measuring import Figure

PACKAGES = ("rnn-goldens", "pytest", "numpy", "msgspec", "torch", "pytest-regressions", "syrupy", "pytest-arraydiff")

HEADER = """\
# What it costs

<!-- Written by `make bench-page`; do not edit. -->

CPU seconds of whole processes, user and system, medians of interleaved runs of what the wheel installs. `make bench`
measures anew. A ratio compares two commands of the same run, each above a process that only imports what both import.

"""

FOOTER = """
## What is above its goal, and why

A golden is more than its outputs. One of size (8, 32, 16) with a bound is {kilobytes} kB, {numbers:,} numbers: weights,
inputs, outputs, and two tolerances for each output; `np.load` reads {outputs:,} of them. All are read, hashed and
copied; those of a corpus that the package does not carry are checked, too: finite, shapes that follow from the
configuration, exact in each precision that is listed. Most goldens of the corpus are small, as most tests want them.

Of gradients there are more arrays than of outputs: one for each weight, input and initial state.

## More

Generating is in [results/generation.md](results/generation.md): whole, by time, hidden size, layers and batch;
ten thousand goldens and processes in [results/scaling.md](results/scaling.md).

{versions}
"""


def main() -> None:
    """Print one line a figure, and write the page if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--wheel", type=Path, help="what was installed")
    parser.add_argument("--page", type=Path, help="write the table there")
    given = parser.parse_args()
    wheel = given.wheel.absolute() if given.wheel else None
    page = given.page.absolute() if given.page else None
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    parts: list[Callable[[Path], Iterator[Figure]]] = [
        lambda folder: unused.figures(folder, given.runs, alone),
        lambda folder: comparing.figures(folder, max(3, given.runs // 3), alone),
        lambda folder: gradients.figures(folder, max(3, given.runs // 3)),
        lambda folder: running.collecting(folder, max(3, given.runs // 3)),
        lambda folder: running.whole_corpus(folder, max(1, given.runs // 5)) if find_spec("torch") else iter(()),
        lambda _: sizes.figures(wheel),
    ]
    found = []
    for part in parts:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            for figure in part(Path(scratch)):
                found.append(figure)
                goal = f"goal {figure.goal}{'' if figure.met else '   NOT MET'}" if figure.goal else ""
                print(f"{figure.what:<78} {figure.found:>9}   {goal}".rstrip(), flush=True)
            os.chdir("/")
    if page:
        installed = {found.name for found in distributions()}
        rows = [(f.what, f.found, f.goal, "" if f.met else "no") for f in found]
        text = (
            HEADER
            + table(("what", "found", "goal", "met"), rows)
            + FOOTER.format(versions=versions(*(p for p in PACKAGES if p in installed)), **_sizes())
        )
        page.write_text(text, encoding="utf-8")


def _sizes() -> dict[str, int]:
    """How large the golden is that is compared with."""
    from rnn_goldens import encoding

    content = encoding.encode(batch("bound"))[".h5"]
    stored = batch("bound").stored
    outputs = sum(array.size for array in (stored.out, stored.h_n, stored.c_n) if array is not None)
    asked = stored.x.size + sum(array.size for array in stored.weights.values())
    return {"kilobytes": len(content) // 1000, "numbers": asked + 3 * outputs, "outputs": outputs}


if __name__ == "__main__":
    main()
