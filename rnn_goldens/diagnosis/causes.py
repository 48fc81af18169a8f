"""What explains a whole run: of the causes that single failures name, those that hold against all that was judged.

A cause explains a cell's failures if it gives what came on every golden that failed, and would show on none that
passed. Nothing is said that one of them contradicts without saying so.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from rnn_goldens.diagnosis.asked import Cause, Parts
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

EXPLAINED, CONSISTENT, NOT_RECOGNISED = "explained", "consistent with", "not recognised"

ZERO = {OUTPUTS: "all_zero", GRADIENTS: "gradients_all_zero"}
"""The fact that all is zero."""

MOST_TOGETHER = 3
"""Of more causes, each for some of the failures, chance explains as much."""

FEWEST_OF_MANY = 2
"""Of many failures, what one of several causes has to add."""

ENOUGH_SUPPORT = 1 / 3
"""What a cause has to explain of the failures that nothing explains together, to be named at all."""


@dataclass(frozen=True)
class Evidence:
    """What became of a golden in a precision.

    Attributes:
        golden: its id.
        dtype: the precision.
        cell: its cell.
        features: its features.
        passed: whether it passed; else it failed.
        explained_by: causes that give just what came.
        facts: what was seen in the outputs, and whether it is so, or with which number: ``fact_list.FACTS``.
        parts: causes that give one of the outputs wherever it is wrong and nothing explains all, by its name.
        sizes: how many steps, rows, units and inputs it has, where that was asked: ``fact_list.SIZES_IN_WORDS``.
        test: which test asked it, of several in a run, which may be of different networks.
        no_equations: why it was compared with no deviation, for want of its cell's equations; else empty.
        of: what was compared: ``outputs``, or ``gradients``.
        checked: of gradients, those that were compared; none: all.
        outputs: the names of the outputs that alone were compared; none: all.
        not_compared_with: causes of other failures that it was not compared with, for want of budget.
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
    test: str = ""
    no_equations: str = ""
    of: str = OUTPUTS
    checked: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    not_compared_with: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        return f"{self.golden} in {self.dtype}"

    @property
    def about(self) -> "About":
        """What is diagnosed by itself: a cell, as one test asks it."""
        return About(self.test, self.cell)


@dataclass(frozen=True)
class About:
    """A cell, as one test asks it.

    Attributes:
        test: empty if there is but one in the run.
        cell: its name.
    """

    test: str
    cell: str

    def __str__(self) -> str:
        return f"{self.cell} in {self.test}" if self.test else self.cell


def abouts(several: Iterable[About]) -> str:
    """The cells that one thing is said of, with their tests, if there are several in the run."""
    by_test: dict[str, list[str]] = {}
    for about in several:
        by_test.setdefault(about.test, []).append(about.cell)
    return "; ".join(f"{', '.join(cells)} in {test}" if test else ", ".join(cells) for test, cells in by_test.items())


Shows = Callable[[Cause, Evidence], bool | None]
"""Whether a network that is wrong so would fail a golden; None if that is not known."""


