"""Measures the goldens of recurrences: correct and wrong implementations, exact goldens, gradients, cost and sizes.

Uses one core. Exits with 1 if a correct implementation or gradient is outside its tolerance, if a result on an exact
golden differs, if a deviation without a reason is not detected, or if another criterion rejects a correct kernel.
"""

from benchmarks.benchmark import Measured


def measured() -> Measured:
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
    return Measured("\n".join(parts), wrong)
