"""Searches for the causes of wrong outputs or gradients, and adds them, or facts, to a failed verdict.

Every candidate runs on the inputs of the same golden; causes of earlier failures in the run are tried first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np

from rnn_goldens.comparison.actual import Actual, actual_outputs
from rnn_goldens.comparison.failure_text import failure_text
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.diagnosis import TOGETHER, Cause, listed
from rnn_goldens.diagnosis.call_causes import CallCauses
from rnn_goldens.diagnosis.candidates import Budget, Candidates, accumulated, is_of_outputs, steps_of
from rnn_goldens.diagnosis.contracts import satisfied_by
from rnn_goldens.diagnosis.facts import FACTS, NOT_REPEATABLE, OF_SECOND_CALL, facts
from rnn_goldens.diagnosis.match import Arrays, are_the_same
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

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
        of_calls: the causes of failures of call patterns.
    """

    test: str = ""
    spent: SearchState = field(default_factory=SearchState)
    pairs: bool = True
    failures: list[Failure] = field(default_factory=list)
    repeats: int = MAX_REPEATED
    of_calls: CallCauses = field(default_factory=CallCauses)
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


_LINES = 2

Sentences = Iterator[tuple[str, int]]
"""Sentences of a failure message, each with its maximum number of lines."""


def diagnosed(
    actual: Actual,
    verdict: Verdict,
    search: CandidateSearch | None = None,
    *,
    meaning: str = "",
    call_again: Callable[[], Sequence[Any]] | None = None,
    outputs: Verdict | None = None,
    outputs_right: bool = False,
) -> Verdict:
    """Return the verdict. If it failed, add the deviations that explain it, or facts if none does.

    Args:
        actual: outputs or gradients.
        verdict: the verdict on them.
        search: the search that knows the causes of other failures of the run; if None, single deviations are tried.
        meaning: what a difference means, as for ``compare_gradients``.
        call_again: calls the implementation for the outputs once more, if possible; used for some failures of a run.
        outputs: for gradients, the diagnosed verdict on the outputs, if they were compared. Wrong outputs are
            reported first, and their cause explains the gradients, too.
        outputs_right: whether the outputs are known to be right for another reason: no cause is in the forward pass.
    """
    if all(verdict.differences[name].passed for name in actual.names):  # states after single steps may be wrong
        return verdict
    search, known = search or CandidateSearch(pairs=False), list[tuple[str, int]]()
    of_calls, observed = dict[str, bool | float](), dict[str, bool | float]()
    if outputs is not None and not outputs.passed:
        found = [tuple(cause.split(TOGETHER)) for cause in outputs.explained_by]
        observed, meaning = dict(outputs.facts), "the outputs are wrong, and gradients with them"
        known = [(outputs.message.splitlines()[0].partition(": ")[2], _LINES)]
    elif (
        actual.of == GRADIENTS and meaning in OF_SECOND_CALL
    ):  # the first call was right, so the backward pass is right
        found, of_calls = accumulated(actual), {OF_SECOND_CALL[meaning]: True}
    else:
        outputs_right = outputs_right or (outputs is not None and not outputs.not_checked)
        found = search.explain(actual, outputs_right=outputs_right)
    if not found and not known:
        observed = facts(actual)
        if call_again is not None:
            copies = {name: values.copy() for name, values in actual.numbers.items()}
            observed = {**search.repeated(actual, copies, call_again), **observed}
    causes = tuple(map(TOGETHER.join, found))
    message = failure_text(
        actual,
        list(verdict.differences.values()),
        meaning,
        like=causes[0] if len(causes) == 1 else "",
        known=[*known, *_sentences(actual, found, observed)],
    )
    return replace(verdict, message=message, explained_by=causes, facts={} if found else {**of_calls, **observed})


def _sentences(actual: Actual, found: Sequence[Cause], observed: Mapping[str, bool | float]) -> Sentences:
    """Yield sentences on the causes; if there are none, why no deviation could run, and the first fact that holds."""
    from rnn_goldens.cells import no_equations

    of_gradients = actual.of == GRADIENTS
    if found:
        if of_gradients and all(map(is_of_outputs, found)):
            yield "these are the gradients of wrong outputs, which check(out, h_n) compares:", _LINES
        yield _looks_like(found), _LINES + of_gradients
    if (contract := satisfied_by(actual, found)) and not contract.is_refused:
        yield contract.sentence, _LINES + 1
    if found:
        return
    if why := no_equations(actual.golden):
        yield f"not compared with any deviation: {why}", _LINES
    true = (FACTS[code].text(value) for code, value in observed.items() if value)
    yield from ((sentence, _LINES) for sentence in list(true)[:1])


def _looks_like(found: Sequence[Cause]) -> str:
    from rnn_goldens.deviations import deviation

    if len(found) == 1 and len(found[0]) == 1:
        return f"looks like {found[0][0]}: {deviation(found[0][0]).sentence}"
    if len(found) == 1:
        return f"looks like {' and '.join(found[0])}, both at once"
    return f"looks like one of {len(found)} deviations, which are equivalent here: {listed(found)}"
