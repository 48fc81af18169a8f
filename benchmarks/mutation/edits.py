"""Small edits of a source: every one that there is, and one or two of them by seed."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from benchmarks.mutation.places import Place, Span

OPERATORS = ({"+", "-", "*", "/"}, {"<", "<=", ">", ">=", "==", "!="}, {"<", "<=", ">", ">=", "===", "!=="})
TERMS_AND_FACTORS = {"+", "-", "*", "/", "@"}


@dataclass(frozen=True)
class Words:
    """How a language says it; ``{}`` is what it is said of."""

    negated: str
    backwards: str
    nothing: str
    and_or: tuple[str, str]


PYTHON = Words(negated="not ({})", backwards="[*{}][::-1]", nothing="pass", and_or=("and", "or"))
JAVASCRIPT = Words(negated="!({})", backwards="[...{}].reverse()", nothing=";", and_or=("&&", "||"))


@dataclass(frozen=True)
class Edit:
    """One edit of one file of a source."""

    kind: str
    file: str
    span: Span
    text: str

    def overlaps(self, other: "Edit") -> bool:
        """Whether both touch the same characters."""
        (start, end), (first, last) = self.span, other.span
        return self.file == other.file and start < last and first < end


Files = Mapping[str, str]
"""The texts of a source by the names of its files."""

Singles = Mapping[str, Sequence[Edit]]
"""Every single edit of a source, by kind."""


def edited(files: Files, edits: Sequence[Edit]) -> dict[str, str]:
    """The files with some edits made, which do not overlap."""
    texts = dict(files)
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        (start, end), text = edit.span, texts[edit.file]
        texts[edit.file] = text[:start] + edit.text + text[end:]
    return texts


def singles(files: Files, places: Mapping[str, Sequence[Place]], words: Words) -> dict[str, list[Edit]]:
    """Every edit of one place, by kind; of those that give the same text one."""
    found: dict[str, list[Edit]] = defaultdict(list)
    seen = set()
    for file, text in files.items():
        for place in places[file]:
            for kind, make in KINDS.items():
                for (start, end), new in make(text, place, words):
                    whole = file, text[:start] + new + text[end:]
                    if text[start:end] != new and whole not in seen:
                        seen.add(whole)
                        found[kind].append(Edit(kind, file, (start, end), new))
    return {kind: found[kind] for kind in KINDS}


def drawn(language: str, seed: int, of: Singles) -> tuple[Edit, ...]:
    """One edit if the seed is even, two that do not overlap if it is odd.

    A kind is as likely as the square root of how many there are: most are names, and yet no kind is rare.
    """
    draw = random.Random(f"{language} {seed}")
    kinds, weights = list(of), [math.sqrt(len(edits)) for edits in of.values()]
    while True:
        edits = [draw.choice(of[kind]) for kind in draw.choices(kinds, weights, k=1 + seed % 2)]
        if not any(one.overlaps(other) for one, other in combinations(edits, 2)):
            return tuple(sorted(edits, key=lambda edit: (edit.file, edit.span)))


Replacements = Iterator[tuple[Span, str]]


def _operator(text: str, place: Place, words: Words) -> Replacements:
    if place.what == "operation":
        span = place.parts[1]
        for others in (*OPERATORS, set(words.and_or)):
            if _in(text, span) in others:
                yield from ((span, other) for other in sorted(others))


def _number(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001 - as all kinds
    if place.what == "number":
        number = float(_in(text, place.span))
        changed = (number + 1, number - 1, 0.0, 1.0, -number)
        as_written = str if "." in _in(text, place.span) else lambda value: str(int(value))
        yield from ((place.span, as_written(value)) for value in changed if str(value) != "-0.0")


def _index(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "index":
        index = _in(text, place.span)
        yield from ((place.span, f"{index} {change}") for change in ("+ 1", "- 1"))


def _part_dropped(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "operation" and _in(text, place.parts[1]) in TERMS_AND_FACTORS:
        yield from ((place.span, _in(text, side)) for side in (place.parts[0], place.parts[2]))


def _part_repeated(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "operation" and (operator := _in(text, place.parts[1])) in TERMS_AND_FACTORS - {"@"}:
        left, right = _in(text, place.parts[0]), _in(text, place.parts[2])
        yield place.span, f"{left} {operator} {right} {operator} {right}"
        yield place.span, f"{left} {operator} {left} {operator} {right}"


def _sides_swapped(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "operation":
        left, operator, right = (_in(text, part) for part in place.parts)
        yield place.span, f"{right} {operator} {left}"


def _two_swapped(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "row":
        yield from (_swapped(text, one, other) for one, other in combinations(place.parts, 2))


def _statement_dropped(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "block":
        yield from ((statement, words.nothing) for statement in place.parts)


def _statement_repeated(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "block":
        for start, end in place.parts:
            indent = " " * (start - text.rfind("\n", 0, start) - 1)
            yield (start, end), f"{text[start:end]}\n{indent}{text[start:end]}"


def _statements_swapped(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "block":
        yield from (_swapped(text, one, other) for one, other in pairwise(place.parts))


def _negated(text: str, place: Place, words: Words) -> Replacements:
    if place.what == "condition":
        yield place.span, words.negated.format(_in(text, place.span))


def _dropped_around(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what in ("call", "negative"):
        yield from ((place.span, _in(text, part)) for part in place.parts)


def _other_name(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "name":
        yield from ((place.span, other) for other in place.others)


def _other_text(text: str, place: Place, words: Words) -> Replacements:  # noqa: ARG001
    if place.what == "text":
        yield from ((place.span, other) for other in place.others)


def _backwards(text: str, place: Place, words: Words) -> Replacements:
    if place.what == "sequence":
        yield place.span, words.backwards.format(_in(text, place.span))


KINDS: Mapping[str, Callable[[str, Place, Words], Replacements]] = {
    "another operator": _operator,
    "another number": _number,
    "another index": _index,
    "a term or factor dropped": _part_dropped,
    "a term or factor repeated": _part_repeated,
    "the sides swapped": _sides_swapped,
    "two elements swapped": _two_swapped,
    "a statement dropped": _statement_dropped,
    "a statement repeated": _statement_repeated,
    "two statements swapped": _statements_swapped,
    "a condition negated": _negated,
    "a call or a minus dropped": _dropped_around,
    "another name": _other_name,
    "another text": _other_text,
    "gone through backwards": _backwards,
}
"""What is done to a place; nothing if it is none for that."""


def _in(text: str, span: Span) -> str:
    return text[span[0] : span[1]]


def _swapped(text: str, one: Span, other: Span) -> tuple[Span, str]:
    """Two pieces in each other's place."""
    return (one[0], other[1]), _in(text, other) + text[one[1] : other[0]] + _in(text, one)
