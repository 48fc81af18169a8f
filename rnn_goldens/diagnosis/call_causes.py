"""Finds the bugs between calls that give wrong results of a call pattern: a wrong runner runs the same calls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.comparison.actual import Actual, actual_outputs
from rnn_goldens.comparison.call_patterns import CallPattern, judged
from rnn_goldens.comparison.calls_in_parts import Results
from rnn_goldens.comparison.failure_text import failure_text, wrapped
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.diagnosis import listed
from rnn_goldens.diagnosis.candidates import steps_of
from rnn_goldens.diagnosis.match import explains
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.recurrences import RECURRENCES

if TYPE_CHECKING:
    from rnn_goldens.deviations import Deviation

MAX_STEPS = 1000
"""No bug is tried on a golden with more time steps, over all layers and directions."""

LINES = 2

SAME = 1024
"""Two states are the same if they differ by at most so many roundoffs of the largest number."""


@dataclass(eq=False)
class CallCauses:
    """Adds causes to failed verdicts on call patterns. Causes of earlier failures are tried first.

    Attributes:
        known: names of the causes so far.
    """

    known: list[str] = field(default_factory=list)

    def explained(self, verdict: Verdict, results: Results, patterns: Sequence[CallPattern], right: int) -> Verdict:
        """Return the verdict with the bugs that give these results, if there are any.

        Takes the patterns that ran before, the one that failed last, and the number of its results that were right.
        """
        found = [one.name for one in self._found(results, patterns, right)]
        if not found:
            return verdict
        self.known += [name for name in found if name not in self.known]
        names = tuple(found)
        return replace(verdict, message=_message(verdict, results, names), explained_by=names)

    def _found(self, results: Results, patterns: Sequence[CallPattern], right: int) -> "list[Deviation]":
        from rnn_goldens.cells import no_equations

        golden = results.golden
        if steps_of(golden) > MAX_STEPS or no_equations(golden):
            return []
        candidates = list(_that_apply(golden))
        first = [one for one in candidates if one.name in self.known]
        for group in (first, [one for one in candidates if one not in first]):
            if found := [one for one in group if _gives(one, results, patterns, right)]:
                return found
        return []


def _that_apply(golden: GoldenData) -> "Iterator[Deviation]":
    """Yield the bugs between calls that a golden's cell can have."""
    from rnn_goldens.deviations.calls import CALLS

    cells = (golden.cell,) if golden.is_integer else CELLS if golden.is_network else RECURRENCES
    for one in CALLS:
        kinds = {*one.cells} & {*cells}
        is_of_lstm = kinds == {"lstm"}
        if kinds and (not is_of_lstm or golden.layout.states == ("h", "c")):
            yield one


@np.errstate(all="ignore")
def _gives(one: "Deviation", results: Results, patterns: Sequence[CallPattern], right: int) -> bool:
    """Return whether a wrong runner gives the wrong results, and the single call and all results before are right."""
    from rnn_goldens.deviations.wrong_calls import WrongCalls

    golden = results.golden
    assert isinstance(one.wrong, WrongCalls)
    runner = one.wrong.runner()
    try:
        if not judged(Results(golden, (runner(golden.for_implementation()),), "")).passed:
            return False
        for pattern in patterns[:-1]:
            if not all(judged(found).passed for found in pattern.of(runner, golden)):
                return False
        *before, found = islice(patterns[-1].of(runner, golden), right + 1)
    except Exception:  # a wrong place, or a state of another shape
        return False
    return len(before) == right and all(judged(r).passed for r in before) and _are_the_same(results, found)


def _are_the_same(results: Results, found: Results) -> bool:
    """Return whether wrong results are those of a wrong runner."""
    if results.violation != found.violation or results.golden.shapes != found.golden.shapes:
        return False
    actual, wrong = (_actual(one) for one in (results, found))
    if actual.problems or not actual.numbers:
        return False
    if not _saw_the_same(results, found):
        return False
    if _has_right_outputs(results):
        return _has_right_outputs(found)
    return explains(actual.expected, actual.numbers, wrong.numbers)


def _saw_the_same(results: Results, found: Results) -> bool:
    """Return whether the states that both show, if any, are the same but for rounding."""
    if results.seen is None or found.seen is None:
        return results.seen is found.seen
    error = SAME * NUMBER_TYPES[results.golden.dtype].roundoff
    shaped = results.seen.shape == found.seen.shape
    return shaped and np.allclose(
        results.seen, found.seen, error, error * np.nanmax(np.abs(found.seen)), equal_nan=True
    )


def _has_right_outputs(results: Results) -> bool:
    """Return whether only states are wrong."""
    return judged(replace(results, violation="", states_at=None)).passed


def _actual(results: Results) -> Actual:
    return actual_outputs(results.golden, *results.outputs)


def _message(verdict: Verdict, results: Results, names: Sequence[str]) -> str:
    from rnn_goldens.deviations import deviation

    if len(names) == 1:
        sentence = f"looks like {names[0]}: {deviation(names[0]).sentence}"
    else:
        sentence = (
            f"looks like one of {len(names)} deviations, which are equivalent here: {listed([(n,) for n in names])}"
        )
    like = names[0] if len(names) == 1 else ""
    if results.violation and not any(not found.passed for found in verdict.differences.values()):
        first, *others = verdict.message.splitlines()
        place, _, rest = first.partition(": ")
        return "\n".join([f"{place}{f', like {like}' if like else ''}: {rest}", *wrapped(sentence, LINES), *others])
    known = [(sentence, LINES)]
    return failure_text(_actual(results), [*verdict.differences.values()], results.meaning, like=like, known=known)
