"""Determines the coverage of each rule: which goldens detect its deviations, and which deviations no golden detects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.generator.detection import Detected
from rnn_goldens.generator.kill_matrix import Combination, smallest_cover
from rnn_goldens.generator.rules.rule import Rule
from rnn_goldens.golden.precision import PRECISIONS


@dataclass(frozen=True)
class InPrecision:
    """The coverage of a rule in a precision.

    Attributes:
        by_golden: the combinations that each golden detects, from simple to hard; only goldens that detect any.
        missed: deviations and cells that no golden detects, except allowed ones.
        allowed: combinations that a correct implementation may have.
    """

    by_golden: Mapping[str, set[Combination]]
    missed: Sequence[tuple[str, str]]
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
        return tuple(dict.fromkeys(cell for _, cell in self.missed if cell not in self.cells))


class RuleCoverage:
    """The coverage of rules by a corpus, from its kill matrices.

    Attributes:
        enough: the smallest margin that counts as detected.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._ids = corpus.ids
        self._detected = Detected(corpus)
        self.enough = self._detected.enough

    def of(self, rule: Rule) -> dict[str, InPrecision]:
        """Return the coverage of a rule by precision."""
        return {precision: self._in_precision(rule, precision) for precision in PRECISIONS}

    def _in_precision(self, rule: Rule, precision: str) -> InPrecision:
        broken = [(name, cell, precision) for name in rule.deviations for cell in rule.cells_broken_by(name)]
        by_golden: dict[str, set[Combination]] = {}
        for combination in broken:
            for golden_id in self._detected.goldens[combination]:
                by_golden.setdefault(golden_id, set()).add(combination)
        undetected = [combination for combination in broken if combination in self._detected.undetected]
        return InPrecision(
            {golden_id: by_golden[golden_id] for golden_id in self._ids if golden_id in by_golden},
            [(name, cell) for name, cell, of in undetected if not self._detected.is_allowed((name, cell, of))],
            [combination for combination in undetected if self._detected.is_allowed(combination)],
        )
