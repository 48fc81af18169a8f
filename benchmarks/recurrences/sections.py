"""Measures the goldens of recurrences: correct and wrong implementations, exact goldens, and gradients.

It is wrong if a correct implementation or gradient is outside its tolerance, if a result on an exact golden differs,
if a deviation without a reason is not detected, or if another criterion rejects a correct kernel.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.recurrences import gradients, other_criteria, right_implementations, wrong_implementations


def measured() -> Measured:
    """Return the section of the page, and what is wrong."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        right, of_gradients = pool.submit(right_implementations.measured), pool.submit(gradients.measured)
        forward = pool.submit(wrong_implementations.measured)
        backward = pool.submit(wrong_implementations.measured_backward)
        others, rejected = pool.submit(other_criteria.measured), pool.submit(other_criteria.rejected_right)
        exact = right_implementations.exact()
    parts = [
        right_implementations.report(right.result()),
        wrong_implementations.report(forward.result()),
        other_criteria.report(others.result(), forward.result().margins),
        right_implementations.report_exact(exact),
        gradients.report(of_gradients.result()),
        wrong_implementations.report(backward.result()),
    ]
    failed = right_implementations.failures([*right.result(), *exact])
    wrong = [
        *(f"{one} in {one.condition}: {one.of_any}" for one in failed),
        *(
            f"gradients by {one.form} on {one.golden}: {one.of_any}"
            for one in gradients.failures(of_gradients.result())
        ),
        *(f"not detected: {pair}" for found in (forward, backward) for pair in found.result().unexplained()),
        *(f"rejects a correct kernel: {what}" for what in rejected.result()),
    ]
    return Measured("\n".join(parts), wrong)
