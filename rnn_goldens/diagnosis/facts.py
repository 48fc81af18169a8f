"""What can be seen in wrong outputs where no name fits: facts, each said only where it holds of all that failed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.fact_list import FACTS, IN_WORDS, Value
from rnn_goldens.diagnosis.seen import of_another_shape, seen, seen_of_out

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Evidence
    from rnn_goldens.golden.data import GoldenData

FEWEST_PASSED = 2
"""So many goldens without a feature have to pass, for it to be blamed."""

FEWEST_SEEN = 2
"""So many failures have to show a fact that most can not show, or all that there are."""

SAME = 0.01
"""So near are numbers that are one and the same, as a part of it."""


@np.errstate(all="ignore")
def facts(golden: "GoldenData", out: object, h_n: object = None, c_n: object = None) -> dict[str, Value]:
    """Which facts are so of outputs, and which are not; those that can not be seen in this golden are left out.

    Args:
        golden: what was asked.
        out: as for ``GoldenData.compare``, as are the others.
        h_n: likewise.
        c_n: likewise.
    """
    outputs = seen(golden, out, h_n, c_n)
    shapes: dict[str, Value] = {}
    visible = FACTS
    if outputs is None:
        shapes = {f"{name}_shape": True for name in of_another_shape(golden, out, h_n, c_n)}
        outputs = seen_of_out(golden, out, h_n, c_n)
        visible = {code: fact for code, fact in FACTS.items() if fact.of_out and outputs is not None}
    found = {code: fact.see(outputs) for code, fact in visible.items()} if outputs is not None else {}
    return shapes | {code: value for code, value in found.items() if value is not None}


def facts_of(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> list[str]:
    """What holds of all that failed, as far as it can be seen, in sentences; what tells most comes first."""
    found = [_sentence(*blamed) for blamed in blamed_features(failed, passed)]
    for code, (value, showing) in true_of_all(failed).items():
        of_all = showing == len(failed) or FACTS[code].of_any
        found.append(FACTS[code].sentence.format(value) + ("" if of_all else f" (in the {showing} that can show it)"))
    if found:
        return found
    if not passed:
        return ["every golden fails, the simplest too"]
    return [str(contrast)] if (contrast := contrast_of(failed, passed)) is not None else []


def true_of_all(failed: "Sequence[Evidence]") -> dict[str, tuple[Value, int]]:
    """The facts that hold of all that failed and can show it, by name; with which value, and how many can."""
    found = {}
    for code, fact in FACTS.items():
        values = [evidence.facts[code] for evidence in failed if code in evidence.facts]
        if fact.of_any:
            values = [value for value in values if value][:1]
        needed = min(FEWEST_SEEN, len(failed)) if fact.of_few else len(failed) / 2
        if values and (fact.of_any or len(values) >= needed) and _all_the_same(values):
            found[code] = (values[0], len(values))
    return found


@dataclass(frozen=True)
class Contrast:
    """A feature with which goldens fail more often, or less, than without.

    Attributes:
        feature: its name.
        having: how many that have it fail, and how many there are.
        lacking: the same of those that have it not.
    """

    feature: str
    having: tuple[int, int]
    lacking: tuple[int, int]

    @property
    def size(self) -> float:
        """The difference of the two parts."""
        return abs(self.having[0] / self.having[1] - self.lacking[0] / self.lacking[1])

    def __str__(self) -> str:
        counts = zip((self.having, self.lacking), IN_WORDS[self.feature], strict=True)
        return "; ".join(f"{failed} of {of} that {words} fail" for (failed, of), words in counts)


def contrast_of(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> Contrast | None:
    """The feature that tells best what fails from what passes, where none of all tells it."""
    found = []
    for feature in IN_WORDS:
        having, lacking = (
            (sum((feature in e.features) == has for e in failed), sum((feature in e.features) == has for e in of_all))
            for of_all in ([*failed, *passed],)
            for has in (True, False)
        )
        if having[1] and lacking[1]:
            found.append(Contrast(feature, having, lacking))
    best = max(found, key=lambda contrast: contrast.size, default=None)
    return best if best is not None and best.size > 0 else None


def _all_the_same(values: Sequence[Value]) -> bool:
    return all(values) and max(values) - min(values) <= SAME * max(abs(value) for value in values)


def blamed_features(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> Iterator[tuple[str, bool, int, int]]:
    """Features that all that fail have, or have not; how many that pass are otherwise, and how many are the same."""
    for feature in IN_WORDS:
        for has in (True, False):
            if all((feature in e.features) == has for e in failed):
                others = sum((feature in e.features) != has for e in passed)
                same = len(passed) - others
                if others >= FEWEST_PASSED and same <= others / 2:
                    yield feature, has, others, same


def _sentence(feature: str, has: bool, others: int, same: int) -> str:
    words = IN_WORDS[feature][0 if has else 1]
    but = f"; so do {same} that pass" if same else ""
    return f"all that fail {words}; {others} that do not pass{but}"
