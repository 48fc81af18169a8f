"""A deviation for people: what is wrong, where, and which goldens show it."""

import textwrap
from collections.abc import Iterator

import numpy as np

from rnn_goldens.cells import Network, case_of
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.shown import NAME, Shown, margin_text, shown
from rnn_goldens.deviations import FAMILIES, Deviation
from rnn_goldens.explaining.equations_text import difference
from rnn_goldens.explaining.source_text import Piece, pieces
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.verdict import compare

WIDTH = 80
MOST_CODE = 30
"""Lines of code, so that all of it stays on a screen."""

_PRECISION = "float32"
_BEST = 3


def deviation_text(deviation: Deviation, corpus: Corpus) -> str:
    """All of it."""
    known = shown(corpus, deviation.name)
    parts = [
        [f"{deviation.name}: {deviation.sentence}"],
        _facts(deviation),
        *_equations(deviation),
        _code(deviation),
    ]
    if known is None:
        parts.append([f"which goldens show it: the corpus has no {NAME} that says so"])
    else:
        parts += [_to_look_for(deviation, corpus, known), _where_it_shows(known, deviation.cells)]
    wrapped = [textwrap.wrap(parts[0][0], WIDTH, subsequent_indent="  "), *parts[1:]]
    return "\n\n".join("\n".join(part) for part in wrapped if part)


def _facts(deviation: Deviation) -> list[str]:
    family = next((name for name, members in FAMILIES.items() if deviation in members), "your own")
    facts = {
        "family": family,
        "cells": ", ".join(deviation.cells),
        "needs": ", ".join(deviation.needs),
        "acts on": "; ".join(map(_acting, deviation.wrong.acts_on)),
        "stands for": ", ".join(deviation.stands_for),
    }
    return [
        line
        for name, text in facts.items()
        if text
        for line in textwrap.wrap(text, WIDTH, initial_indent=f"{name:<13}", subsequent_indent=" " * 13)
    ]


def _acting(place: str) -> str:
    """Where, with what the definition says that it does."""
    words = {"asked": "what the network is asked", "equations": "the cell's equations", "outputs": "the outputs"}
    if place in words:
        return words[place]
    said = (getattr(Network, place).__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return f"{place} ({said.replace('``', '')})"


def _equations(deviation: Deviation) -> Iterator[list[str]]:
    """Of the first cell whose lines say it; the same wrong lines of other cells are not said again."""
    for cell, function in deviation.wrong.equations.items():
        if lines := difference(cell, function):
            yield [f"{cell}: the right equations (-) and the wrong ones (+)", *(f"  {line}" for line in lines)]


def _code(deviation: Deviation) -> list[str]:
    """The definition's first, if the equations do not show it already; helpers are named where there is no room."""
    said = all(difference(cell, function) for cell, function in deviation.wrong.equations.items())
    found = [piece for piece in pieces(deviation.wrong) if not (piece.right and deviation.wrong.equations and said)]
    lines: list[str] = []
    for number, piece in enumerate(found):
        own = _piece(piece)
        wanted = not piece.right and all(before.right for before in found[:number])
        if wanted or len(lines) + len(own) <= MOST_CODE:
            lines += own
        else:
            lines.append(f"{'right' if piece.right else 'wrong'}: too long to be shown here: {piece.where}")
    return lines


def _piece(piece: Piece) -> list[str]:
    lines = [f"{'right' if piece.right else 'wrong'}: {piece.where}", *(f"    {line}" for line in _lines(piece.text))]
    if piece.values:
        given = ", ".join(f"{name} = {value}" for name, value in piece.values.items())
        lines += textwrap.wrap(f"where {given}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _to_look_for(deviation: Deviation, corpus: Corpus, known: Shown) -> list[str]:
    """What it does to the simplest golden that shows it."""
    ordered = sorted(PRECISIONS, key=lambda name: name != _PRECISION)
    found = ((known.simplest(precision), precision) for precision in ordered if precision in known.margins)
    golden_id, precision = next(((g, p) for g, p in found if g is not None), (None, ""))
    if golden_id is None:
        return ["what to look for: no golden shows it"]
    golden = corpus.load(golden_id, precision)
    outputs = deviation.run(case_of(golden, np.float64))
    verdict = compare(golden, *(PRECISIONS[precision].round(output) for output in outputs))
    said = verdict.message.splitlines()[0] if verdict.message else "nothing"
    others = [f"{name} is {'right' if d.passed else 'wrong'}" for name, d in verdict.differences.items()]
    text = f"{said}; {', '.join(others[1:])}"
    return ["what to look for, on the simplest golden that shows it", *_indented(text)]


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _where_it_shows(known: Shown, cells: tuple[str, ...]) -> list[str]:
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
