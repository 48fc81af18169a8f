"""Finds the causes of all failures of a run among the causes of single failures.

A cause explains the failures of a cell if it gives the actual outputs on every failed golden and would not fail any
passed golden. A cause that a passed golden contradicts is reported only as ``consistent with`` the failures.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

Cause = tuple[str, ...]
"""The names of deviations that act together: one, or two."""

Parts = Mapping[str, tuple[Cause, ...]]
"""The causes that give the actual array, by name of output or gradient."""

TOGETHER = " & "
"""Separator of the names of two deviations."""

MAX_LISTED = 3
"""Number of equivalent causes that are listed."""

EXPLAINED, CONSISTENT, NOT_RECOGNISED = "explained", "consistent with", "not recognised"

ZERO = {OUTPUTS: ("no_step_updates", "all_zero"), GRADIENTS: ("gradients_all_zero",)}
"""Names of the facts that all values are zero."""

MAX_TOGETHER = 3
"""Largest number of causes that explain the failures together: more would explain them by chance."""

FEWEST_OF_MANY = 2
"""Number of further failures that each of several causes must explain, if there are many failures."""

ENOUGH_SUPPORT = 1 / 2
"""Fraction of the failures that a cause must explain to be reported. Causes of fewer failures mostly mislead."""


@dataclass(frozen=True)
class Evidence:
    """The outcome of a golden in a precision.

    Attributes:
        golden: the id of the golden.
        dtype: the precision.
        cell: the cell of the golden.
        features: the features of the golden.
        passed: whether the golden passed; else it failed.
        explained_by: causes that give exactly the actual outputs.
        facts: facts about the outputs by name, each with its number or with whether it holds: ``facts.FACTS``.
        parts: for each output, the causes that give it wherever it is wrong; empty if a cause explains all outputs.
        sizes: numbers of steps, rows, units and inputs, if determined: ``findings.SIZES_IN_WORDS``.
        error: the largest error of a failure, or the largest tolerance of a passed golden, as a fraction of the largest
            expected value; None if not determined.
        test: the test that checked the golden; the tests of a run may check different networks.
        no_equations: why the equations of the cell are unavailable, so that no deviation could run; else empty.
        of: what was compared: ``outputs`` or ``gradients``.
        checked: names of the compared gradients; empty for all.
        outputs: names of the compared outputs; empty for all.
        not_compared_with: causes of other failures that did not run on this golden because the budget was spent.
    """

    golden: str
    dtype: str
    cell: str
    features: tuple[str, ...] = ()
    passed: bool = False
    explained_by: tuple[Cause, ...] = ()
    facts: Mapping[str, bool | float] = field(default_factory=dict)
    parts: Parts = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    error: float | None = None
    test: str = ""
    no_equations: str = ""
    of: str = OUTPUTS
    checked: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    not_compared_with: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        return f"{self.golden} in {self.dtype}"

    @property
    def about(self) -> "CellInTest":
        """The cell and the test. Each such pair is diagnosed separately."""
        return CellInTest(self.test, self.cell)


@dataclass(frozen=True)
class CellInTest:
    """A cell in one test.

    Attributes:
        test: the name of the test; empty if the run has only one test.
        cell: the name of the cell.
    """

    test: str
    cell: str

    def __str__(self) -> str:
        return f"{self.cell} in {self.test}" if self.test else self.cell


def cells_as_text(several: Iterable[CellInTest]) -> str:
    """Return cells as text, with their tests if the run has several."""
    by_test: dict[str, list[str]] = {}
    for about in several:
        by_test.setdefault(about.test, []).append(about.cell)
    return "; ".join(f"{', '.join(cells)} in {test}" if test else ", ".join(cells) for test, cells in by_test.items())


def listed(causes: Sequence[Cause]) -> str:
    """Return the first causes as text, and how many more there are: ``a, b & c, d and 2 more``."""
    more = f" and {len(causes) - MAX_LISTED} more" if len(causes) > MAX_LISTED else ""
    return ", ".join(TOGETHER.join(cause) for cause in causes[:MAX_LISTED]) + more


WouldFail = Callable[[Cause, Evidence], bool | None]
"""Returns whether a network with these deviations would fail a golden; None if unknown."""


@dataclass(frozen=True)
class CandidateEvidence:
    """A cause, the failures that it explains and what contradicts it.

    Attributes:
        cause: the names of deviations that act together.
        explains: the failures that it explains.
        against: passed goldens that it would have failed.
        equivalent: other causes that also explain all failures.
        runner_up: the best of the other causes, if any.
        distinguished_by: a golden that only this cause explains, or a passed golden that the runner-up would fail.
        not_compared: goldens that it did not run on because the budget was spent.
    """

    cause: Cause
    explains: tuple[Evidence, ...]
    against: tuple[Evidence, ...] = ()
    equivalent: tuple[Cause, ...] = ()
    runner_up: Cause | None = None
    distinguished_by: Evidence | None = None
    not_compared: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of the failures of one cell in one test.

    Attributes:
        about: the cell and the test.
        failed: the failed goldens, the simplest first.
        passed: the passed goldens.
        certainty: ``explained``, ``consistent with`` or ``not recognised``.
        candidates: the causes, best first; each explains some failures that no earlier cause explains.
        crashed: number of goldens that failed before outputs were compared.
        parts: causes of a single output, by output, if no cause explains the failures.
        is_cut_short: whether the budget was spent before every cause ran.
    """

    about: CellInTest
    failed: tuple[Evidence, ...]
    passed: tuple[Evidence, ...]
    certainty: str
    candidates: tuple[CandidateEvidence, ...] = ()
    crashed: int = 0
    parts: Parts = field(default_factory=dict)
    is_cut_short: bool = False

    @property
    def is_mostly_crashed(self) -> bool:
        """True if too few failures were compared for a cause of them to be the cause of the others."""
        return len(self.failed) < ENOUGH_SUPPORT * (len(self.failed) + self.crashed)

    @property
    def no_equations(self) -> str:
        """The reason why no deviation could run on the first failure; empty if one could run on any failure."""
        return self.failed[0].no_equations if all(one.no_equations for one in self.failed) else ""

    @property
    def all_zero(self) -> bool:
        """True if out, or every gradient, is zero in every failure. Then deviations explain single outputs only."""
        return all(any(map(one.facts.get, ZERO[one.of])) for one in self.failed)

    @property
    def of(self) -> str:
        """``outputs`` if any failure has wrong outputs, else ``gradients``."""
        return OUTPUTS if any(one.of == OUTPUTS for one in self.failed) else GRADIENTS

    @property
    def unexplained(self) -> tuple[Evidence, ...]:
        """The failures that no cause explains."""
        explained = {id(evidence) for candidate in self.candidates for evidence in candidate.explains}
        return tuple(evidence for evidence in self.failed if id(evidence) not in explained)


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
