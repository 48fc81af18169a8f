"""A deviation for people: what is wrong, where, and which goldens show it; of the forward pass or the backward pass."""

import textwrap

import numpy as np

from rnn_goldens.cells import Backward, Network, case_of
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.shown import NAME, Shown, margin_text
from rnn_goldens.deviations import FAMILIES, Deviation
from rnn_goldens.deviations.backward import BACKWARD_FAMILIES
from rnn_goldens.deviations.deviation import Wrong
from rnn_goldens.explaining.equations_text import LONGEST_WAY_BACK
from rnn_goldens.explaining.picture_text import other_equations, picture
from rnn_goldens.explaining.source_text import Piece, pieces
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.verdict import compare, compare_gradients

WIDTH = 80
SCREEN = 50
"""Lines; code that does not fit is named, and not shown."""

_PRECISION = "float32"
_BEST = 3


_LEGEND = {
    "detached(": "detached(z) has the value of z, and nothing goes back through it",
    "instead(": "instead(a, b) has the value of a, and the way back of b",
}


def deviation_text(deviation: Deviation, corpus: Corpus, known: Shown | None) -> str:
    """All of it, on a screen; ``known`` is what the corpus says of it."""
    title = textwrap.wrap(f"{deviation.name}: {deviation.sentence}", WIDTH, subsequent_indent="  ")
    seen = _way_back(deviation) if deviation.is_backward else picture(deviation)
    parts = [title, facts(deviation), moved_in(0, seen)]
    if known is None:
        parts.append([f"which goldens show it: the corpus has no {NAME} that says so"])
    else:
        parts += [_to_look_for(deviation, corpus, known), where_it_shows(known, deviation.cells)]
    if not (seen and deviation.is_backward):  # whose equations say all of it
        room = SCREEN - sum(len(part) + 1 for part in parts if part) - 1
        parts.append(code(deviation.wrong, room, with_right=not seen))
    return "\n\n".join("\n".join(part) for part in parts if part)


def _way_back(deviation: Deviation) -> list[str]:
    """The equations beside the right ones; none if it is not there that they differ."""
    lines = other_equations(deviation, LONGEST_WAY_BACK)
    return [*lines, *(f"  ({said})" for term, said in _LEGEND.items() if any(term in line for line in lines))]


def facts(deviation: Deviation) -> list[str]:
    """A line or more for each thing that is known of it."""
    families = {**FAMILIES, **BACKWARD_FAMILIES}
    family = next((name for name, members in families.items() if deviation in members), "your own")
    known = {
        "family": family,
        "cells": ", ".join(deviation.cells),
        "needs": ", ".join(deviation.needs),
        "acts on": "; ".join(_acting(deviation.wrong)),
        "stands for": ", ".join(deviation.stands_for),
        "to mend": deviation.mend,
    }
    return [
        line
        for name, text in known.items()
        if text
        for line in textwrap.wrap(text, WIDTH, initial_indent=f"{name:<13}", subsequent_indent=" " * 13)
    ]


def _acting(wrong: Wrong) -> list[str]:
    """Where, with what the definition says that it does."""
    words = _OF_GRADIENTS if wrong.right is Backward else _OF_OUTPUTS
    return [words.get(place) or _step_in_words(wrong.right, place) for place in wrong.acts_on]


_OF_OUTPUTS = {"asked": "what the network is asked", "equations": "the cell's equations", "outputs": "the outputs"}
_OF_GRADIENTS = {
    "asked": "the cotangents",
    "equations": "the way back through the cell's equations",
    "outputs": "the gradients, once they are there",
}


