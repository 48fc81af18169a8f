"""Finds what unexplained failures have in common, and what distinguishes them from all other goldens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from rnn_goldens.diagnosis.fact_list import FACTS, Value
from rnn_goldens.diagnosis.finding_text import (
    IN_WORDS,
    SIZES_IN_WORDS,
    Contrast,
    FewGoldens,
    Finding,
    SharedFeature,
    SharedSize,
)

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Diagnosis, Evidence

FEWEST_PASSED = 2
"""Number of goldens without a feature that must pass for the feature to be reported."""

BY_CHANCE = 0.01
"""A pattern whose probability to occur by chance is smaller is not a coincidence."""

OPTIONS = ("multilayer", "bidirectional", "lengths", "unbatched")
"""Features that a network may not support, which ``without`` excludes."""

SAME = 0.01
"""Largest relative difference of numbers that count as equal."""

MAX_LISTED = 3
"""Number of goldens that are listed."""

MIN_CONTRAST = 0.5
"""Smallest difference of failure rates, with and without a feature, that is reported."""


@dataclass(frozen=True)
class FailurePatterns:
    """Unexplained failures and the outcomes that they are compared with.

    Attributes:
        rest: failures that no candidate explains.
        explained: failures that a candidate explains.
        passed: passed goldens.
        are_all: whether these are all outcomes: none failed before it was compared.
    """

    rest: tuple["Evidence", ...]
    explained: tuple["Evidence", ...]
    passed: tuple["Evidence", ...]
    are_all: bool = True

    @cached_property
    def facts(self) -> Mapping[str, tuple[Value, int]]:
        """Facts that hold for all failures that can show them, with the value and the number of these failures."""
        found: dict[str, tuple[Value, int]] = {}
        for code, fact in FACTS.items():
            values = [evidence.facts[code] for evidence in self.rest if code in evidence.facts]
            if fact.of_any:
                values = [value for value in values if value][:1]
            if fact.of_equations and len(self.rest) + len(self.explained) <= len(self.passed):
                continue
            needed = min(fact.enough, len(self.rest)) if fact.enough else len(self.rest) / 2
            if fact.of_most and values and all(values):
                values = [max(values)] * len(values)
            if values and (fact.of_any or len(values) >= needed) and _all_the_same(values):
                found[code] = (values[0], len(values))
        return {code: fact for code, fact in found.items() if not found.keys() & set(FACTS[code].unless)}

    @cached_property
    def only_with(self) -> Sequence[str]:
        """Options of which every failure has at least one and no passed golden has any; () if only one is found."""
        failed = (*self.rest, *self.explained)
        lacking = [o for o in OPTIONS if not any(o in e.features for e in self.passed)]
        found = [o for o in lacking if any(o in e.features for e in failed)]
        holds = len(self.passed) >= FEWEST_PASSED and all(set(found) & set(e.features) for e in failed)
        return found if holds and len(found) > 1 else ()

    @cached_property
    def informative(self) -> tuple["Evidence", ...]:
        """The passed goldens whose tolerances are below the errors of all failures: these are right for another reason.

        A passed golden with a larger tolerance may have the same error as the failures.
        """
        errors = [one.error for one in self.rest if one.error is not None]
        smallest = min(errors, default=inf)
        return tuple(one for one in self.passed if one.error is None or one.error < smallest)

    @cached_property
    def features(self) -> Sequence[SharedFeature]:
        """Features that distinguish all unexplained failures from other goldens.

        The other goldens are the explained failures, or the passed goldens if no failure is explained.
        """
        if self.only_with:
            return []
        others, fewest = (self.explained, 1) if self.explained else (self.informative, FEWEST_PASSED)
        found = []
        for feature in IN_WORDS:
            for has in (True, False):
                if all((feature in e.features) == has for e in self.rest):
                    otherwise = sum((feature in e.features) != has for e in others)
                    same = len(others) - otherwise
                    chance = (1 - otherwise / (len(self.rest) + len(others))) ** len(self.rest) if same else 0
                    if otherwise >= fewest and (same <= otherwise / 2 if self.explained else chance < BY_CHANCE):
                        found.append(self._shared(feature, has))
        return found

    def _shared(self, feature: str, has: bool) -> SharedFeature:
        others = self.explained or self.passed
        same = sum((feature in e.features) == has for e in others)
        return SharedFeature(feature, has, len(others) - same, same)

    @cached_property
    def sizes(self) -> Sequence[SharedSize]:
        """Sizes that separate failed from passed goldens, unless a feature does."""
        if self.explained or len(self.informative) < FEWEST_PASSED or any(not one.same for one in self.features):
            return []
        found = []
        for size in SIZES_IN_WORDS:
            fail, passed = ([e.sizes[size] for e in some if size in e.sizes] for some in (self.rest, self.passed))
            if fail and passed and min(fail) > max(passed):
                found.append(SharedSize(size, True, max(passed)))
            elif fail and passed and max(fail) < min(passed):
                found.append(SharedSize(size, False, min(passed)))
        return found

    @cached_property
    def contrast(self) -> Contrast | None:
        """The feature whose failure rates differ most with and without it; None if no difference is significant."""
        found = []
        for feature in IN_WORDS if not self.explained else ():
            fail, of_all = (
                [sum((feature in e.features) == has for e in some) for has in (True, False)]
                for some in (self.rest, (*self.rest, *self.informative))
            )
            if all(of_all):
                found.append(Contrast(feature, (fail[0], of_all[0]), (fail[1], of_all[1])))
        best = max(found, key=lambda contrast: contrast.size, default=None)
        return best if best is not None and best.size >= MIN_CONTRAST and best.chance < BY_CHANCE else None

    @property
    def finding(self) -> Finding:
        """The finding to report."""
        of = len(self.rest)
        if not self.are_all:  # what failures have in common is unknown
            return Finding(of, bool(self.explained), facts=self.facts)
        return Finding(
            of, bool(self.explained), self.only_with, self.features, self.sizes, self.facts, self.contrast, self.few
        )

    @property
    def few(self) -> FewGoldens | None:
        """The failed or the passed goldens, whichever are fewer; None if some failures are explained."""
        if self.explained:
            return None
        fail = 0 < len(self.rest) <= len(self.passed)
        goldens = [one.golden for one in (self.rest if fail else self.passed)]
        return FewGoldens(goldens[:MAX_LISTED], max(0, len(goldens) - MAX_LISTED), fail)

    def sentences(self) -> Iterator[str]:
        """Yield sentences, the most informative first; there may be none."""
        yield from self.finding.sentences()


def failure_patterns(diagnoses: "Sequence[Diagnosis]") -> FailurePatterns:
    """Return the patterns of failures that no candidate explains; of all failures of a cell that has none of these."""
    rest = [evidence for diagnosis in diagnoses for evidence in diagnosis.unexplained or diagnosis.failed]
    left = {id(evidence) for evidence in rest}
    explained = [evidence for diagnosis in diagnoses for evidence in diagnosis.failed if id(evidence) not in left]
    passed = tuple(evidence for diagnosis in diagnoses for evidence in diagnosis.passed)
    return FailurePatterns(tuple(rest), tuple(explained), passed, not any(diagnosis.crashed for diagnosis in diagnoses))


def _all_the_same(values: Sequence[Value]) -> bool:
    return all(values) and max(values) - min(values) <= SAME * max(abs(value) for value in values)
