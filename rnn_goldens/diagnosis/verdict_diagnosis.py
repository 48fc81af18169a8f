"""Adds the diagnosis to a failed verdict: deviations that explain it, or facts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.failure_text import failure_text
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.diagnosis import TOGETHER, Cause, listed
from rnn_goldens.diagnosis.candidates import accumulated, is_of_outputs
from rnn_goldens.diagnosis.contracts import satisfied_by
from rnn_goldens.diagnosis.facts import FACTS, OF_SECOND_CALL, facts
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.golden.expected import GRADIENTS

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
    if verdict.passed or not verdict.differences:
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
