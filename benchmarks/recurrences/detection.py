"""Tables of the deviations that goldens detect, in each precision and by each contract."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import page
from benchmarks.recurrences.goldens import CONDITIONS, Condition
from benchmarks.recurrences.kernels import CONTRACTS
from benchmarks.recurrences.kernels.contracts import HALF
from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations.margins import ENOUGH

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
        margins: by precision and contract.
        undetected: the pairs that no golden has to detect with float32 inside, and why.
        low_precision: names of deviations that round too much, or that replace a function by an approximation.
    """

    margins: Margins
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
        return [
            f"{pair[0]} of {pair[1]} in {condition.precision}"
            for condition in INSIDE
            for pair in self.hidden(condition)
            if not self.reason(pair, condition)
        ]

    def in_words(self) -> str:
        """Return how many pairs are detected in each precision."""
        counts = [f"{_count(self.margins[condition])} in {condition.precision}" for condition in INSIDE]
        return f"{', '.join(counts[:-1])} and {counts[-1]}"

    def tables(self, steps: Margins | None = None) -> Iterator[str]:
        """Yield the tables; with the number of pairs detected with the tolerance for steps, if that is another."""
        more = ("with `step`",) if steps else ()
        header = ("precision", "contract", "pairs", "detected", *more, "smallest margin", "of", "golden")
        yield page.table(header, self._by_condition(steps))
        if any(self.hidden(condition) for condition in INSIDE):
            yield (
                "Not detected with float32 inside, with the reason; *allowed*: a correct implementation may have the "
                "deviation.\n"
            )
            yield page.table(("deviation", "precision", "recurrences and margins", "reason"), self._with_reasons())
        yield (
            "Not detected by the two other contracts. *Low precision*: deviations that round too much, whose rounding "
            "errors are within the larger tolerance of the contract. *Other*: other deviations whose effect is within "
            "it.\n"
        )
        yield page.table(("precision", "contract", "not detected", "low precision", "other"), self._counts())
        if others := list(self._others()):
            yield "The other ones:\n"
            yield page.table(("deviation", "precision", "contract", "recurrences and margins"), others)

    def _by_condition(self, steps: Margins | None) -> Iterator[tuple[object, ...]]:
        for condition, of in self.margins.items():
            if detected := [(best, pair) for pair, best in of.items() if best.is_detected]:
                best, (name, cell) = min(detected)
                counts = [len(of), len(detected), *([_count(steps[condition])] if steps else [])]
                contract = condition.contract if condition.precision in HALF else ""
                where = (page.written(best.margin), f"`{name}` of {cell}", best.golden)
                yield condition.precision, contract, *counts, *where

    def _with_reasons(self) -> Iterator[tuple[object, ...]]:
        for condition in INSIDE:
            by_name: dict[tuple[str, str], dict[str, Best]] = {}
            for pair, best in self.hidden(condition).items():
                why = self.reason(pair, condition) or "unknown"
                by_name.setdefault((pair[0], why), {})[pair[1]] = best
            for (name, why), of in by_name.items():
                yield f"`{name}`", condition.precision, _listed(of), why

    def _other_contracts(self) -> Iterable[Condition]:
        return (condition for condition in self.margins if condition.contract != CONTRACTS[0])

    def _others(self) -> Iterator[tuple[object, ...]]:
        for condition in self._other_contracts():
            by_name: dict[str, dict[str, Best]] = {}
            for (name, cell), best in self.hidden(condition).items():
                if name not in self.low_precision and not self.reason((name, cell), condition):
                    by_name.setdefault(name, {})[cell] = best
            for name, of in by_name.items():
                yield f"`{name}`", *condition, _listed(of)

    def _counts(self) -> Iterator[tuple[object, ...]]:
        for condition in self._other_contracts():
            hidden = self.hidden(condition)
            low = sum(pair[0] in self.low_precision or bool(self.reason(pair, condition)) for pair in hidden)
            yield *condition, len(hidden), low, len(hidden) - low


def _count(of: Mapping[Pair, Best]) -> int:
    return sum(best.is_detected for best in of.values())


def _listed(of: Mapping[str, Best]) -> str:
    return ", ".join(f"{cell} {best.margin:.2f}" for cell, best in of.items())
