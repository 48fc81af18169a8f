"""Adds the diagnosis to a failed verdict: deviations that explain it, or facts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.failure_text import failure_text
from rnn_goldens.comparison.verdict import Verdict, verdict_on
from rnn_goldens.diagnosis.candidate_search import CandidateSearch
from rnn_goldens.diagnosis.candidates import TOGETHER, Cause, accumulated, is_of_outputs
from rnn_goldens.diagnosis.fact_list import FACTS, OF_SECOND_CALL
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import ALL, ANY, INSIDE, MEANINGS, OPERANDS, Profile
from rnn_goldens.golden.tolerance import Contracts

_LISTED = 3
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
        outputs_right: whether the outputs are known to be right for a reason other than ``outputs``. Then no cause is
            in the forward pass.
    """
    if verdict.passed or not verdict.differences:
        return verdict
    if outputs is not None and not outputs.passed:
        return _of_wrong_outputs(actual, verdict, outputs)
    search = search or CandidateSearch(pairs=False)
    call_facts = {OF_SECOND_CALL[meaning]: True} if actual.of == GRADIENTS and meaning in OF_SECOND_CALL else {}
    if call_facts:  # the first call was right, so the backward pass is right
        found = accumulated(actual)
    else:
        outputs_right = outputs_right or (outputs is not None and not outputs.not_checked)
        found = search.explain(actual, outputs_right=outputs_right)
    observed: Mapping[str, bool | float] = {}
    if not found:
        observed = facts(actual)
        if call_again is not None:
            copies = {name: values.copy() for name, values in actual.numbers.items()}
            observed = {**search.repeats.facts(actual, copies, call_again), **observed}
    return _with_message(
        actual, verdict, found, {**call_facts, **observed}, meaning, tuple(_sentences(actual, found, observed))
    )


def _of_wrong_outputs(actual: Actual, verdict: Verdict, outputs: Verdict) -> Verdict:
    found = [tuple(cause.split(TOGETHER)) for cause in outputs.explained_by]
    headline = outputs.message.splitlines()[0].partition(": ")[2]
    sentences = [(headline, _LINES), *_sentences(actual, found, outputs.facts)]
    return _with_message(
        actual, verdict, found, outputs.facts, "the outputs are wrong, and gradients with them", sentences
    )


def _with_message(
    actual: Actual,
    verdict: Verdict,
    found: Sequence[Cause],
    observed: Mapping[str, bool | float],
    meaning: str,
    sentences: Sequence[tuple[str, int]],
) -> Verdict:
    causes = tuple(map(TOGETHER.join, found))
    like = causes[0] if len(causes) == 1 else ""
    message = failure_text(actual, list(verdict.differences.values()), meaning, like=like, known=sentences)
    return replace(verdict, message=message, explained_by=causes, facts={} if found else observed)


def _sentences(actual: Actual, found: Sequence[Cause], observed: Mapping[str, bool | float]) -> Sentences:
    """Yield sentences on the causes; if there are none, why no deviation could run, and the first fact that holds."""
    from rnn_goldens.cells import no_equations

    of_gradients = actual.of == GRADIENTS
    if found:
        if of_gradients and all(map(is_of_outputs, found)):
            yield "these are the gradients of wrong outputs, which check(out, h_n) compares:", _LINES
        yield _looks_like(found), _LINES + of_gradients
    if isinstance(actual.expected.tolerance, Contracts) and (contract := _contract_satisfied(actual, found)):
        yield contract, _LINES + 1
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
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    names = ", ".join(TOGETHER.join(cause) for cause in found[:_LISTED])
    return f"looks like one of {len(found)} deviations, which are equivalent here: {names}{more}"


def _contract_satisfied(actual: Actual, found: Sequence[Cause]) -> str:
    """Return a sentence on the first looser contract that failing outputs satisfy; "" if there is none.

    A contract whose promise one of the causes breaks is not named, even where the outputs are within its tolerance.
    """
    profile = actual.golden.profile
    is_half = PRECISIONS[actual.golden.dtype].bits < PRECISIONS["float32"].bits
    halves = (INSIDE, OPERANDS, ALL)
    looser = halves[halves.index(profile.half) :] if is_half else (profile.half,)
    for half in looser:
        if half == OPERANDS and any(name.startswith("state_kept_in") for cause in found for name in cause):
            continue  # it promises states in float32
        for algorithm in dict.fromkeys((profile.algorithm, ANY)):
            other = Profile(profile.arithmetic, algorithm, half)
            if other != profile and verdict_on(actual.under(other)).passed:
                meaning = "; ".join(MEANINGS[name] for name in str(other).split(","))
                also = f" (if states are rounded as well: {ALL})" if half == OPERANDS else ""
                return (
                    f"right by another contract: {meaning}. If yours allows that, declare "
                    f"--rnn-goldens-profile={other}{also}"
                )
    return ""
