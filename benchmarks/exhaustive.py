"""Runs NumPy, torch and ONNX Runtime on all float16 and bfloat16 arguments of activations and on a float32 sample.

    python -m benchmarks.exhaustive    # from the checkout, about a minute; --write renews docs/results/correctness.md

The check is that of ``rnn-goldens check WHAT --exhaustive``. Exits with 1 if an implementation is wrong.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks import page
from rnn_goldens.exhaustive.sweep import SweepResult, exhaustive_check
from rnn_goldens.implementations import outputs_of, resolve

PAGE = "correctness.md"
IMPLEMENTATIONS = LIBRARIES = ("numpy", "torch", "onnxruntime")

INTRODUCTION = """## Every argument of an activation

NumPy, torch and ONNX Runtime computed each activation at every finite float16 and bfloat16 number and at a sample of
float32 ([`check --exhaustive`](../implementations.md#every-argument-of-an-activation)). Measured by
`python -m benchmarks.exhaustive --write`.

Each entry is the largest error as a fraction of the tolerance, and in brackets the largest error in units in the last
place (ulp) of the exact result. A sigmoid near zero may have an error of many ulp within its tolerance. The reset
gate of a GRU affects outputs only through a tanh. “refused”: the implementation does not support the precision."""


def main() -> None:
    """Run and print; exit with 1 if an implementation is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the section of docs/results/{PAGE}")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
        results = dict(zip(IMPLEMENTATIONS, pool.map(check, IMPLEMENTATIONS), strict=True))
    text = report(results)
    print(text)
    if arguments.write:
        page.write(PAGE, "benchmarks.exhaustive", text)
    if any(not one.is_right for sweep in results.values() for one in sweep):
        sys.exit(1)


def check(name: str) -> list[SweepResult]:
    """Return the results of an implementation for each activation in each precision."""
    run = resolve(name)
    return list(exhaustive_check(lambda inputs: outputs_of(run(inputs))))


def report(results: Mapping[str, Sequence[SweepResult]]) -> str:
    """Return the section, with a row for each activation in each precision."""
    rows: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for sweep in results.values():
        for one in sweep:
            what = f"{one.activation.cell}: {one.activation.name}, {one.precision}"
            rows.setdefault(what, []).append(_entry(one))
            if one.errors:
                counts[one.precision] = one.errors.visited
    table = page.table(("activation", *results), [(what, *entries) for what, entries in rows.items()])
    visited = ", ".join(f"{count:,} in {precision}" for precision, count in counts.items())
    return f"{INTRODUCTION}\n\nArguments of each activation: {visited}.\n\n{table}\n{page.versions(*LIBRARIES)}.\n"


def _entry(one: SweepResult) -> str:
    errors = one.errors
    if errors is None:
        return "refused"
    wrong = f"{errors.wrong} WRONG, " if errors.wrong else ""
    return f"{wrong}{errors.fraction:.2f} ({errors.ulp:.3g})"


if __name__ == "__main__":
    main()
