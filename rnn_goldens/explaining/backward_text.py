"""A deviation of the backward pass for people: where its way back differs, and which gradients are wrong of it."""

import textwrap

import numpy as np

from rnn_goldens.cells import case_of
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.shown import Shown
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.explaining.deviation_text import (
    SCREEN,
    WIDTH,
    code,
    facts,
    indented,
    moved_in,
    where_it_shows,
)
from rnn_goldens.explaining.equations_text import LONGEST_WAY_BACK, difference, of_first_cell
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.verdict import compare_gradients

_PRECISION = "float32"

_LEGEND = {
    "detached(": "detached(z) has the value of z, and nothing goes back through it",
    "instead(": "instead(a, b) has the value of a, and the way back of b",
}


def backward_deviation_text(deviation: Deviation, corpus: Corpus, known: Shown | None) -> str:
    """All of it, on a screen; ``known`` is what the corpus says of it."""
    title = textwrap.wrap(f"{deviation.name}: {deviation.sentence}", WIDTH, subsequent_indent="  ")
    seen = _way_back(deviation)
    parts = [title, facts(deviation), moved_in(0, seen), _to_look_for(deviation, corpus)]
    if known is not None:
        parts.append(where_it_shows(known, deviation.cells))
    if not seen:
        room = SCREEN - sum(len(part) + 1 for part in parts if part) - 1
        parts.append(code(deviation.wrong, room, with_right=True))
    return "\n\n".join("\n".join(part) for part in parts if part)


def _way_back(deviation: Deviation) -> list[str]:
    """The equations beside the right ones; none if it is not there that they differ."""
    found = {
        cell: lines
        for cell, equations in deviation.wrong.equations.items()
        if (lines := difference(cell, equations, LONGEST_WAY_BACK))
    }
    if not found:
        return []
    lines = of_first_cell(list(found), next(iter(found.values())))
    return [*lines, *(f"  ({said})" for term, said in _LEGEND.items() if any(term in line for line in lines))]


def _to_look_for(deviation: Deviation, corpus: Corpus) -> list[str]:
    """Which gradients are wrong of the simplest golden that shows it."""
    for entry in corpus.entries:
        if not entry.gradients or not deviation.befalls(entry.cell) or not set(deviation.needs) <= set(entry.features):
            continue
        for precision in sorted(entry.gradients.precisions, key=lambda name: name != _PRECISION):
            golden = corpus.load(entry.id, precision, gradients=True)
            if said := _seen(deviation, golden):
                return ["what to look for, on the simplest golden that shows it", *indented(said)]
    return ["what to look for: no golden shows it"]


def _seen(deviation: Deviation, golden: Golden) -> str:
    """What a comparison says, in one line and one more; "" if it is not sure to show."""
    cotangents = {name: array.astype(np.float64) for name, array in golden.cotangents.items()}
    found = deviation.gradients(case_of(golden, np.float64), cotangents)
    verdict = compare_gradients(golden, {n: PRECISIONS[golden.dtype].round(array) for n, array in found.items()})
    if verdict.passed or verdict.largest_error < ENOUGH:
        return ""
    names = {good: [n for n, d in verdict.differences.items() if d.passed is good] for good in (True, False)}
    said = "; ".join(f"{', '.join(of)} {word}" for of, word in ((names[True], "right"), (names[False], "wrong")) if of)
    return f"{golden.id} in {golden.dtype}: {said}"
