"""Measures which deviations of the backward pass the goldens of recurrences with gradients detect."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from benchmarks.recurrences.detection import Best, Detection, Pair
from benchmarks.recurrences.goldens import CONDITIONS, Condition, goldens
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.deviations.margins import gradient_margin
from rnn_goldens.deviations.recurrences.backward import BACKWARD_FAMILIES, BACKWARD_RECURRENCE_DEVIATIONS
from rnn_goldens.generator.undetected_recurrences import UNDETECTED_RECURRENCES_BACKWARD
from rnn_goldens.golden.profile import Profile

LOW_PRECISION = frozenset(deviation.name for deviation in BACKWARD_FAMILIES["numerics"])


def measured(ids: Iterable[str] = ()) -> Detection:
    """Run all deviations on goldens with gradients, in float64; all goldens if no ids are given."""
    pairs = [(deviation.name, cell) for deviation in BACKWARD_RECURRENCE_DEVIATIONS for cell in deviation.cells]
    found: dict[Condition, dict[Pair, Best]] = {c: dict.fromkeys(pairs, Best(0.0, "")) for c in CONDITIONS}
    for golden in goldens("float64", ids, gradients=True):
        case, gradients = recurrence_case(golden, np.float64), golden.gradients
        assert gradients is not None
        judged = {
            condition: replace(gradients, tolerance=gradients.tolerance.under(Profile(half=condition.contract)))
            for condition in CONDITIONS
            if condition.precision in gradients.precisions
        }
        for deviation in BACKWARD_RECURRENCE_DEVIATIONS:
            if not (deviation.applies_to(golden.cell) and deviation.has_needs(case)):
                continue
            wrong, pair = deviation.gradients(case, dict(golden.cotangents)), (deviation.name, golden.cell)
            for condition, one in judged.items():
                best = Best(gradient_margin(one, wrong, condition.precision), golden.id)
                found[condition][pair] = max(found[condition][pair], best)
    return Detection(found, UNDETECTED_RECURRENCES_BACKWARD, LOW_PRECISION)


def report(found: Detection) -> str:
    """Return the section of the page."""
    pairs = next(iter(found.margins.values()))
    return "\n".join(
        [
            "## Wrong gradients\n\n"
            f"{len({name for name, _ in pairs})} deviations of the backward pass, {len(pairs)} pairs of a deviation "
            f"and a recurrence, ran on the goldens with gradients: with float32 inside, the goldens detect "
            f"{found.in_words()}.\n",
            *found.tables(),
        ]
    )
