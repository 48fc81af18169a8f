"""What a corpus shows of a rule: which goldens expose what breaks it, and what is exposed by none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.shown import Shown, shown
from rnn_goldens.generator.adequacy import Charge, smallest_cover
from rnn_goldens.generator.rules.rule import Rule
from rnn_goldens.golden.precision import PRECISIONS


@dataclass(frozen=True)
class Missed:
    """A deviation that breaks a rule, where no golden exposes it, and why."""

    deviation: str
    cell: str
    reason: str


@dataclass(frozen=True)
class InPrecision:
    """What is shown of a rule in a precision.

    Attributes:
        by_golden: what each golden that shows it exposes, from simple to hard.
        missed: what none exposes.
        allowed: what is no error in this precision, because a correct implementation may do it.
    """

    by_golden: Mapping[str, set[Charge]]
    missed: Sequence[Missed]
    allowed: Sequence[Charge]

    @property
    def goldens(self) -> tuple[str, ...]:
        """Those that show it: each exposes some deviation that breaks it."""
        return tuple(self.by_golden)

    @cached_property
    def fewest(self) -> Sequence[str]:
        """The fewest found that expose all that is exposed."""
        return smallest_cover(self.by_golden) if self.by_golden else []

    @cached_property
    def cells(self) -> set[str]:
        """Those in which it is shown."""
        return {cell for exposed in self.by_golden.values() for _, cell, _ in exposed}

    @property
    def is_no_error(self) -> bool:
        """Whether a correct implementation may do all that breaks it elsewhere."""
        return bool(self.allowed) and not (self.by_golden or self.missed)

    @property
    def cells_without(self) -> tuple[str, ...]:
        """Those in which something breaks it, and nothing shows it."""
        return tuple(dict.fromkeys(missed.cell for missed in self.missed if missed.cell not in self.cells))


class ShownRules:
    """What a corpus shows of each rule, as its kill matrices say.

    Attributes:
        enough: the margin that counts.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._cells = {entry.id: entry.cell for entry in corpus.entries}
        self._shown: Mapping[str, Shown] = shown(corpus)
        (self.enough,) = {found.enough for found in self._shown.values()}

    def of(self, rule: Rule) -> dict[str, InPrecision]:
        """By precision."""
        return {precision: self._in_precision(rule, precision) for precision in PRECISIONS}

    def _in_precision(self, rule: Rule, precision: str) -> InPrecision:
        exposed: dict[str, set[Charge]] = {golden_id: set() for golden_id in self._cells}
        for charge in _charges(rule, precision):
            for golden_id in self._exposing(charge):
                exposed[golden_id].add(charge)
        unshown = [found for charge in _charges(rule, precision) for found in self._not_shown(charge)]
        return InPrecision(
            {golden_id: found for golden_id, found in exposed.items() if found},
            [missed for missed, allowed in unshown if not allowed],
            [(missed.deviation, missed.cell, precision) for missed, allowed in unshown if allowed],
        )

    def _exposing(self, charge: Charge) -> Iterator[str]:
        name, cell, precision = charge
        for golden_id, margin in self._shown[name].margins[precision].items():
            if self._cells[golden_id] == cell and margin >= self._shown[name].enough:
                yield golden_id

    def _not_shown(self, charge: Charge) -> Iterator[tuple[Missed, bool]]:
        """Where none does: why, and whether it is no error."""
        name, cell, precision = charge
        for found in self._shown[name].not_shown:
            if cell in found.cells and precision in found.precisions:
                yield Missed(name, cell, found.reason), found.allowed


def _charges(rule: Rule, precision: str) -> list[Charge]:
    """What breaks it."""
    return [(name, cell, precision) for name in rule.deviations for cell in rule.breaks_in(name)]
