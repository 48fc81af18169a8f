"""What a failing run ends with: one paragraph for one cause, however many goldens fail."""

import textwrap
from collections.abc import Iterator, Sequence

from rnn_goldens.diagnosis.asked import TOGETHER, Cause
from rnn_goldens.diagnosis.causes import EXPLAINED, NOT_RECOGNISED, Diagnosis, Suspect
from rnn_goldens.diagnosis.facts import facts_of

WIDTH = 80
_MOST_ALIKE = 3
_MOST_FACTS = 4


def summary(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Lines of at most 80 columns; what is the same in several cells is said once."""
    groups: dict[tuple[object, ...], list[Diagnosis]] = {}
    for number, diagnosis in enumerate(diagnoses):
        groups.setdefault(_said_together(diagnosis) or (number,), []).append(diagnosis)
    for together in groups.values():
        if together[0].suspects or _same_facts(together):
            yield from _paragraph(together)
        else:
            for diagnosis in together:
                yield from _paragraph([diagnosis])


def _said_together(diagnosis: Diagnosis) -> tuple[object, ...]:
    """What cells have in common that are told of in one paragraph; () if this one stands for itself."""
    if diagnosis.certainty == NOT_RECOGNISED:
        return () if diagnosis.parts else (NOT_RECOGNISED,)
    one_of_many = diagnosis.certainty == EXPLAINED and not diagnosis.suspects[0].alike
    return (EXPLAINED, *(suspect.cause for suspect in diagnosis.suspects)) if one_of_many else ()


def _same_facts(diagnoses: Sequence[Diagnosis]) -> bool:
    return len(_facts(diagnoses)) >= max(len(_facts([diagnosis])) for diagnosis in diagnoses)


def _facts(diagnoses: Sequence[Diagnosis]) -> list[str]:
    failed = [evidence for diagnosis in diagnoses for evidence in diagnosis.unexplained or diagnosis.failed]
    return facts_of(failed, [evidence for diagnosis in diagnoses for evidence in diagnosis.passed])[:_MOST_FACTS]


def _paragraph(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    cells = ", ".join(diagnosis.cell for diagnosis in diagnoses)
    failed = sum(len(diagnosis.failed) for diagnosis in diagnoses)
    judged = failed + sum(len(diagnosis.passed) for diagnosis in diagnoses)
    fail = "fails" if failed == 1 else "fail"
    yield from _wrapped(f"{cells}: {failed} of {judged} {fail}. {_how_sure(diagnoses)}", "", "  ")
    first = diagnoses[0]
    for suspect in first.suspects:
        several = len(first.suspects) > 1
        yield from _of_suspect(suspect, f"{len(suspect.explains)} of them: " if several else "")
    if first.certainty != EXPLAINED:
        parts = [] if len(diagnoses) > 1 else list(_of_parts(first))
        for fact in [*parts, *_facts(diagnoses)][:_MOST_FACTS]:
            yield from _wrapped(fact, "  - ", "    ")
    simplest, which = (first.failed[0], "fails")
    if first.suspects and first.unexplained:
        simplest, which = first.unexplained[0], "is not explained"
    yield from _wrapped(f"to debug: {simplest}, the simplest that {which}", "  ", "    ")


def _how_sure(diagnoses: Sequence[Diagnosis]) -> str:
    first = diagnoses[0]
    if not first.suspects:
        return "No known deviation explains them, nor do two at once that were tried."
    suspect = first.suspects[0]
    if first.certainty == EXPLAINED and len(first.suspects) > 1:
        return f"{len(first.suspects)} causes explain all of them together:"
    if first.certainty == EXPLAINED:
        which = "Two deviations at once explain" if len(suspect.cause) > 1 else "One deviation explains"
        what = "it" if sum(len(diagnosis.failed) for diagnosis in diagnoses) == 1 else "every one"
        ending = ":" if suspect.alike else ", and no other does:"
        return f"{which} {what}{ending}"
    if suspect.against:
        named = suspect.against[0]
        return f"All are consistent with one deviation, but it would show in {named} too, which passed:"
    return f"{len(suspect.explains)} of them are consistent with one deviation, and nothing contradicts it:"


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
    for name in suspect.cause:
        if mend := deviation(name).mend:
            yield from _wrapped(f"to mend: {mend}", "  ", "    ")
        yield from _wrapped(f"to see it beside what is right: rnn-goldens explain {name}", "  ", "    ")


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
