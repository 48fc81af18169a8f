"""The summary of a failing run: one paragraph for each cause, however many goldens fail."""

import textwrap
from collections.abc import Iterator, Sequence

from rnn_goldens.diagnosis.candidates import TOGETHER, Cause
from rnn_goldens.diagnosis.causes import (
    EXPLAINED,
    NOT_RECOGNISED,
    CandidateEvidence,
    Diagnosis,
    cells_as_text,
)
from rnn_goldens.diagnosis.failure_patterns import failure_patterns
from rnn_goldens.diagnosis.finding_text import is_explained, unexplained
from rnn_goldens.plurals import counted, was_or_were

WIDTH = 80
_MAX_EQUIVALENT = 3
_MAX_FACTS = 4
_CUT_SHORT = "not every deviation was compared, because the failed goldens have too many time steps"


def summary(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Yield the summary in lines of at most 80 columns. Cells with the same diagnosis share a paragraph."""
    groups: dict[tuple[object, ...], list[Diagnosis]] = {}
    for number, diagnosis in enumerate(diagnoses):
        groups.setdefault(_shared_key(diagnosis) or (number,), []).append(diagnosis)
    for together in groups.values():
        if together[0].candidates or _have_the_same(together):
            yield from _paragraph(together)
        else:
            for diagnosis in together:
                yield from _paragraph([diagnosis])
    if cut := [str(diagnosis.about) for diagnosis in diagnoses if diagnosis.is_cut_short]:
        hint = "; to compare more, check one cell at a time" if len(diagnoses) > 1 else ""
        yield from _wrapped(f"{', '.join(cut)}: {_CUT_SHORT}{hint}", "", "  ")


def _shared_key(diagnosis: Diagnosis) -> tuple[object, ...]:
    """Return the key of cells that share a paragraph; () if the diagnosis needs a separate paragraph."""
    if diagnosis.certainty == NOT_RECOGNISED:
        why = diagnosis.no_equations, diagnosis.all_zero, diagnosis.is_cut_short, diagnosis.is_mostly_crashed
        return (NOT_RECOGNISED, tuple(diagnosis.parts.items()), diagnosis.of, *why)
    causes = ((candidate.cause, candidate.equivalent, bool(candidate.against)) for candidate in diagnosis.candidates)
    return (diagnosis.certainty, *causes)


def _have_the_same(diagnoses: Sequence[Diagnosis]) -> bool:
    """Return whether a shared paragraph omits at most one sentence of each cell."""
    return len(_sentences(diagnoses)) >= max(1, *(len(_sentences([diagnosis])) - 1 for diagnosis in diagnoses))


def _sentences(diagnoses: Sequence[Diagnosis]) -> list[str]:
    return list(failure_patterns(diagnoses).sentences())[:_MAX_FACTS]


def _paragraph(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    cells = cells_as_text([diagnosis.about for diagnosis in diagnoses])
    failed = sum(len(diagnosis.failed) for diagnosis in diagnoses)
    compared = failed + sum(len(diagnosis.passed) for diagnosis in diagnoses)
    fail = "fails" if failed == 1 else "fail"
    yield from _wrapped(f"{cells}: {failed} of {compared} {fail}. {_how_sure(diagnoses)}", "", "  ")
    first = diagnoses[0]
    for number, candidate in enumerate(first.candidates):
        explained = sum(len(diagnosis.candidates[number].explains) for diagnosis in diagnoses)
        yield from _of_candidate(candidate, f"{explained} of them: " if len(first.candidates) > 1 else "")
        if any(is_explained(diagnosis.about.cell) for diagnosis in diagnoses):
            yield from _explain_hint(candidate.cause)
    if first.certainty != EXPLAINED:
        for fact in [*_of_parts(first), *_sentences(diagnoses)][:_MAX_FACTS]:
            yield from _wrapped(fact, "  - ", "    ")
    yield from _not_compared(diagnoses)
    simplest, which = first.failed[0], "fails"
    if first.candidates and (rest := [e for diagnosis in diagnoses for e in diagnosis.unexplained]):
        simplest, which = rest[0], "is not explained"
    yield from _wrapped(f"to debug: {simplest}, the simplest that {which}", "  ", "    ")


def _not_compared(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Yield why some failures could not be compared with deviations while others could."""
    reasons = [one.no_equations for d in diagnoses if not d.no_equations for one in d.failed if one.no_equations]
    if reasons:
        of_them = f"{len(reasons)} of them {was_or_were(len(reasons))}"
        yield from _wrapped(f"{of_them} not compared with any deviation: {reasons[0]}", "  - ", "    ")


def _how_sure(diagnoses: Sequence[Diagnosis]) -> str:
    first = diagnoses[0]
    failed = sum(len(diagnosis.failed) for diagnosis in diagnoses)
    if not first.candidates:
        crashed = sum(diagnosis.crashed for diagnosis in diagnoses) if first.is_mostly_crashed else 0
        zero, cut = first.all_zero, first.is_cut_short
        return unexplained(
            failed, first.no_equations, all_zero=zero, of=first.of, is_cut_short=cut, too_many_crashed=crashed
        )
    if len(first.candidates) > 1:
        return f"{len(first.candidates)} causes explain all of them together:"
    candidate = first.candidates[0]
    one = "two known deviations at once" if len(candidate.cause) > 1 else "one known deviation"
    if first.certainty != EXPLAINED:
        return _consistent(diagnoses, failed, one)
    match = "match" if len(candidate.cause) > 1 else "matches"
    is_alone = not candidate.equivalent and len(candidate.cause) == 1 and not any(d.is_cut_short for d in diagnoses)
    ending = ", and no other does:" if is_alone else ":"
    return f"{one.capitalize()} {match} {'it' if failed == 1 else 'every one'}{ending}"


def _consistent(diagnoses: Sequence[Diagnosis], failed: int, one: str) -> str:
    candidates = [diagnosis.candidates[0] for diagnosis in diagnoses]
    explained = sum(len(candidate.explains) for candidate in candidates)
    all_of_them = "It is" if failed == 1 else "All are"
    if against := [evidence for candidate in candidates for evidence in candidate.against]:
        passed = f"{against[0]}, which passed" if len(against) == 1 else f"{len(against)} goldens that passed, such as"
        example = "" if len(against) == 1 else f" {against[0]}"
        return f"{all_of_them} consistent with {one}, but that cause would also fail {passed}{example}:"
    if explained == failed:
        return f"{all_of_them} consistent with {one}:"
    consistent = f"{explained} of them {'is' if explained == 1 else 'are'} consistent with {one}"
    rest = failed - explained - sum(not e.passed for candidate in candidates for e in candidate.not_compared)
    if not rest:
        return f"{consistent}:"
    are_all = rest == failed - explained
    others = (
        f"{'the ' if are_all else ''}{rest} others are" if rest > 1 else "the other one is" if are_all else "1 other is"
    )
    return f"{consistent}; {others} not explained by it:"


def _of_candidate(candidate: CandidateEvidence, before: str) -> Iterator[str]:
    from rnn_goldens.deviations import deviation

    for number, name in enumerate(candidate.cause):
        lead = before if number == 0 else "and "
        yield from _wrapped(f"{lead}{name}: {deviation(name).sentence}", "  ", "    ")
    if candidate.equivalent:
        count = len(candidate.equivalent)
        more = f" and {count - _MAX_EQUIVALENT} more" if count > _MAX_EQUIVALENT else ""
        names = _names(candidate.equivalent[:_MAX_EQUIVALENT])
        yield from _wrapped(f"nothing here distinguishes it from {names}{more}", "  ", "    ")
    elif candidate.runner_up and candidate.distinguished_by:
        other, by = TOGETHER.join(candidate.runner_up), candidate.distinguished_by
        differs = f"would fail {by}, which passed" if by.passed else f"would give other {by.of} in {by}"
        yield from _wrapped(f"{other} {differs}", "  ", "    ")
    if candidate.not_compared:
        yield from _wrapped(_of_not_compared(candidate), "  ", "    ")
    for name in candidate.cause:
        if fix := deviation(name).fix_for({evidence.cell for evidence in candidate.explains}):
            yield from _wrapped(f"to fix: {fix}", "  ", "    ")


def _of_not_compared(candidate: CandidateEvidence) -> str:
    failed, of_all = sum(not e.passed for e in candidate.not_compared), len(candidate.not_compared)
    if not failed:
        return f"not compared with {counted(of_all, 'golden')} that passed"
    if of_all == 1:
        return "not compared with 1 golden, which fails"
    return f"not compared with {of_all} goldens, {failed} of which {'fails' if failed == 1 else 'fail'}"


def _explain_hint(cause: Cause) -> list[str]:
    commands = " and ".join(f"rnn-goldens explain {name}" for name in cause)
    return _wrapped(f"to see the code: {commands}", "  ", "    ")


def _of_parts(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield a sentence for each output that a deviation matches."""
    from rnn_goldens.deviations import deviation

    for causes in dict.fromkeys(diagnosis.parts.values()):
        names = [name for name, its_causes in diagnosis.parts.items() if its_causes == causes]
        which = f"only {' and '.join(names)} {'match' if len(names) > 1 else 'matches'}"
        if len(causes) == 1:
            (cause,) = causes[0]
            yield f"{which} {cause}: {deviation(cause).sentence}"
        else:
            more = f" and {len(causes) - _MAX_EQUIVALENT} more" if len(causes) > _MAX_EQUIVALENT else ""
            yield f"{which} one of {_names(causes[:_MAX_EQUIVALENT])}{more}"


def _names(causes: Sequence[Cause]) -> str:
    return ", ".join(TOGETHER.join(cause) for cause in causes)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