def _step_in_words(of: type[Network], name: str) -> str:
    """A step of the definition, with what it says that it does."""
    said = (getattr(of, name).__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return f"{name} ({said.replace('``', '')})"


def code(wrong: Wrong, room: int, *, with_right: bool) -> list[str]:
    """The code of what is wrong, and of what is right where nothing else shows it; what there is no room for is named.

    What is wrong comes first if room is short.
    """
    found = [piece for piece in pieces(wrong) if with_right or piece.kind == "wrong"]
    texts = [_piece(piece) for piece in found]
    room -= 2  # for what is not shown
    fitting: set[int] = set()
    for number in sorted(range(len(found)), key=lambda k: (found[k].kind != "wrong", k)):
        if len(texts[number]) <= room:
            fitting.add(number)
            room -= len(texts[number])
    lines = [line for number in sorted(fitting) for line in texts[number]]
    if left := [piece.where for number, piece in enumerate(found) if number not in fitting]:
        lines += textwrap.wrap(f"not shown: {'; '.join(dict.fromkeys(left))}", WIDTH, subsequent_indent="  ")
    return ["the code of it", *lines]


def _piece(piece: Piece) -> list[str]:
    lines = [f"{piece.kind}: {piece.where}", *moved_in(4, piece.text.splitlines())]
    if piece.values:
        given = ", ".join(f"{name} = {value}" for name, value in piece.values.items())
        lines += textwrap.wrap(f"where {given}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def moved_in(blanks: int, lines: list[str]) -> list[str]:
    """Moved in, and what is too long on more than one line; empty ones are left out."""
    moved = (" " * blanks + line for line in lines if line.strip())
    return [part for line in moved for part in _folded(line)]


def _folded(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" +-")) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False)


def _to_look_for(deviation: Deviation, corpus: Corpus, known: Shown) -> list[str]:
    """What it does to the simplest golden that shows it."""
    ordered = sorted(PRECISIONS, key=lambda name: name != _PRECISION)
    found = ((known.simplest(precision), precision) for precision in ordered if precision in known.margins)
    golden_id, precision = next(((g, p) for g, p in found if g is not None), (None, ""))
    if golden_id is None:
        return ["what to look for: no golden shows it"]
    golden = corpus.load(golden_id, precision, gradients=deviation.is_backward)
    return ["what to look for, on the simplest golden that shows it", *indented(_verdict(deviation, golden))]


def _verdict(deviation: Deviation, golden: Golden) -> str:
    """What a comparison with a golden says of it: the first line, and which arrays are right and wrong."""
    store, case = PRECISIONS[golden.dtype].round, case_of(golden, np.float64)
    if not deviation.is_backward:
        verdict = compare(golden, *map(store, deviation.run(case)))
        others = [f"{name} is {'right' if d.passed else 'wrong'}" for name, d in verdict.differences.items()]
        return "; ".join([verdict.message.partition("\n")[0], ", ".join(others[1:])])
    cotangents = {name: array.astype(np.float64) for name, array in golden.cotangents.items()}
    found = deviation.gradients(case, cotangents)
    verdict = compare_gradients(golden, {name: store(array) for name, array in found.items()})
    named = {passed: [n for n, d in verdict.differences.items() if d.passed is passed] for passed in (True, False)}
    parts = [
        f"{', '.join(named[passed])} {word}" for passed, word in ((True, "right"), (False, "wrong")) if named[passed]
    ]
    return f"{golden.id} in {golden.dtype}: {'; '.join(parts)}"


def indented(text: str) -> list[str]:
    """Moved in by two, and wrapped."""
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def where_it_shows(known: Shown, cells: tuple[str, ...]) -> list[str]:
    """The goldens that show it best, and where none does, with the reason."""
    best = known.best(_PRECISION, _BEST)
    lines = [f"goldens that show it best in {_PRECISION}; the error, 1 being what is allowed"]
    lines += [f"  {golden_id:<50} {margin_text(margin)}" for golden_id, margin in best]
    if any(margin == float("inf") for _, margin in best):
        lines.append("  =: none is allowed, or the shape is another, or it is no number")
    if not best:
        lines[0] = f"in {_PRECISION} no golden shows it"
    reasons: dict[tuple[str, str], list[str]] = {}
    for hidden in known.not_shown:
        of = "" if set(hidden.cells) == set(cells) else f" of {', '.join(hidden.cells)}"
        what = "no error in" if hidden.allowed else "not shown in"
        reasons.setdefault((what, hidden.reason), []).append(f"{', '.join(hidden.precisions)}{of}")
    for (what, reason), where in reasons.items():
        lines += textwrap.wrap(f"{what} {', '.join(where)}: {reason}", WIDTH, subsequent_indent="  ")
    return lines