@dataclass(frozen=True)
class Suspect:
    """A cause, and what speaks for it and against it.

    Attributes:
        cause: the names of deviations that act together.
        explains: the failures that it explains.
        against: what passed though it would show there.
        alike: other causes that explain the same.
        runner_up: the cause that explains most of the rest, if there is one.
        told_apart_by: what this cause explains, and the runner-up does not.
        not_compared: failures, and what passed, that were not compared with it, for want of budget.
    """

    cause: Cause
    explains: tuple[Evidence, ...]
    against: tuple[Evidence, ...] = ()
    alike: tuple[Cause, ...] = ()
    runner_up: Cause | None = None
    told_apart_by: Evidence | None = None
    not_compared: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What is known of the failures of one cell in one test.

    Attributes:
        about: the cell and the test.
        failed: its goldens that failed, the simplest first.
        passed: those that passed.
        certainty: ``explained``, ``consistent with`` or ``not recognised``.
        suspects: the causes, the one that explains most first; each explains some failures that no other does.
        parts: of failures that no suspect explains, what gives one output, and would show on nothing that passed.
        is_cut_short: whether not every cause was compared that should have been.
    """

    about: About
    failed: tuple[Evidence, ...]
    passed: tuple[Evidence, ...]
    certainty: str
    suspects: tuple[Suspect, ...] = ()
    parts: Parts = field(default_factory=dict)
    is_cut_short: bool = False

    @property
    def no_equations(self) -> str:
        """Why no failure was compared with a deviation, for want of equations, of the first; empty if one was."""
        return self.failed[0].no_equations if all(one.no_equations for one in self.failed) else ""

    @property
    def all_zero(self) -> bool:
        """Whether out, or every gradient, is zero in every failure, so that no deviation was asked all of it."""
        return all(one.facts.get(ZERO[one.of]) for one in self.failed)

    @property
    def of(self) -> str:
        """What is wrong: outputs, if they are anywhere; else gradients."""
        return OUTPUTS if any(one.of == OUTPUTS for one in self.failed) else GRADIENTS

    @property
    def unexplained(self) -> tuple[Evidence, ...]:
        """The failures that none of the causes explains."""
        explained = {id(evidence) for suspect in self.suspects for evidence in suspect.explains}
        return tuple(evidence for evidence in self.failed if id(evidence) not in explained)


def diagnose(evidence: Iterable[Evidence], shows: Shows, cut_short: Container[About] = ()) -> list[Diagnosis]:
    """What explains the failures, cell by cell and test by test; none of a cell that has no failure.

    Args:
        evidence: what became of each golden.
        shows: what speaks against a cause.
        cut_short: those in which not every cause was compared that should have been.
    """
    apart: dict[About, list[Evidence]] = {}
    for one in evidence:
        apart.setdefault(one.about, []).append(one)
    return [
        replace(_of_cell(about, of_cell, shows), is_cut_short=about in cut_short)
        for about, of_cell in apart.items()
        if not all(e.passed for e in of_cell)
    ]


def _of_cell(about: About, evidence: Sequence[Evidence], shows: Shows) -> Diagnosis:
    failed = tuple(e for e in evidence if not e.passed)
    passed = tuple(e for e in evidence if e.passed)
    cell = _Cell(failed, passed, shows)
    of_all = [cause for cause in cell.ranked if len(cell.support[cause]) == len(failed)]
    if clean := [cause for cause in of_all if cell.is_clean(cause)]:
        return Diagnosis(about, failed, passed, EXPLAINED, (cell.suspect(clean[0], clean),))
    if covering := cell.cover():
        return Diagnosis(about, failed, passed, EXPLAINED, covering)
    if of_all:
        nearest = min(of_all, key=lambda cause: len(cell.against(cause)))
        return Diagnosis(about, failed, passed, CONSISTENT, (cell.suspect(nearest),))
    for cause in cell.ranked:
        if len(cell.support[cause]) >= ENOUGH_SUPPORT * len(failed) and not cell.against(cause):
            return Diagnosis(about, failed, passed, CONSISTENT, (cell.suspect(cause),))
    return Diagnosis(about, failed, passed, NOT_RECOGNISED, parts=cell.parts())


@dataclass(frozen=True)
class _Cell:
    """What became of a cell's goldens, and what speaks for and against causes."""

    failed: tuple[Evidence, ...]
    passed: tuple[Evidence, ...]
    shows: Shows

    @cached_property
    def support(self) -> dict[Cause, list[Evidence]]:
        """By cause, the failures that it explains."""
        found: dict[Cause, list[Evidence]] = {}
        for one in self.failed:
            for cause in one.explained_by:
                found.setdefault(cause, []).append(one)
        return found

    @cached_property
    def ranked(self) -> list[Cause]:
        """The cause that explains most first."""
        return sorted(self.support, key=lambda cause: (-len(self.support[cause]), len(cause)))

    def against(self, cause: Cause) -> tuple[Evidence, ...]:
        """What passed although a network that is wrong so would fail there."""
        return tuple(e for e in self.passed if self.shows(cause, e))

    def is_clean(self, cause: Cause) -> bool:
        """Whether nothing that passed contradicts a cause, as is known of all of it."""
        return all(self.shows(cause, e) is False for e in self.passed)

    def not_compared(self, cause: Cause) -> tuple[Evidence, ...]:
        """What was not compared with a cause."""
        failed = (e for e in self.failed if cause in e.not_compared_with)
        return (*failed, *(e for e in self.passed if self.shows(cause, e) is None))

    def parts(self) -> Parts:
        """What gives an output of all failures."""
        found: dict[str, tuple[Cause, ...]] = {}
        for name, causes in self.failed[0].parts.items():
            of_all = [cause for cause in causes if all(cause in one.parts.get(name, ()) for one in self.failed)]
            if kept := tuple(cause for cause in of_all if self.is_clean(cause)):
                found[name] = kept
        return found

    def cover(self) -> tuple[Suspect, ...]:
        """The fewest causes found that explain all together, none of which anything contradicts; () if there are none.

        One that adds a single failure of many explains it by chance.
        """
        least = 1 if len(self.failed) <= MOST_TOGETHER else FEWEST_OF_MANY
        left, chosen = {id(e) for e in self.failed}, list[Cause]()
        while left and len(chosen) < MOST_TOGETHER:
            gains = sorted(self.ranked, key=lambda cause: -sum(id(e) in left for e in self.support[cause]))
            best = next((cause for cause in gains if self.is_clean(cause)), None)
            gained = left & {id(e) for e in self.support[best]} if best is not None else set()
            if best is None or len(gained) < least:
                return ()
            chosen.append(best)
            left -= gained
        return () if left else tuple(Suspect(cause, tuple(self.support[cause])) for cause in chosen)

    def suspect(self, cause: Cause, clean: Sequence[Cause] = ()) -> Suspect:
        """A cause with its rivals: those that explain as much, and the next, which a golden tells from it."""
        support = self.support
        alike = tuple(other for other in clean if other != cause and len(other) == len(cause))
        others = [other for other in support if other != cause and other not in alike and len(other) == len(cause)]
        runner_up = max(others, key=lambda other: len(support[other]), default=None)
        told_apart_by = None
        if runner_up is not None:
            theirs = {id(e) for e in support[runner_up]}
            alone = (e for e in support[cause] if id(e) not in theirs and runner_up not in e.not_compared_with)
            told_apart_by = next(alone, None) or next(iter(self.against(runner_up)), None)
        return Suspect(
            cause,
            tuple(support[cause]),
            self.against(cause),
            alike,
            runner_up,
            told_apart_by,
            self.not_compared(cause),
        )
