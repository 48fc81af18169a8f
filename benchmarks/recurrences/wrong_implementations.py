"""Measures which deviations the goldens of recurrences detect, of the forward and of the backward pass."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import ALGORITHMS, CONDITIONS, Condition, goldens, under
from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case
from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations.margins import ENOUGH, gradient_margin, margin
from rnn_goldens.deviations.recurrences import FAMILIES, RECURRENCE_DEVIATIONS
from rnn_goldens.deviations.recurrences.backward import BACKWARD_FAMILIES, BACKWARD_RECURRENCE_DEVIATIONS
from rnn_goldens.generator.undetected_recurrences import UNDETECTED_RECURRENCES, UNDETECTED_RECURRENCES_BACKWARD
from rnn_goldens.golden.profile import Profile

Pair = tuple[str, str]
"""The names of a deviation and of a recurrence."""

INSIDE = tuple(condition for condition in CONDITIONS if condition.contract == CONTRACTS[0])
"""All precisions with the default contract."""


class Best(NamedTuple):
    """The largest margin of a pair on any golden, and the golden."""

    margin: float
    golden: str

    @property
    def is_detected(self) -> bool:
        """Whether the margin is large enough."""
        return self.margin >= ENOUGH


Margins = Mapping[Condition, Mapping[Pair, Best]]


@dataclass(frozen=True)
class Detection:
    """The margins of all deviations of a pass.

    Attributes:
        margins: by precision and contract, with the tolerance for any algorithm.
        of_step: the same with the tolerance for steps; None if it is not measured.
        undetected: the pairs that no golden has to detect with float32 inside, and why.
        low_precision: names of deviations that round too much, or that replace a function by an approximation.
    """

    margins: Margins
    of_step: Margins | None
    undetected: tuple[Undetected, ...]
    low_precision: frozenset[str]

    def hidden(self, condition: Condition) -> dict[Pair, Best]:
        """Return the pairs that no golden detects."""
        return {pair: best for pair, best in self.margins[condition].items() if not best.is_detected}

    def reason(self, pair: Pair, condition: Condition) -> str:
        """Return why no golden has to detect a pair; the empty string without a reason."""
        of = (h for h in self.undetected if h.deviation == pair[0] and pair[1] in h.cells)
        known = [h for h in of if condition.precision in h.precisions]
        return f"{known[0].reason}{'; allowed' if known[0].allowed else ''}" if known else ""

    def unexplained(self) -> list[str]:
        """Return the pairs that no golden detects with float32 inside, without a reason."""
        hidden = ((pair, condition) for condition in INSIDE for pair in self.hidden(condition))
        return [f"{' of '.join(pair)} in {c.precision}" for pair, c in hidden if not self.reason(pair, c)]


def measured(ids: Iterable[str] = ()) -> Detection:
    """Run all deviations of the forward pass on goldens, in float64; all goldens if no ids are given."""
    found = {algorithm: _none(RECURRENCE_DEVIATIONS) for algorithm in ALGORITHMS}
    for golden in goldens("float64", ids):
        case = recurrence_case(golden, np.float64)
        conditions = [condition for condition in CONDITIONS if condition.precision in golden.precisions]
        judged = {(a, c): under(golden, a, c.contract) for a in ALGORITHMS for c in conditions}
        for deviation in _that_apply(RECURRENCE_DEVIATIONS, case):
            outputs, pair = deviation.run(case), (deviation.name, golden.cell)
            in_order = [outputs[name] for name in golden.layout.outputs]
            for (algorithm, condition), one in judged.items():
                best = Best(margin(one, in_order, condition.precision), golden.id)
                found[algorithm][condition][pair] = max(found[algorithm][condition][pair], best)
    low = frozenset(deviation.name for deviation in FAMILIES["numerics"])
    return Detection(found["any"], found["step"], UNDETECTED_RECURRENCES, low)


def measured_backward(ids: Iterable[str] = ()) -> Detection:
    """Run all deviations of the backward pass on goldens with gradients, in float64."""
    found = _none(BACKWARD_RECURRENCE_DEVIATIONS)
    for golden in goldens("float64", ids, gradients=True):
        case, gradients = recurrence_case(golden, np.float64), golden.gradients
        assert gradients is not None
        conditions = [condition for condition in CONDITIONS if condition.precision in gradients.precisions]
        tolerances = {c: gradients.tolerance.under(Profile(half=c.contract)) for c in conditions}
        judged = {c: replace(gradients, tolerance=tolerance) for c, tolerance in tolerances.items()}
        for deviation in _that_apply(BACKWARD_RECURRENCE_DEVIATIONS, case):
            wrong, pair = deviation.gradients(case, dict(golden.cotangents)), (deviation.name, golden.cell)
            for condition, one in judged.items():
                best = Best(gradient_margin(one, wrong, condition.precision), golden.id)
                found[condition][pair] = max(found[condition][pair], best)
    low = frozenset(deviation.name for deviation in BACKWARD_FAMILIES["numerics"])
    return Detection(found, None, UNDETECTED_RECURRENCES_BACKWARD, low)


def _none(deviations: Iterable[Any]) -> dict[Condition, dict[Pair, Best]]:
    pairs = [(deviation.name, cell) for deviation in deviations for cell in deviation.cells]
    return {condition: dict.fromkeys(pairs, Best(0.0, "")) for condition in CONDITIONS}


def _that_apply(deviations: Iterable[Any], case: RecurrenceCase) -> Iterator[Any]:
    return (one for one in deviations if one.applies_to(case.cell) and one.has_needs(case))


def report(found: Detection) -> str:
    """Return the section on the forward, or the backward pass."""
    backward = found.of_step is None
    pairs = next(iter(found.margins.values()))
    counts = [f"{_count(found.margins[condition])} in {condition.precision}" for condition in INSIDE]
    title, of = ("Wrong gradients", "backward") if backward else ("Wrong implementations", "forward")
    more = () if backward else ("with `step`",)
    parts = [
        f"## {title}\n\n{len({name for name, _ in pairs})} deviations of the {of} pass, {len(pairs)} pairs of a "
        f"deviation and a recurrence, ran on the goldens{' with gradients' * backward}: with float32 inside, the "
        f"default contract, the goldens detect {', '.join(counts[:-1])} and {counts[-1]}. A golden detects a deviation "
        f"if its largest error is at least {ENOUGH:g} times the tolerance.\n",
        page.table(
            ("precision", "contract", "pairs", "detected", *more, "smallest margin", "of", "golden"),
            _by_condition(found),
        ),
    ]
    if any(found.hidden(condition) for condition in INSIDE):
        parts += [
            "Not detected with float32 inside, with the reason; *allowed*: a correct implementation may have the "
            "deviation.\n",
            page.table(("deviation", "precision", "recurrences and margins", "reason"), _with_reasons(found)),
        ]
    parts += [
        "Not detected by the two other contracts. *Low precision*: deviations that round too much, whose rounding "
        "errors are within the larger tolerance of the contract. The effect of *the other ones* is within it, too.\n",
        page.table(
            ("precision", "contract", "not detected", "low precision", "the other ones, with their margins"),
            _by_contract(found),
        ),
    ]
    return "\n".join(parts)


def _by_condition(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition, of in found.margins.items():
        if detected := [(best, pair) for pair, best in of.items() if best.is_detected]:
            best, (name, cell) = min(detected)
            counts = [len(of), len(detected), *([_count(found.of_step[condition])] if found.of_step else [])]
            contract = condition.contract if condition.precision in HALF else ""
            yield condition.precision, contract, *counts, page.written(best.margin), f"`{name}` of {cell}", best.golden


def _with_reasons(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition in INSIDE:
        by_name: dict[tuple[str, str], list[str]] = {}
        for (name, cell), best in found.hidden(condition).items():
            why = found.reason((name, cell), condition) or "unknown"
            by_name.setdefault((name, why), []).append(f"{cell} {best.margin:.2f}")
        for (name, why), of in by_name.items():
            yield f"`{name}`", condition.precision, ", ".join(of), why


def _by_contract(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition in found.margins:
        if condition.contract != CONTRACTS[0]:
            low, others = Counter[str](), dict[str, list[str]]()
            for (name, cell), best in found.hidden(condition).items():
                if name in found.low_precision or found.reason((name, cell), condition):
                    low[name] += 1
                else:
                    others.setdefault(name, []).append(f"{cell} {best.margin:.2f}")
            listed = "; ".join(f"`{name}` ({', '.join(of)})" for name, of in others.items())
            yield *condition, low.total() + sum(map(len, others.values())), low.total(), listed or "none"


def _count(of: Mapping[Pair, Best]) -> int:
    return sum(best.is_detected for best in of.values())
