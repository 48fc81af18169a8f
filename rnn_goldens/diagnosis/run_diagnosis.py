"""Diagnoses a run at its end: causes of some failures are tried on all other failures and on passed goldens."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from types import MappingProxyType

import numpy as np

from rnn_goldens.comparison.actual import Actual, actual_by_name, actual_gradients
from rnn_goldens.diagnosis import Cause, CellInTest, Diagnosis, Evidence, Parts
from rnn_goldens.diagnosis.candidates import Budget, Candidates, is_of_outputs, steps_of
from rnn_goldens.diagnosis.causes import diagnose
from rnn_goldens.diagnosis.contracts import satisfied_by
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.observation import as_fraction, observe
from rnn_goldens.diagnosis.search import Failure
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.larger_golden import original

Load = Callable[[str, str], GoldenData | None]
"""Loads a golden by id in a precision; returns None if it is no longer available."""

TIMES_OF_FACTS = 10
"""Cost of observing facts, as a multiple of running one deviation."""


@dataclass(frozen=True)
class Limits:
    """Budgets, in time steps, of the diagnosis at the end of a run. The summary reports what was not compared.

    Attributes:
        search: to find causes, divided among the cells.
        pairs: to find two deviations at once, divided among the cells.
        compare: to compare the causes with every failure.
        observe: to find causes of single outputs, and facts, divided among the cells.
        passed: to compare causes with passed goldens.
    """

    search: int = 40_000
    pairs: int = 10_000
    compare: int = 20_000
    observe: int = 15_000
    passed: int = 20_000


LIMITS = Limits()

MAX_CAUSES = 8
"""Number of causes of a cell that are compared with every failure: the most frequent ones."""

MAX_SEARCHED = 4
"""Number of unexplained failures of a cell that every deviation runs on: the simplest ones."""


def reexamine(
    evidence: Sequence[Evidence], failures: Iterable[Failure], load: Load, limits: Limits = LIMITS
) -> tuple[list[Evidence], frozenset[CellInTest]]:
    """Compare every failure with the causes of other failures, and search for causes of the unexplained ones.

    Returns:
        The outcome of each golden, with its causes; and the cells for which the budget was spent before every cause
        ran.
    """
    again = _Reexamination({(f.test, f.golden, f.dtype, f.of): f for f in failures}, load, Budget(limits.compare))
    evidence = [one if one.passed else again.begun(one) for one in evidence]
    by_cell: dict[CellInTest, list[Evidence]] = {}
    for one in evidence:
        if not one.passed:
            by_cell.setdefault(one.about, []).append(one)
    causes: dict[CellInTest, list[Cause]] = {}
    search, pairs = Budget(0), Budget(0)
    for about, failed in by_cell.items():
        search.left += limits.search // len(by_cell)
        pairs.left += limits.pairs // len(by_cell)
        other_cells = [cause for other, found in causes.items() if other.test == about.test for cause in found]
        causes[about] = again.causes(failed, other_cells, search, pairs)
    found = [one if one.passed else again.explained(one, causes[one.about]) for one in evidence]
    for about in by_cell:
        of_cell = [one for one in found if one.about == about]
        if not set.intersection(*(set(one.explained_by) for one in of_cell if not one.passed)):
            more = again.observed(of_cell, Budget(limits.observe // len(by_cell)))
            found = [more.get(id(one), one) for one in found]
    return found, frozenset(again.cut_short)


def _loaded(one: Evidence, load: Load) -> GoldenData | None:
    """Return the golden of an outcome, with the same outputs to compare; None if it is unavailable."""
    golden = load(one.golden, one.dtype)
    return golden if golden is None or not one.outputs else golden.comparing(one.outputs)


_Key = tuple[str, str, str, str]
"""Test, golden and precision of a failure, and what is wrong: outputs or gradients."""


@dataclass(frozen=True)
class _Reexamination:
    """Compares failures with more causes, until the budget is spent."""

    failures: Mapping[_Key, Failure]
    load: Load
    budget: Budget
    fitting: dict[_Key, dict[Cause, bool]] = field(default_factory=dict)
    cut_short: set[CellInTest] = field(default_factory=set)

    def begun(self, one: Evidence) -> Evidence:
        """Return a failure with the reason why no deviation can run, and without causes of a part of the outputs.

        A failure of a recurrence has the contract that it satisfies.
        """
        from rnn_goldens.cells import no_equations

        if one.cell not in LAYOUTS and (golden := _loaded(one, self.load)) is not None:
            actual = self._actual(one, golden)
            contract = None if actual is None else satisfied_by(actual, one.explained_by)
            one = replace(one, contract=contract, no_equations="" if one.explained_by else no_equations(golden))
        if self._is_whole(one):
            return one
        actual = None if one.facts else self._actual(one, _loaded(one, self.load))
        return replace(one, explained_by=(), facts=one.facts if actual is None else facts(actual))

    def causes(
        self, failed: Sequence[Evidence], other_cells: Sequence[Cause], budget: Budget, pair_budget: Budget
    ) -> list[Cause]:
        """Return the most frequent causes of a cell's failures, and causes found for the unexplained ones."""
        support = Counter(cause for one in failed for cause in one.explained_by)
        causes = [cause for cause, _ in support.most_common(MAX_CAUSES)]
        unexplained = [one for one in failed if not one.explained_by]
        for one in unexplained[:MAX_SEARCHED]:
            candidates = self._candidates(one)
            if candidates is None or not self._is_whole(one):
                continue
            if any(budget.take(candidates.cost) and candidates.fitted_by(cause) for cause in causes):
                continue
            single = [cause for cause in causes if len(cause) == 1]
            known = [*filter(candidates.can_apply, other_cells), *((*a, *b) for a, b in combinations(single, 2))]
            groups = ((group, budget) for group in (known, *candidates.groups()))
            causes += candidates.first_explaining((*groups, (candidates.pairs(single), pair_budget)))
            if budget.is_spent:  # the budget of pairs does not count: their number is always limited
                self.cut_short.add(one.about)
                budget.is_spent = False
        return causes

    def explained(self, one: Evidence, causes: Sequence[Cause]) -> Evidence:
        """Return a failure with the causes that explain it, and the causes that did not run on it."""
        others = [cause for cause in causes if cause not in one.explained_by]
        fitting = self.fitting.setdefault(_key(one), {})  # a test may check the same golden twice
        if untried := [cause for cause in others if cause not in fitting]:
            candidates = self._candidates(one) if self._is_whole(one) else None
            for cause in untried:
                if candidates is None or self.budget.take(candidates.cost):
                    fitting[cause] = candidates is not None and candidates.fitted_by(cause)
        fitted = tuple(cause for cause in others if fitting.get(cause))
        unknown = tuple(cause for cause in others if cause not in fitting)
        return replace(one, explained_by=(*one.explained_by, *fitted), not_compared_with=unknown)

    def observed(self, evidence: Sequence[Evidence], budget: Budget) -> dict[int, Evidence]:
        """Return the evidence of an unexplained cell, by object id, with facts, sizes and causes of single outputs."""
        parts = self._parts([one for one in evidence if not one.passed and not one.explained_by], budget)
        found: dict[int, Evidence] = {}
        for one in evidence:
            if (golden := _loaded(one, self.load)) is None:
                continue
            actual, more = self._actual(one, golden), replace(one, sizes=_sizes(golden))
            if one.passed:
                expected = original(golden).expected_of(one.of)
                allowed = (as_fraction(expected.allowed(name), want) for name, want in expected.values.items())
                more = replace(more, error=max(allowed))
            elif actual is not None:
                more = replace(more, error=observe(actual.own).error)
                if not one.facts and budget.take(TIMES_OF_FACTS * steps_of(golden)):
                    more = replace(more, facts=facts(actual))
            found[id(one)] = more if one.passed or one.explained_by else replace(more, parts=parts)
        return found

    def _parts(self, failed: Sequence[Evidence], budget: Budget) -> Parts:
        """For each output, return the deviations that give it in every failure in which it is wrong.

        The result is {} if the budget is spent, because not all failures were compared.
        """
        found: dict[str, list[Cause]] = {}
        for one in failed:
            if (candidates := self._candidates(one)) is None:
                continue
            for name in candidates.got:
                single = candidates.only(name)
                if found.get(name) == [] or single.is_right():
                    continue
                if name in found:
                    found[name] = [c for c in found[name] if budget.take(single.cost) and single.fitted_by(c)]
                else:
                    found[name] = list(single.explaining(single.applicable(), budget))
            if budget.is_spent:
                return {}
            if found and not any(found.values()):
                break
        return {name: tuple(causes) for name, causes in found.items() if causes}

    def _is_whole(self, one: Evidence) -> bool:
        """Return whether all compared outputs are numeric, so that a cause can give all of them; True if unknown."""
        failure = None if one.of == GRADIENTS else self.failures.get(_key(one))
        golden = None if one.cell in LAYOUTS or failure is None else _loaded(one, self.load)
        layout = LAYOUTS.get(one.cell) if golden is None else golden.layout
        if failure is None or layout is None:
            return True
        return failure.got.keys() == {name for name in layout.outputs if not one.outputs or name in one.outputs}

    def _actual(self, one: Evidence, golden: GoldenData | None) -> Actual | None:
        """Return the stored arrays of a failure; None if there are none, or no golden."""
        failure = self.failures.get(_key(one))
        if failure is None or golden is None:
            return None
        return (actual_gradients if one.of == GRADIENTS else actual_by_name)(golden, failure.got)

    def _candidates(self, one: Evidence) -> Candidates | None:
        failure = self.failures.get(_key(one))
        golden = None if failure is None else _loaded(one, self.load)
        if failure is None or golden is None:
            return None
        return Candidates(golden, failure.got, one.of, outputs_right=failure.outputs_right)


