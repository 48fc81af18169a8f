"""What a failing run ends with: one paragraph for one cause, however many goldens fail."""

import textwrap
from collections.abc import Iterator, Sequence

from rnn_goldens.counted import was_or_were
from rnn_goldens.diagnosis.asked import TOGETHER, Cause
from rnn_goldens.diagnosis.causes import EXPLAINED, NOT_RECOGNISED, Diagnosis, Suspect, abouts
from rnn_goldens.diagnosis.in_common import in_common
from rnn_goldens.diagnosis.said import is_explained, unexplained

WIDTH = 80
_MOST_ALIKE = 3
_MOST_FACTS = 4
_CUT_SHORT = "not every deviation was compared with what failed, for there are many, in"


def summary(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Lines of at most 80 columns; what is the same in several cells is said once."""
    groups: dict[tuple[object, ...], list[Diagnosis]] = {}
    for number, diagnosis in enumerate(diagnoses):
        groups.setdefault(_said_together(diagnosis) or (number,), []).append(diagnosis)
    for together in groups.values():
        if together[0].suspects or _have_the_same(together):
            yield from _paragraph(together)
        else:
            for diagnosis in together:
                yield from _paragraph([diagnosis])
    if cut := [str(diagnosis.about) for diagnosis in diagnoses if diagnosis.is_cut_short]:
        alone = "; one cell alone gets further" if len(diagnoses) > 1 else ""
        yield from _wrapped(f"{_CUT_SHORT} {', '.join(cut)}{alone}", "", "  ")


def _said_together(diagnosis: Diagnosis) -> tuple[object, ...]:
    """What cells have in common that are told of in one paragraph; () if this one stands for itself."""
    if diagnosis.certainty == NOT_RECOGNISED:
        what = diagnosis.no_equations, diagnosis.all_zero, diagnosis.of, diagnosis.is_cut_short
        return (NOT_RECOGNISED, tuple(diagnosis.parts.items()), *what)
    said = ((suspect.cause, suspect.alike, bool(suspect.against)) for suspect in diagnosis.suspects)
    return (diagnosis.certainty, *said)


def _have_the_same(diagnoses: Sequence[Diagnosis]) -> bool:
    """Whether little is lost if what is said of one cell has to hold of all."""
    return len(_sentences(diagnoses)) >= max(1, *(len(_sentences([diagnosis])) - 1 for diagnosis in diagnoses))


def _sentences(diagnoses: Sequence[Diagnosis]) -> list[str]:
    return list(in_common(diagnoses).sentences())[:_MOST_FACTS]


def _paragraph(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    cells = abouts([diagnosis.about for diagnosis in diagnoses])
    failed = sum(len(diagnosis.failed) for diagnosis in diagnoses)
    judged = failed + sum(len(diagnosis.passed) for diagnosis in diagnoses)
    fail = "fails" if failed == 1 else "fail"
    yield from _wrapped(f"{cells}: {failed} of {judged} {fail}. {_how_sure(diagnoses)}", "", "  ")
    first = diagnoses[0]
    for number, suspect in enumerate(first.suspects):
        explained = sum(len(diagnosis.suspects[number].explains) for diagnosis in diagnoses)
        yield from _of_suspect(suspect, f"{explained} of them: " if len(first.suspects) > 1 else "")
        if any(is_explained(diagnosis.about.cell) for diagnosis in diagnoses):
            yield from _to_see(suspect.cause)
    if first.certainty != EXPLAINED:
        for fact in [*_of_parts(first), *_sentences(diagnoses)][:_MOST_FACTS]:
            yield from _wrapped(fact, "  - ", "    ")
        for fact in _looks_only_like(diagnoses):
            yield from _wrapped(fact, "  - ", "    ")
    yield from _not_compared(diagnoses)
    simplest, which = first.failed[0], "fails"
    if first.suspects and (rest := [e for diagnosis in diagnoses for e in diagnosis.unexplained]):
        simplest, which = rest[0], "is not explained"
    yield from _wrapped(f"to debug: {simplest}, the simplest that {which}", "  ", "    ")


def _looks_only_like(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Of the first failure that was named by itself what it looks like, where that does not explain the others."""
    failed = [evidence for diagnosis in diagnoses for evidence in diagnosis.failed]
    named = {suspect.cause for diagnosis in diagnoses for suspect in diagnosis.suspects}
    for one in failed:
        if one.explained_by and not named & set(one.explained_by):
            cause = one.explained_by[0]
            explained = sum(cause in other.explained_by for other in failed)
            if explained < len(failed):
                like = f"{one} looks like {TOGETHER.join(cause)}"
                yield f"{like}, which explains {explained} of the {len(failed)} failures"
                return


def _not_compared(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Why some failures, where others were, could not be compared with deviations."""
    reasons = [one.no_equations for d in diagnoses if not d.no_equations for one in d.failed if one.no_equations]
    if reasons:
        of_them = f"{len(reasons)} of them {was_or_were(len(reasons))}"
        yield from _wrapped(f"{of_them} compared with no deviation: {reasons[0]}", "  - ", "    ")


def _how_sure(diagnoses: Sequence[Diagnosis]) -> str:
    first = diagnoses[0]
    failed = sum(len(diagnosis.failed) for diagnosis in diagnoses)
    if not first.suspects:
        zero, cut = first.all_zero, first.is_cut_short
        return unexplained(failed, first.no_equations, all_zero=zero, of=first.of, is_cut_short=cut)
    if len(first.suspects) > 1:
        return f"{len(first.suspects)} causes explain all of them together:"
    suspect = first.suspects[0]
    one = "two deviations at once" if len(suspect.cause) > 1 else "one deviation"
    if first.certainty != EXPLAINED:
        return _consistent(diagnoses, failed, one)
    explain = "explain" if len(suspect.cause) > 1 else "explains"
    is_alone = not suspect.alike and len(suspect.cause) == 1 and not any(d.is_cut_short for d in diagnoses)
    ending = ", and no other does:" if is_alone else ":"
    return f"{one.capitalize()} {explain} {'it' if failed == 1 else 'every one'}{ending}"


def _consistent(diagnoses: Sequence[Diagnosis], failed: int, one: str) -> str:
    suspects = [diagnosis.suspects[0] for diagnosis in diagnoses]
    explained = sum(len(suspect.explains) for suspect in suspects)
    all_of_them = "It is" if failed == 1 else "All are"
    if suspects[0].against:
        passed = suspects[0].against[0]
        return f"{all_of_them} consistent with {one}, but that would show in {passed} too, which passed:"
    if explained == failed:
        return f"{all_of_them} consistent with {one}:"
    consistent = f"{explained} of them {'is' if explained == 1 else 'are'} consistent with {one}"
    rest = failed - explained - sum(not e.passed for suspect in suspects for e in suspect.not_compared)
    if not rest:
        return f"{consistent}:"
    are_all = rest == failed - explained
    others = (
        f"{'the ' if are_all else ''}{rest} others are" if rest > 1 else "the other one is" if are_all else "1 other is"
    )
    return f"{consistent}; {others} not explained by it:"


def _of_suspect(suspect: Suspect, before: str) -> Iterator[str]:
    from rnn_goldens.deviations import deviation

    for number, name in enumerate(suspect.cause):
        lead = before if number == 0 else "and "
        yield from _wrapped(f"{lead}{name}: {deviation(name).sentence}", "  ", "    ")
    if suspect.alike:
        more = f" and {len(suspect.alike) - _MOST_ALIKE} more" if len(suspect.alike) > _MOST_ALIKE else ""
        yield from _wrapped(f"nothing here tells it from {_names(suspect.alike[:_MOST_ALIKE])}{more}", "  ", "    ")
    elif suspect.runner_up and suspect.told_apart_by:
        yield from _wrapped(f"told from {TOGETHER.join(suspect.runner_up)} by {suspect.told_apart_by}", "  ", "    ")
    if suspect.not_compared:
        yield from _wrapped(_of_not_compared(suspect), "  ", "    ")
    for name in suspect.cause:
        if mend := deviation(name).mend:
            yield from _wrapped(f"to mend: {mend}", "  ", "    ")


def _of_not_compared(suspect: Suspect) -> str:
    failed, of_all = sum(not e.passed for e in suspect.not_compared), len(suspect.not_compared)
    if of_all == 1:
        return f"not compared with 1 golden, which {'fails' if failed else 'passed'}"
    return f"not compared with {of_all} goldens, {failed} of which {'fails' if failed == 1 else 'fail'}"


def _to_see(cause: Cause) -> list[str]:
    commands = " and ".join(f"rnn-goldens explain {name}" for name in cause)
    it = "it" if len(cause) == 1 else "them"
    return _wrapped(f"to see {it} beside what is right: {commands}", "  ", "    ")


def _of_parts(diagnosis: Diagnosis) -> Iterator[str]:
    """A sentence for each output that a deviation gives."""
    from rnn_goldens.deviations import deviation

    for causes in dict.fromkeys(diagnosis.parts.values()):
        names = [name for name, of_it in diagnosis.parts.items() if of_it == causes]
        which = f"{' and '.join(names)} alone {'are' if len(names) > 1 else 'is'} as with"
        if len(causes) == 1:
            (cause,) = causes[0]
            yield f"{which} {cause}: {deviation(cause).sentence}"
        else:
            more = f" and {len(causes) - _MOST_ALIKE} more" if len(causes) > _MOST_ALIKE else ""
            yield f"{which} one of {_names(causes[:_MOST_ALIKE])}{more}"


def _names(causes: Sequence[Cause]) -> str:
    return ", ".join(TOGETHER.join(cause) for cause in causes)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
