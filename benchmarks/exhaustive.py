"""Every float16 and bfloat16 argument of each activation, and a sample of float32, through NumPy, torch, ONNX Runtime.

    python -m benchmarks.exhaustive    # from the checkout, about a minute; --write renews docs/results/exhaustive.md

What ``rnn-goldens check WHAT --exhaustive`` finds, as a page. Exits with 1 if an implementation is wrong anywhere.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks import page
from rnn_goldens.exhaustive.sweep import Visited, exhaustive_check
from rnn_goldens.implementations import outputs_of, resolve

PAGE = "exhaustive.md"
IMPLEMENTATIONS = ("numpy", "torch", "onnxruntime")

INTRODUCTION = """# At every argument

<!-- Made by `python -m benchmarks.exhaustive --write`; do not edit. -->

What `rnn-goldens check numpy --exhaustive` finds: one unit, one step, every finite float16 and bfloat16 number as the
argument of each activation, and a sample of float32; every answer certified on the spot.

- **ulp**: the largest error of the output that shows the activation, in units in the last place of the exact result.
  A sigmoid that is right to 8 roundoffs of 1 may be off by many units where it is nearly zero: that is no mistake.
  The reset gate of a GRU shows through a tanh only.
- **tolerance**: the largest part of it that is used; 1 would be all of it.
- **refused**: the implementation has no such precision."""

COLUMNS = ("arguments", "wrong", "ulp", "at", "tolerance", "there at")


def main() -> None:
    """Run and print; exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
        found = dict(zip(IMPLEMENTATIONS, pool.map(visited, IMPLEMENTATIONS), strict=True))
    text = report(found)
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(not one.is_right for of_one in found.values() for one in of_one):
        sys.exit(1)


def visited(name: str) -> list[Visited]:
    """What an implementation makes of each activation in each precision."""
    run = resolve(name)
    return list(exhaustive_check(lambda question: outputs_of(run(question))))


def report(found: Mapping[str, Sequence[Visited]]) -> str:
    """The page: a table for each implementation."""
    header = ("activation", *COLUMNS)
    parts = [INTRODUCTION]
    for name, of_one in found.items():
        parts.append(f"## {name}\n\n{page.table(header, map(_row, of_one))}")
    return "\n\n".join([*parts, page.versions("numpy", "torch", "onnxruntime")]) + "\n"


def _row(one: Visited) -> list[str]:
    first, finding = f"{one.activation.cell}: {one.activation.name}, {one.precision}", one.finding
    if finding is None:
        return [first, "refused", *[""] * 5]
    ulp, fraction = f"{finding.ulp:.3g}", f"{finding.fraction:.2f}"
    at, there = f"{finding.at:.9g}", f"{finding.fraction_at:.9g}"
    return [first, str(finding.visited), str(finding.wrong), ulp, at, fraction, there]


if __name__ == "__main__":
    main()
