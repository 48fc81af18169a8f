"""A failed verdict, with what is known of the ways of being wrong that would explain what was given."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnn_goldens.diagnosis.asked import TOGETHER, Cause
from rnn_goldens.diagnosis.asked_gradients import accumulated, is_of_outputs
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.gradient_facts import EVERY_FACT, OF_SECOND_CALL
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.judging.failure_text import failure_text
from rnn_goldens.judging.given import Given
from rnn_goldens.judging.verdict import Verdict

_LISTED = 3
_LINES = 2

Sentences = Iterator[tuple[str, int]]
"""Sentences of a failure's message, each with how many lines it may take."""


def diagnosed(
    given: Given,
    verdict: Verdict,
    suspects: Suspects | None = None,
    *,
    said: str = "",
    ask_again: Callable[[], Sequence[Any]] | None = None,
    outputs: Verdict | None = None,
    outputs_right: bool = False,
) -> Verdict:
    """The same verdict; if it did not pass, it says which deviations would explain what was given.

    Args:
        given: outputs or gradients.
        verdict: what became of them.
        suspects: what explained other failures of a run; without it, every single deviation is asked.
        said: what it means that they differ, as ``compare_gradients`` was told.
        ask_again: asks the implementation for the outputs once more, if that can be done; some failures of a run are.
        outputs: of gradients, what became of the outputs that they are of, diagnosed, if those were asked: where they
            are wrong, that is to be fixed first, and what explains them explains all.
        outputs_right: whether these are known to be right without that: then no deviation of theirs is named.
    """
    if verdict.passed or not verdict.differences:
        return verdict
    if outputs is not None and not outputs.passed:
        return _of_wrong_outputs(given, verdict, outputs)
    suspects = suspects or Suspects(pairs=False)
    seen_in_calls = {OF_SECOND_CALL[said]: True} if given.of == GRADIENTS and said in OF_SECOND_CALL else {}
    if seen_in_calls:  # the first call was right, and so is the way back
        found = accumulated(given)
    else:
        outputs_right = outputs_right or (outputs is not None and not outputs.not_checked)
        found = suspects.explain(given, outputs_right=outputs_right)
    seen: Mapping[str, bool | float] = {}
    if not found:
        seen = facts(given)
        if ask_again is not None:
            kept = {name: values.copy() for name, values in given.numbers.items()}
            seen = {**suspects.repeats.facts(given, kept, ask_again), **seen}
    return _with_message(given, verdict, found, {**seen_in_calls, **seen}, said, tuple(_sentences(given, found, seen)))


def _of_wrong_outputs(given: Given, verdict: Verdict, outputs: Verdict) -> Verdict:
    found = [tuple(cause.split(TOGETHER)) for cause in outputs.explained_by]
    headline = outputs.message.splitlines()[0].partition(": ")[2]
    sentences = [(headline, _LINES), *_sentences(given, found, outputs.facts)]
    return _with_message(
        given, verdict, found, outputs.facts, "the outputs are wrong, and gradients with them", sentences
    )


def _with_message(
    given: Given,
    verdict: Verdict,
    found: Sequence[Cause],
    seen: Mapping[str, bool | float],
    said: str,
    sentences: Sequence[tuple[str, int]],
) -> Verdict:
    causes = tuple(map(TOGETHER.join, found))
    like = causes[0] if len(causes) == 1 else ""
    message = failure_text(given, list(verdict.differences.values()), said, like=like, known=sentences)
    return replace(verdict, message=message, explained_by=causes, facts={} if found else seen)


def _sentences(given: Given, found: Sequence[Cause], seen: Mapping[str, bool | float]) -> Sentences:
    """What explains it; else why no deviation was asked, if so, and the first fact that is so."""
    from rnn_goldens.cells import no_equations

    of_gradients = given.of == GRADIENTS
    if found:
        if of_gradients and all(map(is_of_outputs, found)):
            yield "these are the gradients of wrong outputs, which check(out, h_n) compares:", _LINES
        yield _looks_like(found), _LINES + of_gradients
        return
    if why := no_equations(given.golden):
        yield f"compared with no deviation: {why}", _LINES
    true = (EVERY_FACT[code].said(value) for code, value in seen.items() if value)
    yield from ((sentence, _LINES) for sentence in list(true)[:1])


def _looks_like(found: Sequence[Cause]) -> str:
    from rnn_goldens.deviations import deviation

    if len(found) == 1 and len(found[0]) == 1:
        return f"looks like {found[0][0]}: {deviation(found[0][0]).sentence}"
    if len(found) == 1:
        return f"looks like {' and '.join(found[0])}, both at once"
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    names = ", ".join(TOGETHER.join(cause) for cause in found[:_LISTED])
    return f"looks like one of {len(found)} deviations, which are alike here: {names}{more}"
