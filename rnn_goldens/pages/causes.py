"""The causes of failures as a page tells them: what the results file has as data, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.counted import counted
from rnn_goldens.deviations import deviation as named
from rnn_goldens.diagnosis.as_data import said_of
from rnn_goldens.diagnosis.asked import TOGETHER
from rnn_goldens.diagnosis.causes import CONSISTENT, EXPLAINED, NOT_RECOGNISED, ZERO, About, abouts
from rnn_goldens.diagnosis.no_outputs import by_reason
from rnn_goldens.diagnosis.said import is_explained, unexplained
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.pages.content import Checked
from rnn_goldens.result import FAILED, Result, is_compared

MOST_REASONS = 20
"""Reasons other than wrong outputs, of one implementation, that are told one by one."""


SYMBOLS = {EXPLAINED: "●", CONSISTENT: "◐", NOT_RECOGNISED: "○", "no outputs": "△"}
"""Beside each certainty, so that no colour has to say it."""


@dataclass(frozen=True)
class Named:
    """A deviation: its name, what a network does that is wrong so, and what to do about it."""

    name: str
    sentence: str
    mend: str


@dataclass(frozen=True)
class Cause:
    """A paragraph.

    Attributes:
        number: of the implementation.
        certainty: a key of ``SYMBOLS``.
        failed: how many goldens; of several causes that which explains most is told first.
        heading: which goldens fail, of how many.
        deviations: what explains them.
        notes: what else is known, in sentences.
        shows: what a reader filters by to see these goldens: a cell, or none, and a text.
        is_explained: whether ``rnn-goldens explain`` shows the deviations of one of these cells.
    """

    number: int
    certainty: str
    failed: int
    heading: str
    deviations: tuple[Named, ...] = ()
    notes: tuple[str, ...] = ()
    cell: str = ""
    text: str = ""
    is_explained: bool = True

    @property
    def symbol(self) -> str:
        """What stands beside its certainty."""
        return SYMBOLS[self.certainty]


def causes_of(number: int, checked: Checked) -> list[Cause]:
    """Those of wrong outputs, then those of what gave no outputs to compare; in each what most fail of comes first."""
    wrong = sorted(_of_wrong_outputs(number, checked), key=lambda cause: -cause.failed)
    return [*wrong, *_of_reasons(number, checked.results)]


def _of_wrong_outputs(number: int, checked: Checked) -> Iterator[Cause]:
    together: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for place, data in enumerate(checked.causes):
        names = tuple(tuple(suspect["deviations"]) for suspect in data["suspects"])
        same = (names,) if data["certainty"] == EXPLAINED and not data["suspects"][0]["alike"] else (place,)
        together.setdefault(same, []).append(data)
    for of_cells in together.values():
        yield _of_outputs(number, of_cells)


def _named(name: str) -> Named:
    try:
        deviation = named(name)
    except UnknownName:  # the results are of another version
        return Named(name, "", "")
    return Named(name, deviation.sentence, deviation.mend)


def _of_outputs(number: int, of_cells: Sequence[Mapping[str, Any]]) -> Cause:
    first = of_cells[0]
    cells = abouts(About(data.get("test", ""), data["cell"]) for data in of_cells)
    failed = sum(data["failed"] for data in of_cells)
    names = [name for suspect in first["suspects"] for name in suspect["deviations"]]
    one = len(first["suspects"]) == 1 and len(first["suspects"][0]["deviations"]) == 1
    return Cause(
        number,
        first["certainty"],
        failed,
        f"{cells}: {failed} of {failed + sum(data['passed'] for data in of_cells)} fail",
        tuple(map(_named, dict.fromkeys(names))),
        tuple(_notes(first)),
        first["cell"] if len(of_cells) == 1 else "",
        names[0] if one else "",
        any(is_explained(data["cell"]) for data in of_cells),
    )


def _notes(data: Mapping[str, Any]) -> Iterator[str]:
    for suspect in data["suspects"]:
        if len(suspect["deviations"]) > 1:
            yield f"{TOGETHER.join(suspect['deviations'])} act at once."
        if len(data["suspects"]) > 1 or data["unexplained"]:
            explained = counted(len(suspect["explains"]), "golden")
            yield f"{TOGETHER.join(suspect['deviations'])} explains {explained}."
        if suspect["against"]:
            yield f"It would show in {_place(suspect['against'][0])} too, which passed."
        if suspect["alike"]:
            yield f"Nothing here tells it from {', '.join(TOGETHER.join(other) for other in suspect['alike'][:3])}."
        if told := suspect.get("told_from"):
            yield f"It is told from {TOGETHER.join(told['deviations'])} by {_place(told['by'])}."
    if data["certainty"] == NOT_RECOGNISED:
        zero = [of for of, code in ZERO.items() if data["facts"].get(code, {}).get("shown_by") == data["failed"]]
        of = zero[0] if zero else OUTPUTS
        yield unexplained(data["failed"], data.get("no_equations", ""), all_zero=bool(zero), of=of)
    if data["certainty"] != EXPLAINED:
        yield from _seen(data)
    which = "is not explained" if data["suspects"] and data["unexplained"] else "fails"
    yield f"To debug: {_place(data['simplest'])}, the simplest that {which}."


def _seen(data: Mapping[str, Any]) -> Iterator[str]:
    for name, causes in data["parts"].items():
        one = f"{'one of ' if len(causes) > 1 else ''}{', '.join(TOGETHER.join(cause) for cause in causes[:3])}"
        yield f"{name} alone is as with {one}."
    yield from map(_ended, said_of(data).sentences())


def _ended(sentence: str) -> str:
    """With a capital, but where an output's name begins it, and a full stop, but after a question."""
    if not sentence.startswith(("out ", "h_n ", "c_n ")):
        sentence = f"{sentence[0].upper()}{sentence[1:]}"
    return sentence if sentence.endswith("?") else f"{sentence}."


def _place(place: Mapping[str, str]) -> str:
    return f"{place['golden']} in {place['dtype']}"


def _of_reasons(number: int, results: Sequence[Result]) -> Iterator[Cause]:
    failed = (one for one in results if one["outcome"] == FAILED and not is_compared(one))
    ranked = by_reason((one["golden"], one["dtype"], one.get("reason", "")) for one in failed)
    for reason, goldens in ranked[:MOST_REASONS]:
        said = f"{counted(len(goldens), 'golden')} failed before outputs were compared"
        yield Cause(number, "no outputs", len(goldens), said, notes=(reason,))
    if rest := ranked[MOST_REASONS:]:
        count = sum(len(goldens) for _, goldens in rest)
        more = f"… and {counted(count, 'golden')} for {counted(len(rest), 'other reason')}"
        yield Cause(number, "no outputs", count, more)
