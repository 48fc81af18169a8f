"""Measures the goldens of recurrences: correct and wrong implementations, exact goldens, and gradients.

It is wrong if a correct implementation or gradient is outside its tolerance, if a result on an exact golden differs,
if a deviation without a reason is not detected, or if another criterion rejects a correct kernel.
"""

from benchmarks.benchmark import Measured


def measured() -> Measured:
    """Return the section of the page, and what is wrong."""
    from benchmarks.recurrences import (
        gradients,
        other_criteria,
        right_implementations,
        wrong_implementations,
    )

    comparisons, exact = right_implementations.measured(), right_implementations.exact()
    forward, backward = wrong_implementations.measured(), wrong_implementations.measured_backward()
    of_gradients = gradients.measured()
    parts = [
        right_implementations.report(comparisons),
        wrong_implementations.report(forward),
        other_criteria.report(other_criteria.measured(), forward.margins),
        right_implementations.report_exact(exact),
        gradients.report(of_gradients),
        wrong_implementations.report(backward),
    ]
    wrong = [
        *(f"{one} in {one.condition}: {one.of_any}" for one in right_implementations.failures([*comparisons, *exact])),
        *(f"gradients by {one.form} on {one.golden}: {one.of_any}" for one in gradients.failures(of_gradients)),
        *(f"not detected: {pair}" for detection in (forward, backward) for pair in detection.unexplained()),
        *(f"rejects a correct kernel: {what}" for what in other_criteria.rejected_right()),
    ]
    return Measured("\n".join(parts), wrong)