def _key(one: Evidence) -> _Key:
    return one.test, one.golden, one.dtype, one.of


def _sizes(golden: GoldenData) -> dict[str, int]:
    of_network = {"units": "hidden_size", "inputs": "input_size"}
    found = {size: golden.config[name] for size, name in of_network.items() if name in golden.config}
    return {"steps": golden.time, "rows": golden.sequences, **found}


def diagnose_run(
    evidence: Iterable[Evidence],
    load: Load,
    cut_short: Container[CellInTest] = (),
    limits: Limits = LIMITS,
    crashed: Mapping[CellInTest, int] = MappingProxyType({}),
) -> list[Diagnosis]:
    """Return the diagnosis of each cell with wrong outputs. A cause that a passed golden contradicts is not certain."""
    return diagnose(evidence, _WouldFail(load, Budget(limits.passed)), cut_short, crashed)


@dataclass
class _WouldFail:
    """Computes whether a cause would fail a passed golden. Results are cached."""

    load: Load
    budget: Budget
    cache: dict[tuple[Cause, str, str, str, tuple[str, ...]], bool] = field(default_factory=dict)

    def __call__(self, cause: Cause, evidence: Evidence) -> bool | None:
        key = cause, evidence.golden, evidence.dtype, evidence.of, evidence.outputs
        if key not in self.cache:
            golden = _loaded(evidence, self.load)
            if golden is not None and not self.budget.take(2 * steps_of(golden)):
                return None
            try:
                with np.errstate(all="ignore"):  # float32 sums may cancel and overflow
                    self.cache[key] = golden is not None and self._computed(cause, golden, evidence)
            except Exception:  # no equations, or deviations that exclude each other: no evidence
                self.cache[key] = False
        return self.cache[key]

    def _computed(self, cause: Cause, golden: GoldenData, evidence: Evidence) -> bool:
        from rnn_goldens.cells import require_equations
        from rnn_goldens.deviations.margins import ENOUGH

        require_equations(golden)
        if evidence.of == OUTPUTS and not is_of_outputs(cause):
            return False  # outputs are right with a deviation of the backward pass
        expected = golden.expected_of(evidence.of).values
        only_out = (golden.layout.result,) if golden.not_compared else ()  # only out is known to have passed
        checked = evidence.checked if evidence.of == GRADIENTS else only_out
        candidates = Candidates(golden, {name: expected[name] for name in checked or expected}, evidence.of)
        return all(candidates.would_fail(cause, dtype, ENOUGH) for dtype in (np.float64, np.float32))
