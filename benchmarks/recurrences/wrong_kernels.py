"""Measures which deviations of the forward pass the goldens of recurrences detect."""

from collections.abc import Iterable, Mapping

import numpy as np

from benchmarks.recurrences.detection import Best, Detection, Margins, Pair
from benchmarks.recurrences.goldens import ALGORITHMS, CONDITIONS, Condition, goldens, under
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.deviations.margins import ENOUGH, margin
from rnn_goldens.deviations.recurrences import FAMILIES, RECURRENCE_DEVIATIONS
from rnn_goldens.generator.undetected_recurrences import UNDETECTED_RECURRENCES

LOW_PRECISION = frozenset(deviation.name for deviation in FAMILIES["numerics"])


def measured(ids: Iterable[str] = ()) -> Mapping[str, Margins]:
    """Run all deviations on goldens, in float64, and return the margins by algorithm.

    Args:
        ids: the goldens; all if empty. The margin of a pair without a golden is zero.
    """
    pairs = [(deviation.name, cell) for deviation in RECURRENCE_DEVIATIONS for cell in deviation.cells]
    found: dict[str, dict[Condition, dict[Pair, Best]]] = {
        algorithm: {condition: dict.fromkeys(pairs, Best(0.0, "")) for condition in CONDITIONS}
        for algorithm in ALGORITHMS
    }
    for golden in goldens("float64", ids):
        case = recurrence_case(golden, np.float64)
        conditions = [condition for condition in CONDITIONS if condition.precision in golden.precisions]
        judged = {(a, c): under(golden, a, c.contract) for a in ALGORITHMS for c in conditions}
        for deviation in RECURRENCE_DEVIATIONS:
            if not (deviation.applies_to(golden.cell) and deviation.has_needs(case)):
                continue
            outputs, pair = deviation.run(case), (deviation.name, golden.cell)
            in_order = [outputs[name] for name in golden.layout.outputs]
            for (algorithm, condition), one in judged.items():
                best = Best(margin(one, in_order, condition.precision), golden.id)
                found[algorithm][condition][pair] = max(found[algorithm][condition][pair], best)
    return found


def detection(margins: Mapping[str, Margins]) -> Detection:
    """Return what is detected with the tolerance for any algorithm."""
    return Detection(margins["any"], UNDETECTED_RECURRENCES, LOW_PRECISION)


def report(margins: Mapping[str, Margins]) -> str:
    """Return the section of the page."""
    found = detection(margins)
    pairs = next(iter(found.margins.values()))
    return "\n".join(
        [
            "## Wrong implementations\n\n"
            f"{len({name for name, _ in pairs})} deviations of the forward pass, {len(pairs)} pairs of a deviation and "
            f"a recurrence, ran on the goldens: with float32 inside, the default contract, the goldens detect "
            f"{found.in_words()}. A golden detects a deviation if its largest error is at least {ENOUGH:g} times the "
            "tolerance.\n",
            *found.tables(margins["step"]),
        ]
    )
