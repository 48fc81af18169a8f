"""The causes of a run: which causes of single failures explain all failures.

A cause explains the failures of a cell if it gives the actual outputs on every failed golden and would not fail any
passed golden. A cause that a passed golden contradicts is reported only as ``consistent with`` the failures.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from rnn_goldens.diagnosis import (
    CONSISTENT,
    ENOUGH_SUPPORT,
    EXPLAINED,
    NOT_RECOGNISED,
    CandidateEvidence,
    Cause,
    CellInTest,
    Diagnosis,
    Evidence,
    Parts,
)

MAX_TOGETHER = 3
"""Largest number of causes that explain the failures together: more would explain them by chance."""

FEWEST_OF_MANY = 2
"""Number of further failures that each of several causes must explain, if there are many failures."""

WouldFail = Callable[[Cause, Evidence], bool | None]
"""Returns whether a network with these deviations would fail a golden; None if unknown."""


def diagnose(
    evidence: Iterable[Evidence],
    would_fail: WouldFail,
    cut_short: Container[CellInTest] = (),
    crashed: Mapping[CellInTest, int] = MappingProxyType({}),
) -> list[Diagnosis]:
    """Return a diagnosis of each cell in each test that has failures.

    Args:
        evidence: the outcome of each golden.
        would_fail: returns whether a cause would fail a golden that passed.
        cut_short: cells for which the budget was spent before every cause ran.
        crashed: numbers of goldens that failed before outputs were compared.
    """
    by_cell: dict[CellInTest, tuple[list[Evidence], list[Evidence]]] = {}
    for one in evidence:
        by_cell.setdefault(one.about, ([], []))[one.passed].append(one)
    unknown = [
        Diagnosis(
            about, tuple(failed), tuple(passed), NOT_RECOGNISED, (), crashed.get(about, 0), {}, about in cut_short
        )
        for about, (failed, passed) in by_cell.items()
        if failed
    ]
    return [_Cell(one.failed, one.passed, would_fail).diagnosed(one) for one in unknown]


@dataclass(frozen=True)
class _Cell:
    """The outcomes of a cell's goldens, and the causes that they support or contradict."""

    failed: tuple[Evidence, ...]
    passed: tuple[Evidence, ...]
    would_fail: WouldFail

    def diagnosed(self, unknown: Diagnosis) -> Diagnosis:
        """Return a diagnosis with the causes that the outcomes support, and with its certainty."""
        if unknown.is_mostly_crashed:
            return unknown
        complete = [cause for cause in self.ranked if len(self.support[cause]) == len(self.failed)]
        if clean := [cause for cause in complete if self.is_clean(cause)]:
            return replace(unknown, certainty=EXPLAINED, candidates=(self.candidate(clean[0], clean),))
        if covering := self.cover():
            return replace(unknown, certainty=EXPLAINED, candidates=covering)
        nearest = min(complete, key=lambda cause: len(self.against(cause)), default=None)
        if nearest is not None and len(self.against(nearest)) <= len(self.failed):
            return replace(unknown, certainty=CONSISTENT, candidates=(self.candidate(nearest),))
        for cause in self.ranked:
            compared = [e for e in self.failed if cause not in e.not_compared_with]
            if len(self.support[cause]) >= ENOUGH_SUPPORT * len(compared) and not self.against(cause):
                return replace(unknown, certainty=CONSISTENT, candidates=(self.candidate(cause),))
        return replace(unknown, parts=self.parts())

    @cached_property
    def support(self) -> dict[Cause, list[Evidence]]:
        """The failures that each cause explains."""
        found: dict[Cause, list[Evidence]] = {}
        for one in self.failed:
            for cause in one.explained_by:
                found.setdefault(cause, []).append(one)
        return found

    @cached_property
    def ranked(self) -> list[Cause]:
        """All causes. The cause that explains the most failures is first."""
        return sorted(self.support, key=lambda cause: (-len(self.support[cause]), len(cause)))

    def against(self, cause: Cause) -> tuple[Evidence, ...]:
        """Return the passed goldens that a cause would have failed."""
        return tuple(e for e in self.passed if self.would_fail(cause, e))

    def is_clean(self, cause: Cause) -> bool:
        """Return whether it is known that a cause would not fail any passed golden."""
        return all(self.would_fail(cause, e) is False for e in self.passed)

    def parts(self) -> Parts:
        """Return the causes of single outputs that hold for all failures."""
        found: dict[str, tuple[Cause, ...]] = {}
        for name, causes in self.failed[0].parts.items():
            common = [cause for cause in causes if all(cause in one.parts.get(name, ()) for one in self.failed)]
            if clean := tuple(cause for cause in common if self.is_clean(cause)):
                found[name] = clean
        return found

    def cover(self) -> tuple[CandidateEvidence, ...]:
        """Return a few clean causes that together explain all failures, found greedily; () if there are none.

        Each cause must explain enough further failures: a cause may explain a single one of many failures by chance.
        """
        least = 1 if len(self.failed) <= MAX_TOGETHER else FEWEST_OF_MANY
        left, chosen = {id(e) for e in self.failed}, list[Cause]()
        while left and len(chosen) < MAX_TOGETHER:
            gains = sorted(self.ranked, key=lambda cause: -sum(id(e) in left for e in self.support[cause]))
            best = next((cause for cause in gains if self.is_clean(cause)), None)
            gained = left & {id(e) for e in self.support[best]} if best is not None else set()
            if best is None or len(gained) < least:
                return ()
            chosen.append(best)
            left -= gained
        return () if left else tuple(CandidateEvidence(cause, tuple(self.support[cause])) for cause in chosen)

    def candidate(self, cause: Cause, clean: Sequence[Cause] = ()) -> CandidateEvidence:
        """Return a cause with its equivalent causes, the runner-up, and a golden that distinguishes the two."""
        equivalent = tuple(other for other in clean if other != cause and len(other) == len(cause))
        others = [one for one in self.support if one not in (cause, *equivalent) and len(one) == len(cause)]
        runner_up = max(others, key=lambda other: len(self.support[other]), default=None)
        distinguished_by = None
        if runner_up is not None:
            only_here = (e for e in self.support[cause] if runner_up not in (*e.explained_by, *e.not_compared_with))
            distinguished_by = next(only_here, None) or next(iter(self.against(runner_up)), None)
        not_compared = (
            *(e for e in self.failed if cause in e.not_compared_with),
            *(e for e in self.passed if self.would_fail(cause, e) is None),
        )
        explains, against = tuple(self.support[cause]), self.against(cause)
        return CandidateEvidence(cause, explains, against, equivalent, runner_up, distinguished_by, not_compared)
