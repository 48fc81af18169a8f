"""The failures of a run, once all are in: what explains some is asked of all others, and of what passed."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.asked import Asked, Cause
from rnn_goldens.diagnosis.asked_gradients import AskedGradients, asking, is_of_outputs
from rnn_goldens.diagnosis.budget import Budget, steps_of
from rnn_goldens.diagnosis.causes import About, Diagnosis, Evidence, diagnose
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.likeness import Arrays
from rnn_goldens.diagnosis.parts import parts_of
from rnn_goldens.diagnosis.suspects import Failure
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.shapes import LAYOUTS, Layout
from rnn_goldens.judging.given import gradients_given, outputs_given

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Load = Callable[[str, str], "GoldenData | None"]
"""A golden by its id, in a precision; None if it is not to be had any more."""

TIMES_OF_FACTS = 10
"""As many time steps as so many wrong networks take, seeing facts takes."""


@dataclass(frozen=True)
class Limits:
    """Time steps that wrong networks may compute at the end of a run; what is beyond is not known, and that is said.

    Attributes:
        to_look: to find causes; each cell has its share.
        for_pairs: to find two deviations at once; likewise.
        to_ask: to compare the causes found with every failure.
        to_see: to find what explains one output alone, and facts; each cell has its share.
        for_passed: to compare causes with what passed.
    """

    to_look: int = 40_000
    for_pairs: int = 10_000
    to_ask: int = 20_000
    to_see: int = 15_000
    for_passed: int = 20_000


LIMITS = Limits()

MOST_ASKED_AGAIN = 8
"""So many causes of a cell, those that explain most, are asked of every failure."""

MOST_LOOKED_AT = 4
"""So many failures of a cell that nothing explains, the simplest, are asked everything."""


@dataclass(frozen=True)
class AskedAgain:
    """What is known when all is in.

    Attributes:
        evidence: what became of each golden, and what explains it.
        cut_short: the cells, and tests, in which not every cause was compared that should have been.
    """

    evidence: list[Evidence]
    cut_short: frozenset[About] = frozenset()


def asked_again(
    evidence: Sequence[Evidence], failures: Iterable[Failure], load: Load, limits: Limits = LIMITS
) -> AskedAgain:
    """What else explains each failure: one that was judged before a cause was known did not hear of it.

    Args:
        evidence: what became of each golden.
        failures: the outputs of those that failed, as far as they are kept.
        load: where goldens come from.
        limits: how much may be compared.
    """
    failures = list(failures)
    outputs = {(f.test, f.golden, f.dtype, f.of): f.got for f in failures}
    right = frozenset((f.test, f.golden, f.dtype, f.of) for f in failures if f.outputs_right)
    evidence = [replace(one, no_equations=_no_equations(one, load)) for one in evidence]
    evidence = [
        one if one.passed or _is_whole(one, outputs, load) else _not_explained(one, outputs, load) for one in evidence
    ]
    by_cell: dict[About, list[Evidence]] = {}
    for one in evidence:
        if not one.passed:
            by_cell.setdefault(one.about, []).append(one)
    again = _Again(outputs, right, load, Budget(limits.to_ask))
    causes: dict[About, list[Cause]] = {}
    to_look, for_pairs = Budget(0), Budget(0)
    for about, failed in by_cell.items():
        to_look.left += limits.to_look // len(by_cell)
        for_pairs.left += limits.for_pairs // len(by_cell)
        elsewhere = [cause for other, found in causes.items() if other.test == about.test for cause in found]
        causes[about] = again.causes(failed, elsewhere, to_look, for_pairs)
    found = [one if one.passed else again.explained(one, causes[one.about]) for one in evidence]
    for about in by_cell:
        of_cell = [one for one in found if one.about == about]
        if not _is_explained_by_one([one for one in of_cell if not one.passed]):
            more = again.seen(of_cell, Budget(limits.to_see // len(by_cell)))
            found = [more.get(id(one), one) for one in found]
    return AskedAgain(found, frozenset(again.cut_short))


def _is_explained_by_one(failed: Sequence[Evidence]) -> bool:
    return bool(set.intersection(*(set(one.explained_by) for one in failed)))


_Key = tuple[str, str, str, str]
"""The test, the golden and the precision of a failure, and what is wrong: outputs or gradients."""


def _key(one: Evidence) -> _Key:
    return one.test, one.golden, one.dtype, one.of


def _is_whole(one: Evidence, outputs: Mapping[_Key, Arrays], load: Load) -> bool:
    """Whether each output that there should be holds numbers, as far as is known: else no cause gives all of it."""
    got = None if one.of == GRADIENTS else outputs.get(_key(one))
    if got is None or (layout := _layout(one, load)) is None:
        return True
    return got.keys() == {name for name in layout.outputs if not one.outputs or name in one.outputs}


def _loaded(one: Evidence, load: Load) -> "GoldenData | None":
    """The golden that was asked, of which the same outputs are compared."""
    golden = load(one.golden, one.dtype)
    return golden if golden is None or not one.outputs else golden.comparing(one.outputs)


def _layout(one: Evidence, load: Load) -> Layout | None:
    if one.cell in LAYOUTS:
        return LAYOUTS[one.cell]
    golden = _loaded(one, load)
    return None if golden is None else golden.layout


def _no_equations(one: Evidence, load: Load) -> str:
    from rnn_goldens.cells import no_equations

    if one.passed or one.explained_by or one.cell in LAYOUTS:
        return ""
    golden = _loaded(one, load)
    return "" if golden is None else no_equations(golden)


def _not_explained(one: Evidence, outputs: Mapping[_Key, Arrays], load: Load) -> Evidence:
    golden = _loaded(one, load)
    seen = one.facts or ({} if golden is None else facts(outputs_given(golden, **outputs[_key(one)])))
    return replace(one, explained_by=(), facts=seen)


@dataclass(frozen=True)
class _Again:
    """Failures that are compared again, as far as the budget goes; of some gradients the outputs are right."""

    outputs: dict[_Key, Arrays]
    outputs_right: frozenset[_Key]
    load: Load
    budget: Budget
    fitting: dict[_Key, dict[Cause, bool]] = field(default_factory=dict)
    cut_short: set[About] = field(default_factory=set)

    def causes(
        self, failed: Sequence[Evidence], elsewhere: Sequence[Cause], budget: Budget, for_pairs: Budget
    ) -> list[Cause]:
        """What explains most of a cell's failures, and what explains those that nothing does, as far as one comes."""
        support = Counter(cause for one in failed for cause in one.explained_by)
        causes = [cause for cause, _ in support.most_common(MOST_ASKED_AGAIN)]
        unexplained = [one for one in failed if not one.explained_by]
        for one in unexplained[:MOST_LOOKED_AT]:
            asked = self._asked(one)
            if asked is None or not _is_whole(one, self.outputs, self.load):
                continue
            if any(budget.take(asked.cost) and asked.fitted_by(cause) for cause in causes):
                continue
            single = [cause for cause in causes if len(cause) == 1]
            known = [*filter(asked.can_befall, elsewhere), *((*a, *b) for a, b in combinations(single, 2))]
            alone = ((candidates, budget) for candidates in (known, *asked.candidates()))
            for candidates, left in (*alone, (asked.pairs(single), for_pairs)):
                if found := list(asked.explaining(candidates, left)):
                    causes += found
                    break
            if budget.is_spent:  # of pairs never all are compared
                self.cut_short.add(one.about)
                budget.is_spent = False
        return causes

    def explained(self, one: Evidence, causes: Sequence[Cause]) -> Evidence:
        """A failure, which of the causes explain it, and which it was not compared with."""
        others = [cause for cause in causes if cause not in one.explained_by]
        fitting = self.fitting.setdefault(_key(one), {})  # one test may ask the same twice
        if open_ := [cause for cause in others if cause not in fitting]:
            asked = self._asked(one) if _is_whole(one, self.outputs, self.load) else None
            for cause in open_:
                if asked is None:
                    fitting[cause] = False
                elif self.budget.take(asked.cost):
                    fitting[cause] = asked.fitted_by(cause)
        unknown = tuple(cause for cause in others if cause not in fitting)
        return replace(
            one,
            explained_by=(*one.explained_by, *(cause for cause in others if fitting.get(cause))),
            not_compared_with=unknown,
        )

    def seen(self, judged: Sequence[Evidence], budget: Budget) -> dict[int, Evidence]:
        """What can be seen where no cause explains a cell: facts, sizes, what gives one output; by identity."""
        unexplained = [one for one in judged if not one.passed and not one.explained_by]
        parts = parts_of(unexplained, self._asked, budget)
        found = {}
        for one in judged:
            golden = _loaded(one, self.load)
            more = replace(one, sizes={} if golden is None else _sizes(golden))
            if not one.passed and not one.explained_by:
                more = replace(more, parts=parts)
            if not one.passed and not one.facts:
                more = replace(more, facts=self._facts(one, golden, budget))
            found[id(one)] = more
        return found

    def _facts(self, one: Evidence, golden: "GoldenData | None", budget: Budget) -> Mapping[str, bool | float]:
        got = self.outputs.get(_key(one))
        if golden is None or not got or not budget.take(TIMES_OF_FACTS * steps_of(golden)):
            return {}
        return facts(gradients_given(golden, got) if one.of == GRADIENTS else outputs_given(golden, **got))

    def _asked(self, one: Evidence) -> Asked | None:
        got = self.outputs.get(_key(one))
        golden = None if got is None else _loaded(one, self.load)
        return (
            None
            if golden is None or got is None
            else asking(golden, got, one.of, outputs_right=_key(one) in self.outputs_right)
        )


