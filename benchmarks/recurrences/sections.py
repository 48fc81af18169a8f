"""Measures the goldens of recurrences: correct and wrong implementations, and gradients.

It is wrong if a correct implementation or gradient is outside its tolerance, or if another criterion rejects a correct
kernel. That every deviation is detected with float32 inside, or has a reason, is a gate of the corpus.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.recurrences import (
    other_criteria,
    outside,
    right_implementations,
    tolerance_ratios,
    wrong_implementations,
)


def measured() -> Measured:
    """Return the section of the page, and what is wrong."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        outputs = pool.submit(right_implementations.measured)
        gradients = pool.submit(right_implementations.measured_gradients)
        forward = pool.submit(wrong_implementations.measured)
        backward = pool.submit(wrong_implementations.measured_backward)
        others, accepted = pool.submit(other_criteria.measured), pool.submit(other_criteria.of_right)
    parts = [
        right_implementations.report(outputs.result()),
        wrong_implementations.report(forward.result()),
        other_criteria.report(others.result(), forward.result().margins, accepted.result()),
        right_implementations.report_gradients(gradients.result()),
        wrong_implementations.report(backward.result()),
        tolerance_ratios.report(),
        outside.report(),
    ]
    wrong = [
        *(
            f"{what} of {one} in {one.condition}: {one.fraction}"
            for what, found in (("outputs", outputs), ("gradients", gradients))
            for one in right_implementations.failures(found.result())
        ),
        *other_criteria.rejected_right(accepted.result()),
    ]
    return Measured("\n".join(parts), wrong)
