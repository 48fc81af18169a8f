"""Measures which deviations the goldens of recurrences detect, of the forward and of the backward pass."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import CONDITIONS, Condition, by_algorithm, conditions_of, goldens, under
from benchmarks.recurrences.kernels.contracts import INSIDE
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case
from rnn_goldens.deviations.margins import ENOUGH, gradient_margin, margin
from rnn_goldens.deviations.recurrences import (
    BACKWARD_FAMILIES,
    BACKWARD_RECURRENCE_DEVIATIONS,
    FAMILIES,
    RECURRENCE_DEVIATIONS,
)
from rnn_goldens.golden.rounding_profile import ALGORITHMS, UP_TO_64
from rnn_goldens.golden.tolerance import in_use

Pair = tuple[str, str]
"""The names of a deviation and of a recurrence."""


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
        margins: by precision, contract and algorithm.
        low_precision: names of deviations that round too much, or that replace a function by an approximation.
        backward: whether it is the backward pass.
    """

    margins: Margins
    low_precision: frozenset[str]
    backward: bool = False

    def hidden(self, condition: Condition) -> dict[Pair, Best]:
        """Return the pairs that no golden detects."""
        return {pair: best for pair, best in self.margins[condition].items() if not best.is_detected}


def measured(ids: Iterable[str] = ()) -> Detection:
    """Run all deviations of the forward pass on goldens, in float64; all goldens if no ids are given."""
    found = _none(RECURRENCE_DEVIATIONS)
    for golden in goldens("float64", ids):
        case = recurrence_case(golden, np.float64)
        judged = {c: under(golden, c) for c in _with_algorithms(conditions_of(golden, golden.precisions))}
        for deviation in _that_apply(RECURRENCE_DEVIATIONS, case):
            outputs, pair = deviation.outputs(case), (deviation.name, golden.cell)
            in_order = [outputs[name] for name in golden.layout.outputs]
            for condition, one in judged.items():
                best = Best(margin(one, in_order, condition.precision), golden.id)
                found[condition][pair] = max(found[condition][pair], best)
    return Detection(found, frozenset(deviation.name for deviation in FAMILIES["numerics"]))


def measured_backward(ids: Iterable[str] = ()) -> Detection:
    """Run all deviations of the backward pass on goldens with gradients, in float64."""
    found = _none(BACKWARD_RECURRENCE_DEVIATIONS)
    for golden in goldens("float64", ids, gradients=True):
        case, gradients = recurrence_case(golden, np.float64), golden.gradients
        assert gradients is not None
        judged = {
            c: replace(gradients, tolerance=in_use(gradients.tolerance, c.profile, c.precision))
            for c in _with_algorithms(conditions_of(golden, gradients.precisions))
        }
        for deviation in _that_apply(BACKWARD_RECURRENCE_DEVIATIONS, case):
            wrong, pair = deviation.gradients(case, dict(golden.cotangents)), (deviation.name, golden.cell)
            for condition, one in judged.items():
                best = Best(gradient_margin(one, wrong, condition.precision), golden.id)
                found[condition][pair] = max(found[condition][pair], best)
    return Detection(found, frozenset(deviation.name for deviation in BACKWARD_FAMILIES["numerics"]), backward=True)


def _none(deviations: Iterable[Any]) -> dict[Condition, dict[Pair, Best]]:
    pairs = [(deviation.name, cell) for deviation in deviations for cell in deviation.cells]
    return {condition: dict.fromkeys(pairs, Best(0.0, "")) for condition in _with_algorithms(CONDITIONS)}


def _with_algorithms(conditions: Iterable[Condition]) -> list[Condition]:
    return [one for condition in conditions for one in by_algorithm(condition).values()]


def _that_apply(deviations: Iterable[Any], case: RecurrenceCase) -> Iterator[Any]:
    return (one for one in deviations if one.applies_to(case.cell) and one.has_needs(case))


def report(found: Detection) -> str:
    """Return the section on the forward, or the backward pass."""
    pairs = next(iter(found.margins.values()))
    title, of = ("Wrong gradients", "backward") if found.backward else ("Wrong implementations", "forward")
    return "\n".join(
        [
            f"## {title}\n\n{len({name for name, _ in pairs})} deviations of the {of} pass, {len(pairs)} pairs of a "
            f"deviation and a recurrence, ran on the goldens{' with gradients' * found.backward}. A golden detects a "
            f"deviation if its largest error is at least {ENOUGH:g} times the tolerance. The default contract is "
            f"{INSIDE}, {UP_TO_64}; by algorithm, the number of pairs that are detected:\n",
            page.table(("precision", "contract", "pairs", *ALGORITHMS), _detected(found)),
            f"The smallest margins with {UP_TO_64}:\n",
            page.table(
                ("precision", "contract", "smallest margin", "of", "golden"),
                _smallest_margins(found),
            ),
            f"Not detected with {UP_TO_64}. With {INSIDE} there is a reason for each, which `rnn-goldens explain` "
            "gives: the corpus cannot be generated without one. *Low precision*: deviations that round too much, whose "
            "rounding errors are within the tolerance. The effect of *the other ones* is within it, too.\n",
            page.table(
                ("precision", "contract", "not detected", "low precision", "the other ones, with their margins"),
                _not_detected(found),
            ),
            f"Pairs that {UP_TO_64} detects, and {ALGORITHMS[-1]} does not, with their margins by the latter:\n",
            page.table(("precision", "contract", "hidden by larger chunks"), _hidden_by_chunks(found)),
        ]
    )


def _detected(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        by_name = by_algorithm(condition)
        detected = [sum(best.is_detected for best in found.margins[one].values()) for one in by_name.values()]
        yield *condition.columns, len(found.margins[condition]), *detected


def _smallest_margins(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        if detected := [(best, pair) for pair, best in found.margins[condition].items() if best.is_detected]:
            best, (name, cell) = min(detected)
            yield *condition.columns, page.written(best.margin), f"`{name}` of {cell}", best.golden


def _not_detected(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        if hidden := found.hidden(condition):
            others = dict[str, list[str]]()
            for (name, cell), best in hidden.items():
                if name not in found.low_precision:
                    others.setdefault(name, []).append(f"{cell} {best.margin:.2f}")
            low = len(hidden) - sum(map(len, others.values()))
            listed = "; ".join(f"`{name}` ({', '.join(of)})" for name, of in others.items())
            yield *condition.columns, len(hidden), low, listed or "none"


def _hidden_by_chunks(found: Detection) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        larger = found.hidden(condition._replace(algorithm=ALGORITHMS[-1]))
        more = {pair: best for pair, best in larger.items() if pair not in found.hidden(condition)}
        if more:
            listed = (f"`{name}` ({cell} {best.margin:.2f})" for (name, cell), best in more.items())
            yield *condition.columns, "; ".join(listed)