def _sizes(golden: "GoldenData") -> dict[str, int]:
    rows, steps, inputs = golden.stored.x.shape if golden.stored.x.ndim == 3 else (1, *golden.stored.x.shape)  # noqa: PLR2004 - (batch, time, input)
    return {"steps": steps, "rows": rows, "units": golden.config.hidden_size, "inputs": inputs}


def diagnosed_run(
    evidence: Iterable[Evidence], load: Load, cut_short: Container[About] = (), limits: Limits = LIMITS
) -> list[Diagnosis]:
    """What explains the failures of a run, cell by cell; nothing that what passed contradicts without saying so."""
    return diagnose(evidence, _Shows(load, Budget(limits.for_passed)), cut_short)


@dataclass
class _Shows:
    """Whether a golden that passed would have failed; remembered, for several causes are held against the same."""

    load: Load
    budget: Budget
    seen: dict[tuple[Cause, str, str, str, tuple[str, ...]], bool] = field(default_factory=dict)

    def __call__(self, cause: Cause, evidence: Evidence) -> bool | None:
        key = cause, evidence.golden, evidence.dtype, evidence.of, evidence.outputs
        if key not in self.seen:
            golden = _loaded(evidence, self.load)
            if golden is not None and not self.budget.take(2 * steps_of(golden)):
                return None
            try:
                with np.errstate(all="ignore"):  # in rounded arithmetic too, where sums cancel and overflow
                    self.seen[key] = golden is not None and self._shows(cause, golden, evidence)
            except Exception:  # no equations, or one of two has no room for what the other leaves: that tells nothing
                self.seen[key] = False
        return self.seen[key]

    def _shows(self, cause: Cause, golden: "GoldenData", evidence: Evidence) -> bool:
        from rnn_goldens.cells import case_of, require_equations
        from rnn_goldens.deviations import together
        from rnn_goldens.deviations.margins import ENOUGH, margin

        require_equations(golden)
        if evidence.of == GRADIENTS:
            expected = golden.expected(GRADIENTS).values
            passed = {name: expected[name] for name in evidence.checked or expected}
            asked = AskedGradients(golden, passed)
            return all(asked.shows(cause, dtype, ENOUGH) for dtype in (np.float64, np.float32))
        if not is_of_outputs(cause):
            return False  # its outputs are right
        wrong = together(cause)
        cases = (case_of(golden, dtype) for dtype in (np.float64, np.float32))
        most = 1 if golden.not_compared else None  # of out alone it is known for sure
        return all(margin(golden, wrong(case)[:most], evidence.dtype) >= ENOUGH for case in cases)
