"""Determines the coverage of each rule: which goldens detect its deviations, and which deviations no golden detects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import Detection, detections
from rnn_goldens.generator.kill_matrix import Combination, smallest_cover
from rnn_goldens.generator.rules.rule import Rule
from rnn_goldens.golden.precision import PRECISIONS


@dataclass(frozen=True)
class UndetectedBreak:
    """A deviation that breaks a rule but is not detected in a cell, and why."""

    deviation: str
    cell: str
    reason: str


@dataclass(frozen=True)
class InPrecision:
    """The coverage of a rule in a precision.

    Attributes:
        by_golden: the combinations that each golden detects, from simple to hard; only goldens that detect any.
        missed: deviations that no golden detects, except allowed ones.
        allowed: combinations that a correct implementation may have.
    """

    by_golden: Mapping[str, set[Combination]]
    missed: Sequence[UndetectedBreak]
    allowed: Sequence[Combination]

    @property
    def goldens(self) -> tuple[str, ...]:
        """The goldens that detect a deviation that breaks the rule."""
        return tuple(self.by_golden)

    @cached_property
    def fewest(self) -> Sequence[str]:
        """A minimal set of goldens that detects the same deviations as all goldens."""
        return smallest_cover(self.by_golden) if self.by_golden else []

    @cached_property
    def cells(self) -> set[str]:
        """The cells in which a golden detects a deviation."""
        return {cell for detected in self.by_golden.values() for _, cell, _ in detected}

    @property
    def is_no_error(self) -> bool:
        """Return whether a correct implementation may have all deviations that break the rule in this precision."""
        return bool(self.allowed) and not (self.by_golden or self.missed)

    @property
    def cells_without_golden(self) -> tuple[str, ...]:
        """The cells in which deviations break the rule, but none is detected."""
        return tuple(dict.fromkeys(missed.cell for missed in self.missed if missed.cell not in self.cells))


class RuleCoverage:
    """The coverage of rules by a corpus, from its kill matrices.

    Attributes:
        enough: the smallest margin that counts as detected.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._cells = {entry.id: entry.cell for entry in corpus.entries}
        self._shown: Mapping[str, Detection] = detections(corpus)
        (self.enough,) = {detection.enough for detection in self._shown.values()}

    def of(self, rule: Rule) -> dict[str, InPrecision]:
        """Return the coverage of a rule by precision."""
        return {precision: self._in_precision(rule, precision) for precision in PRECISIONS}

    def _in_precision(self, rule: Rule, precision: str) -> InPrecision:
        detected: dict[str, set[Combination]] = {golden_id: set() for golden_id in self._cells}
        for combination in _combinations(rule, precision):
            for golden_id in self._detecting(combination):
                detected[golden_id].add(combination)
        undetected = [
            missed for combination in _combinations(rule, precision) for missed in self._not_shown(combination)
        ]
        return InPrecision(
            {golden_id: combinations for golden_id, combinations in detected.items() if combinations},
            [missed for missed, allowed in undetected if not allowed],
            [(missed.deviation, missed.cell, precision) for missed, allowed in undetected if allowed],
        )

    def _detecting(self, combination: Combination) -> Iterator[str]:
        name, cell, precision = combination
        for golden_id, margin in self._shown[name].margins[precision].items():
            if self._cells[golden_id] == cell and margin >= self._shown[name].enough:
                yield golden_id

    def _not_shown(self, combination: Combination) -> Iterator[tuple[UndetectedBreak, bool]]:
        """Yield why no golden detects a deviation, and whether a correct implementation may have it."""
        name, cell, precision = combination
        for undetected in self._shown[name].not_shown:
            if cell in undetected.cells and precision in undetected.precisions:
                yield UndetectedBreak(name, cell, undetected.reason), undetected.allowed


def _combinations(rule: Rule, precision: str) -> list[Combination]:
    """Return the deviations, cells and precision in which the rule is broken."""
    return [(name, cell, precision) for name in rule.deviations for cell in rule.cells_broken_by(name)]
