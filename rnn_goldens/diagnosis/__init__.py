"""The diagnosis of a run: what its goldens show, and the causes of its failures.

``search.py`` tries known deviations on one failure, ``run_diagnosis.py`` on all of a run, and ``causes.py`` decides
which of them are causes. ``facts.py`` observes what is left, and ``unexplained_failures.py`` what such failures have
in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.contracts import Contract

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

ENOUGH_SUPPORT = 1 / 2
"""Fraction of the failures that a cause must explain to be reported. Causes of fewer failures mostly mislead."""


@dataclass(frozen=True)
class Evidence:
    """The outcome of a golden in a precision.

    Attributes:
        explained_by: causes that give exactly the actual outputs.
        facts: by name, each with its number or with whether it holds: ``facts.FACTS``.
        parts: for each output, the causes that give it wherever it is wrong; empty if a cause explains all outputs.
        sizes: numbers of steps, rows, units and inputs, if determined: ``findings.SIZES_IN_WORDS``.
        error: the largest error of a failure, or the largest tolerance of a passed golden, as a fraction of the largest
            expected value; None if not determined.
        test: the test that checked the golden; the tests of a run may check different networks.
        no_equations: why the equations of the cell are unavailable, so that no deviation could run; else empty.
        of: what was compared: ``outputs`` or ``gradients``.
        checked, outputs: names of the compared gradients and outputs; empty for all.
        not_compared_with: causes of other failures that did not run on this golden because the budget was spent.
        contract: the looser contract that a failure of a recurrence satisfies; None if there is none, or unknown.
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
    contract: "Contract | None" = None

    def __str__(self) -> str:
        return f"{self.golden} in {self.dtype}"

    @property
    def about(self) -> "CellInTest":
        """The cell and the test. Each such pair is diagnosed separately."""
        return CellInTest(self.test, self.cell)


@dataclass(frozen=True)
class CellInTest:
    """A cell in one test, whose name is empty if the run has only one."""

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


@dataclass(frozen=True)
class CandidateEvidence:
    """A cause, the failures that it explains and what contradicts it.

    Attributes:
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
        failed: the failed goldens, the simplest first.
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
