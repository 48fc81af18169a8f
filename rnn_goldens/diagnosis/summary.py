"""The summary of a failing run: a paragraph for each cause, and one for each reason without outputs; as JSON, too."""

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec

from rnn_goldens.diagnosis import (
    EXPLAINED,
    NOT_RECOGNISED,
    TOGETHER,
    CandidateEvidence,
    Diagnosis,
    Evidence,
    cells_as_text,
    listed,
)
from rnn_goldens.diagnosis.contracts import of_all
from rnn_goldens.diagnosis.unexplained_failures import IN_WORDS, OPTIONS, Finding, exclusion_hint, finding_on
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.shapes import is_custom_cell
from rnn_goldens.plurals import counted, was_or_were

WIDTH = 80
LONGEST_REASON = 300
_MAX_REASONS = 4
_MAX_FACTS = 4
_CUT_SHORT = "not every deviation was compared, because the failed goldens have too many time steps"


def summary(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Yield the summary in lines of at most 80 columns. Cells with the same diagnosis share a paragraph."""
    groups: dict[tuple[object, ...], list[Diagnosis]] = {}
    for diagnosis in diagnoses:
        groups.setdefault(_shared_key(diagnosis), []).append(diagnosis)
    for together in groups.values():
        # A paragraph for all of them omits at most one sentence of each cell.
        fewest = max(1, *(len(_sentences([diagnosis])) - 1 for diagnosis in together))
        is_one = together[0].candidates or len(_sentences(together)) >= fewest
        for paragraph in [together] if is_one else [[diagnosis] for diagnosis in together]:
            yield from _paragraph(paragraph)
    if cut := [str(diagnosis.about) for diagnosis in diagnoses if diagnosis.is_cut_short]:
        hint = "; to compare more, check one cell at a time" if len(diagnoses) > 1 else ""
        yield from wrapped(f"{', '.join(cut)}: {_CUT_SHORT}{hint}", "")


def _shared_key(diagnosis: Diagnosis) -> tuple[object, ...]:
    if diagnosis.certainty == NOT_RECOGNISED:
        why = diagnosis.no_equations, diagnosis.all_zero, diagnosis.is_cut_short, diagnosis.is_mostly_crashed
        return (NOT_RECOGNISED, tuple(diagnosis.parts.items()), diagnosis.of, *why)
    causes = ((candidate.cause, candidate.equivalent, bool(candidate.against)) for candidate in diagnosis.candidates)
    return (diagnosis.certainty, *causes)


def _sentences(diagnoses: Sequence[Diagnosis]) -> list[str]:
    return list(finding_on(diagnoses).sentences())[:_MAX_FACTS]


def _paragraph(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    cells = cells_as_text([diagnosis.about for diagnosis in diagnoses])
    failed = sum(len(diagnosis.failed) for diagnosis in diagnoses)
    compared = failed + sum(len(diagnosis.passed) for diagnosis in diagnoses)
    fail = "fails" if failed == 1 else "fail"
    yield from wrapped(f"{cells}: {failed} of {compared} {fail}. {_how_sure(diagnoses)}", "")
    first = diagnoses[0]
    for number, candidate in enumerate(first.candidates):
        explained = sum(len(diagnosis.candidates[number].explains) for diagnosis in diagnoses)
        yield from _of_candidate(candidate, f"{explained} of them: " if len(first.candidates) > 1 else "")
        if not all(is_custom_cell(diagnosis.about.cell) for diagnosis in diagnoses):
            commands = " and ".join(f"rnn-goldens explain {name}" for name in candidate.cause)
            yield from wrapped(f"to see the code: {commands}")
    if first.certainty != EXPLAINED:
        for fact in [*_of_parts(first), *_sentences(diagnoses)][:_MAX_FACTS]:
            yield from wrapped(fact, "  - ")
    yield from _not_compared(diagnoses)
    crashed = any(diagnosis.crashed for diagnosis in diagnoses)
    contracts = [one.contract for diagnosis in diagnoses for one in diagnosis.failed]
    if not crashed and (contract := of_all(contracts)):
        yield from wrapped(contract.of_all, "  - ")
    simplest, which = first.failed[0], "fails"
    if first.candidates and (rest := [e for diagnosis in diagnoses for e in diagnosis.unexplained]):
        simplest, which = rest[0], "is not explained"
    yield from wrapped(f"to debug: {simplest}, the simplest that {which}")


def _not_compared(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Yield why some failures could not be compared with deviations while others could."""
    reasons = [one.no_equations for d in diagnoses if not d.no_equations for one in d.failed if one.no_equations]
    if reasons:
        of_them = f"{len(reasons)} of them {was_or_were(len(reasons))}"
        yield from wrapped(f"{of_them} not compared with any deviation: {reasons[0]}", "  - ")


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
        yield from wrapped(f"{lead}{name}: {deviation(name).sentence}")
    if candidate.equivalent:
        yield from wrapped(f"nothing here distinguishes it from {listed(candidate.equivalent)}")
    elif candidate.runner_up and candidate.distinguished_by:
        other, by = TOGETHER.join(candidate.runner_up), candidate.distinguished_by
        differs = f"would fail {by}, which passed" if by.passed else f"would give other {by.of} in {by}"
        yield from wrapped(f"{other} {differs}")
    if candidate.not_compared:
        yield from wrapped(_of_not_compared(candidate))
    for name in candidate.cause:
        if fix := deviation(name).fix_for({evidence.cell for evidence in candidate.explains}):
            yield from wrapped(f"to fix: {fix}")


def _of_not_compared(candidate: CandidateEvidence) -> str:
    failed, of_all = sum(not e.passed for e in candidate.not_compared), len(candidate.not_compared)
    if not failed:
        return f"not compared with {counted(of_all, 'golden')} that passed"
    if of_all == 1:
        return "not compared with 1 golden, which fails"
    return f"not compared with {of_all} goldens, {failed} of which {'fails' if failed == 1 else 'fail'}"


def _of_parts(diagnosis: Diagnosis) -> Iterator[str]:
    from rnn_goldens.deviations import deviation

    for causes in dict.fromkeys(diagnosis.parts.values()):
        names = [name for name, its_causes in diagnosis.parts.items() if its_causes == causes]
        which = f"only {' and '.join(names)} {'match' if len(names) > 1 else 'matches'}"
        if len(causes) == 1:
            (cause,) = causes[0]
            yield f"{which} {cause}: {deviation(cause).sentence}"
        else:
            yield f"{which} one of {listed(causes)}"


def wrapped(text: str, first: str = "  ") -> list[str]:
    """Return text in lines of at most 80 columns; ``first`` begins the first one, and others have two more blanks."""
    others = " " * (len(first) - len(first.lstrip()) + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def unexplained(
    failed: int,
    no_equations: str = "",
    *,
    all_zero: bool = False,
    of: str = OUTPUTS,
    is_cut_short: bool = False,
    too_many_crashed: int = 0,
) -> str:
    """Return a sentence: no deviation explains the failures, or the reason why no cause is named.

    ``too_many_crashed`` is the number of goldens that failed before outputs were compared, if they are the majority.
    """
    they_were = "It was" if failed == 1 else "They were"
    if too_many_crashed:
        return f"No cause is named: {too_many_crashed} others failed before {of} were compared."
    if no_equations:
        return f"{they_were} not compared with any deviation: {no_equations}."
    if all_zero:
        zero = "out is zero everywhere" if of == OUTPUTS else "every gradient is zero"
        return f"No deviation was compared with all {of}: {zero}, which many deviations cause."
    if is_cut_short:
        return f"{they_were} not compared with every known deviation; the compared ones explain nothing."
    return f"No known deviation explains {'it' if failed == 1 else 'them'}, nor does any pair that was tried."


def general(reason: str, golden: str, dtype: str) -> str:
    """Return the first line of a reason without the golden that it names."""
    return reason.replace(f"{golden} in {dtype}: ", "").replace(golden, "…")[:LONGEST_REASON] or "no reason given"


def without_numbers(reason: str) -> str:
    """Return a reason in a form that is the same for other numbers and addresses."""
    return re.sub(r"0x[0-9a-fA-F]+|\d+", "#", reason)


def by_reason(failed: Iterable[tuple[str, str, str]]) -> list[tuple[str, set[str]]]:
    """Group ids by reason, ignoring numbers in the reasons. Takes ids, precisions and first lines of reasons."""
    goldens, first = dict[str, set[str]](), dict[str, str]()
    for golden, dtype, reason in failed:
        text = general(reason, golden, dtype)
        key = without_numbers(text)
        goldens.setdefault(key, set()).add(golden)
        first.setdefault(key, text)
    return [(first[key], ids) for key, ids in sorted(goldens.items(), key=lambda item: -len(item[1]))]


def no_outputs(
    failed: Iterable[tuple[str, str, str]], features: Mapping[str, Collection[str]], passed: Iterable[str]
) -> Iterator[str]:
    """Yield the summary in lines of at most 80 columns, from ids, precisions and first lines of reasons."""
    ranked, passed = by_reason(failed), list(passed)
    supported = {feature for golden in passed for feature in features.get(golden, ())}
    for reason, goldens in ranked[:_MAX_REASONS]:
        text = f"{counted(len(goldens), 'golden')} failed before outputs were compared: {reason}"
        in_all = set.intersection(*(set(features.get(golden, ())) for golden in goldens))
        if passed and len(goldens) > 1 and (missing := [option for option in OPTIONS if option in in_all - supported]):
            words = " and ".join(IN_WORDS[option][0] for option in missing)
            text += f"; all {words}, unlike all passed goldens: {exclusion_hint(missing)}"
        yield from wrapped(text, "")
    if rest := ranked[_MAX_REASONS:]:
        count = sum(len(goldens) for _, goldens in rest)
        yield f"… and {counted(count, 'golden')} for {counted(len(rest), 'other reason')}"


Data = dict[str, Any]


def to_json(diagnosis: Diagnosis) -> Data:
    """Return the diagnosis of a cell in the form of ``results-1.schema.json``."""
    finding = asdict(Finding() if diagnosis.certainty == EXPLAINED else finding_on([diagnosis]))
    return {
        "cell": diagnosis.about.cell,
        **({"test": diagnosis.about.test} if diagnosis.about.test else {}),
        "certainty": diagnosis.certainty,
        "failed": len(diagnosis.failed),
        "passed": len(diagnosis.passed),
        **({"no_equations": diagnosis.no_equations} if diagnosis.no_equations else {}),
        "candidates": [_candidate(candidate) for candidate in diagnosis.candidates],
        "unexplained": _places(diagnosis.unexplained),
        "facts": finding["facts"],
        **({"only_with": finding["only_with"]} if finding["only_with"] else {}),
        **{name: finding[name] for name in ("features", "sizes", "contrast", "few")},
        "per_output": {name: [list(cause) for cause in causes] for name, causes in diagnosis.parts.items()},
        "simplest": _places(diagnosis.unexplained or diagnosis.failed)[0],
        "cut_short": diagnosis.is_cut_short,
        **({"crashed": diagnosis.crashed} if diagnosis.is_mostly_crashed else {}),
    }


def finding_of(data: Mapping[str, Any]) -> Finding:
    """Return the finding in the JSON of a diagnosis, as written by ``to_json``."""
    unexplained, failed = len(data["unexplained"]), data["failed"]
    return replace(msgspec.convert(data, Finding), of=unexplained or failed, is_a_rest=0 < unexplained < failed)


def _candidate(candidate: CandidateEvidence) -> Data:
    found: Data = {
        "deviations": list(candidate.cause),
        "explains": _places(candidate.explains),
        "against": _places(candidate.against),
        "alike": [list(cause) for cause in candidate.equivalent],
    }
    if candidate.not_compared:
        found["not_compared"] = _places(candidate.not_compared)
    if candidate.runner_up is not None and candidate.distinguished_by is not None:
        (by,) = _places([candidate.distinguished_by])
        found["distinguished_from"] = {"deviations": list(candidate.runner_up), "by": by}
    return found


def _places(evidence: Iterable[Evidence]) -> list[Data]:
    return [{"golden": one.golden, "dtype": one.dtype} for one in evidence]
