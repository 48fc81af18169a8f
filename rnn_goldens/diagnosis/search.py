"""Searches for the causes of wrong outputs or gradients: every candidate runs on the inputs of the same golden.

Causes of earlier failures in the run are tried first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from rnn_goldens.comparison.actual import Actual, actual_outputs
from rnn_goldens.diagnosis import Cause
from rnn_goldens.diagnosis.candidates import Budget, Candidates, steps_of
from rnn_goldens.diagnosis.facts import NOT_REPEATABLE
from rnn_goldens.diagnosis.match import Arrays, are_the_same
from rnn_goldens.golden.expected import OUTPUTS

MAX_STEPS = 1000
"""On a golden with more time steps, over all layers and directions, only the known causes of the run are tried."""

STEPS_FOR_PAIRS = 12
"""Pairs are tried only on goldens with at most this many time steps: longer goldens are not more informative."""

STEPS = 40_000
"""Budget, in time steps, of the search for new causes during a run."""

STEPS_OF_PAIRS = 9_000
"""The part of ``STEPS`` that pairs may use, for each cell."""

MAX_KEPT = 4_000_000
"""Largest number of values of failed outputs stored until the end of a run. Later failures are not diagnosed again."""

MAX_REPEATED = 3
"""Number of unexplained failures of a test that are repeated: the first ones."""


@dataclass(frozen=True, eq=False)
class Failure:
    """The numeric arrays of wrong outputs, or of wrong gradients of outputs that were compared and are right."""

    golden: str
    dtype: str
    got: Arrays
    test: str = ""
    of: str = OUTPUTS
    outputs_right: bool = False


@dataclass
class SearchState:
    """The remaining budget of the search during a run, and the number of values stored so far."""

    budget: Budget = field(default_factory=lambda: Budget(STEPS))
    kept: int = 0


@dataclass(eq=False)
class CandidateSearch:
    """Searches for the causes of a test's failures. Known causes are tried first, others only if no known cause fits.

    Attributes:
        spent: state shared with the other tests of the run.
        pairs: whether two deviations at once are tried if no single one explains the outputs.
        failures: the failures so far, to be examined again at the end of the run.
        repeats: number of failures that may still be repeated.
    """

    test: str = ""
    spent: SearchState = field(default_factory=SearchState)
    pairs: bool = True
    failures: list[Failure] = field(default_factory=list)
    repeats: int = MAX_REPEATED
    _known: dict[str, list[Cause]] = field(default_factory=dict)
    _tried: dict[str, set[frozenset[str]]] = field(default_factory=dict)
    _pair_budgets: dict[str, Budget] = field(default_factory=dict)

    @np.errstate(all="ignore")
    def explain(self, actual: Actual, *, outputs_right: bool = False) -> list[Cause]:
        """Return the causes that give these wrong outputs or gradients: several if they are equivalent on this golden.

        [] if no cause is found or the budget is spent. If the outputs are right, no cause is in the forward pass.
        """
        golden, got = actual.golden, actual.numbers
        if not got:
            return []
        size = sum(values.size for values in got.values())
        if self.spent.kept + size <= MAX_KEPT:
            self.spent.kept += size
            self.failures.append(Failure(golden.id, golden.dtype, got, self.test, actual.of, outputs_right))
        known = self._known.setdefault(golden.cell, [])
        candidates = Candidates(golden, got, actual.of, outputs_right=outputs_right)
        found = [cause for cause in known if candidates.explained_by(cause)]
        if not found and steps_of(golden) <= MAX_STEPS:
            found = self._search(candidates, known)
            known += found
        return found

    def _search(self, candidates: Candidates, known: list[Cause]) -> list[Cause]:
        budget, found, cell = self.spent.budget, list[Cause](), candidates.golden.cell
        # A golden that needs more than half of the remaining budget waits for the end of the run.
        if candidates.cost * len(candidates.applicable()) < budget.left / 2:
            found = candidates.first_explaining((group, budget) for group in candidates.groups())
        if not found and self.pairs and steps_of(candidates.golden) <= STEPS_FOR_PAIRS:
            # A bug outside the equations affects all cells.
            others = [cause for other in self._known if other != cell for cause in self._known[other] if cause[1:]]
            pairs = chain(filter(candidates.can_apply, others), candidates.pairs(known, wide=True))
            pair_budget = self._pair_budgets.setdefault(cell, Budget(min(STEPS_OF_PAIRS, budget.left)))
            before = pair_budget.left
            found = list(candidates.explaining(self._untried(cell, pairs), pair_budget))
            budget.left -= before - pair_budget.left
        return found

    def _untried(self, cell: str, pairs: Iterable[Cause]) -> Iterator[Cause]:
        """Yield the pairs not yet tried for the cell. A pair that did not explain one failure cannot explain all."""
        tried = self._tried.setdefault(cell, set())
        for pair in pairs:
            if frozenset(pair) not in tried:
                tried.add(frozenset(pair))
                yield pair

    def repeated(self, first: Actual, copies: Arrays, call: Callable[[], Sequence[Any]]) -> dict[str, bool]:
        """Return, as a fact, whether a second call gives other outputs; {} without a second call, or if it raises.

        The outputs of the first call are given as copies, because the second may write over them.
        """
        if self.repeats <= 0 or not copies:
            return {}
        self.repeats -= 1
        try:
            second = actual_outputs(first.golden, *call()).numbers
        except Exception:  # the first failure is reported
            return {}
        return {NOT_REPEATABLE: not are_the_same(first.expected, copies, second)}
