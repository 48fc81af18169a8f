"""The causes in a results file as sentences for a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.deviations import deviation as named
from rnn_goldens.diagnosis import CONSISTENT, EXPLAINED, NOT_RECOGNISED, TOGETHER, ZERO, CellInTest, cells_as_text
from rnn_goldens.diagnosis.summary import by_reason, finding_of, unexplained
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.shapes import is_custom_cell
from rnn_goldens.golden_result import FAILED, Result, is_compared
from rnn_goldens.pages import Checked
from rnn_goldens.plurals import counted

MAX_REASONS = 20
"""Maximum number of reasons other than wrong outputs that are listed for one implementation."""


SYMBOLS = {EXPLAINED: "●", CONSISTENT: "◐", NOT_RECOGNISED: "○", "no outputs": "△"}
"""The symbols of certainties, so that colours are not needed."""


@dataclass(frozen=True)
class Named:
    """A deviation: its name, its effect, and how to fix it."""

    name: str
    sentence: str
    fix: str


@dataclass(frozen=True)
class Cause:
    """A paragraph about a cause."""

    number: int  # the number of the implementation
    certainty: str  # a key of ``SYMBOLS``
    failed: int  # the number of failing goldens; causes are sorted by it
    heading: str  # the cells, and how many of their goldens fail
    deviations: tuple[Named, ...] = ()  # the deviations that explain the failures
    notes: tuple[str, ...] = ()  # further findings, as sentences
    cell: str = ""  # a filter that shows these goldens, as ``text`` is; "" for none
    text: str = ""
    is_explained: bool = True  # whether ``rnn-goldens explain`` shows the deviations of one of these cells

    @property
    def symbol(self) -> str:
        """The symbol of the certainty."""
        return SYMBOLS[self.certainty]


def causes_of(number: int, checked: Checked) -> list[Cause]:
    """Return the causes of wrong outputs, then the reasons of missing outputs; each from most to fewest failures."""
    together: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for index, data in enumerate(checked.causes):
        names = tuple(tuple(candidate["deviations"]) for candidate in data["candidates"])
        same = (names,) if data["certainty"] == EXPLAINED and not data["candidates"][0]["alike"] else (index,)
        together.setdefault(same, []).append(data)
    wrong = (_of_outputs(number, of_cells) for of_cells in together.values())
    return [*sorted(wrong, key=lambda cause: -cause.failed), *_of_reasons(number, checked.results)]


def _named(name: str) -> Named:
    try:
        deviation = named(name)
    except UnknownName:  # the results are of another version
        return Named(name, "", "")
    return Named(name, deviation.sentence, deviation.fix_for())


def _of_outputs(number: int, of_cells: Sequence[Mapping[str, Any]]) -> Cause:
    first = of_cells[0]
    cells = cells_as_text(CellInTest(data.get("test", ""), data["cell"]) for data in of_cells)
    failed = sum(data["failed"] for data in of_cells)
    names = [name for candidate in first["candidates"] for name in candidate["deviations"]]
    one = len(first["candidates"]) == 1 and len(first["candidates"][0]["deviations"]) == 1
    return Cause(
        number,
        first["certainty"],
        failed,
        f"{cells}: {failed} of {failed + sum(data['passed'] for data in of_cells)} fail",
        tuple(map(_named, dict.fromkeys(names))),
        tuple(_notes(first)),
        first["cell"] if len(of_cells) == 1 else "",
        names[0] if one else "",
        not all(is_custom_cell(data["cell"]) for data in of_cells),
    )


def _notes(data: Mapping[str, Any]) -> Iterator[str]:
    for candidate in data["candidates"]:
        if len(candidate["deviations"]) > 1:
            yield f"{TOGETHER.join(candidate['deviations'])} act at the same time."
        if len(data["candidates"]) > 1 or data["unexplained"]:
            explained = counted(len(candidate["explains"]), "golden")
            yield f"{TOGETHER.join(candidate['deviations'])} explains {explained}."
        if candidate["against"]:
            yield f"This cause would fail {_place(candidate['against'][0])}, but this golden passed."
        if candidate["alike"]:
            names = ", ".join(TOGETHER.join(cause) for cause in candidate["alike"][:3])
            yield f"No golden of this run distinguishes it from {names}."
        if other := candidate.get("distinguished_from"):
            yield f"{_place(other['by'])} distinguishes it from {TOGETHER.join(other['deviations'])}."
    if data["certainty"] == NOT_RECOGNISED:
        in_all = {code for code, fact in data["facts"].items() if fact["shown_by"] == data["failed"]}
        zero = [of for of, codes in ZERO.items() if in_all & set(codes)]
        of = zero[0] if zero else OUTPUTS
        yield unexplained(
            data["failed"],
            data.get("no_equations", ""),
            all_zero=bool(zero),
            of=of,
            is_cut_short=data["cut_short"],
            too_many_crashed=data.get("crashed", 0),
        )
    if data["certainty"] != EXPLAINED:
        for name, causes in data["per_output"].items():
            one = f"{'one of ' if len(causes) > 1 else ''}{', '.join(TOGETHER.join(cause) for cause in causes[:3])}"
            yield f"{name} alone matches {one}."
        yield from map(_ended, finding_of(data).sentences())
    which = "is not explained" if data["candidates"] and data["unexplained"] else "fails"
    yield f"To debug: {_place(data['simplest'])}, the simplest that {which}."


def _ended(sentence: str) -> str:
    """Return a sentence with a capital, unless an output's name comes first, and with a full stop or question mark."""
    if not sentence.startswith(("out ", "h_n ", "c_n ")):
        sentence = f"{sentence[0].upper()}{sentence[1:]}"
    return sentence if sentence.endswith("?") else f"{sentence}."


def _place(place: Mapping[str, str]) -> str:
    return f"{place['golden']} in {place['dtype']}"


def _of_reasons(number: int, results: Sequence[Result]) -> Iterator[Cause]:
    failed = (one for one in results if one["outcome"] == FAILED and not is_compared(one))
    ranked = by_reason((one["golden"], one["dtype"], one.get("reason", "")) for one in failed)
    for reason, goldens in ranked[:MAX_REASONS]:
        summary = f"{counted(len(goldens), 'golden')} failed before outputs were compared"
        yield Cause(number, "no outputs", len(goldens), summary, notes=(reason,))
    if rest := ranked[MAX_REASONS:]:
        count = sum(len(goldens) for _, goldens in rest)
        more = f"… and {counted(count, 'golden')} for {counted(len(rest), 'other reason')}"
        yield Cause(number, "no outputs", count, more)
