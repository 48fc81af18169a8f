"""Measures the goldens of recurrences: correct and wrong implementations, exact goldens, gradients, cost and sizes.

    python -m benchmarks.recurrences    # from the checkout, some minutes; --write renews docs/results/recurrences.md

Uses one core. Exits with 1 if a correct implementation or gradient is outside its tolerance, if a result on an exact
golden differs, if a deviation without a reason is not detected, or if another criterion rejects a correct kernel.
"""

import argparse
import os
import sys

from benchmarks import page

PAGE = "recurrences.md"


def main() -> None:
    """Run, print, and exit with 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the section of docs/results/{PAGE}")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # read by BLAS and torch when imported; waiting threads use CPU time too
    text, wrong = measured()
    print(text)
    if arguments.write:
        page.write(PAGE, "benchmarks.recurrences", text)
    if wrong:
        sys.exit("\n".join(wrong))


def measured() -> tuple[str, list[str]]:
    """Return the section of the page, and what is wrong."""
    from benchmarks.recurrences import (
        cost,
        exact,
        gradients,
        other_criteria,
        right_implementations,
        sizes,
        wrong_gradients,
        wrong_kernels,
    )

    costs, totals = cost.measured(), cost.totals()  # first: before other libraries start threads
    comparisons, margins = right_implementations.measured(), wrong_kernels.measured()
    of_exact, of_gradients, backward = exact.measured(), gradients.measured(), wrong_gradients.measured()
    parts = [
        "Measured by `python -m benchmarks.recurrences --write`.\n\n"
        f"{page.versions('numpy', 'torch', 'jax', 'onnx', 'onnxruntime', 'python-flint')}, 1 core.\n",
        right_implementations.report(comparisons),
        wrong_kernels.report(margins),
        other_criteria.report(other_criteria.measured(), margins["any"]),
        exact.report(of_exact),
        gradients.report(of_gradients),
        wrong_gradients.report(backward),
        cost.report(costs, totals),
        sizes.report(sizes.measured()),
    ]
    wrong = [
        *(f"outside the tolerance: {one} in {one.condition}" for one in right_implementations.failures(comparisons)),
        *(
            f"not detected: {pair}"
            for pair in (*wrong_kernels.detection(margins).unexplained(), *backward.unexplained())
        ),
        *(f"rejects a correct kernel: {what}" for what in other_criteria.rejected_right()),
        *(f"not equal: {one.form} on {one.golden} in {one.condition}" for one in exact.failures(of_exact)),
        *(f"outside the tolerance: {one.form} on {one.golden} in {one.condition}" for one in of_gradients.failures),
    ]
    return "\n".join(parts), wrong


if __name__ == "__main__":
    main()
