"""A deviation as text that fits a screen: what is wrong, in which code, and which goldens detect it."""

import textwrap
from collections.abc import Iterable

import numpy as np

from rnn_goldens.cells import Backward, Network, golden_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_by_name
from rnn_goldens.comparison.verdict import compare_gradients, verdict_on
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import NAME, Detection, margin_text
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.families import family_of
from rnn_goldens.deviations.integer_lstms import detected_by
from rnn_goldens.deviations.integer_pass import Replaced
from rnn_goldens.deviations.wrong_calls import WrongCalls
from rnn_goldens.explain.code_text import Piece, pieces
from rnn_goldens.explain.difference_text import other_equations, picture
from rnn_goldens.explain.equations_text import LONGEST_BACKWARD
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.plurals import counted

WIDTH = 80
SCREEN = 50
"""Largest number of lines of a text. Code that does not fit is named but not printed."""

_PRECISION = "float32"
_BEST = 3
_NAMES = 2
"""Lines for the names of omitted code."""

_LEGEND = {
    "detached(": "detached(z) has the value of z and no gradient",
    "instead(": "instead(a, b) has the value of a and the gradient of b",
}

_OF_OUTPUTS = {"inputs": "the network's inputs", "equations": "the cell's equations", "outputs": "the outputs"}
_OF_GRADIENTS = {
    "inputs": "the cotangents",
    "equations": "the backward pass through the cell's equations",
    "outputs": "the finished gradients",
}


def deviation_text(deviation: Deviation, corpus: Corpus, known: Detection | None) -> str:
    """Return the whole text; ``known`` is the corpus's detection of the deviation."""
    title = textwrap.wrap(f"{deviation.name}: {deviation.sentence}", WIDTH, subsequent_indent="  ")
    shown = _picture(deviation)
    parts = [title, _facts(deviation), indent(0, shown)]
    if isinstance(deviation.wrong, WrongCalls):
        parts.append([f"to see it: rnn-goldens check … --calls {','.join(deviation.wrong.calls)}"])
    elif isinstance(deviation.wrong, Replaced):
        goldens = (corpus.load(entry.id) for entry in corpus.select(cell=deviation.cells))
        ids = [golden.id for golden in goldens if deviation.name in detected_by(golden)]
        parts.append(textwrap.wrap(f"{counted(len(ids), 'golden')} detect it: {', '.join(ids)}", WIDTH, max_lines=4))
    elif known is None:
        parts.append([f"which goldens detect it: unknown, the corpus has no {NAME}"])
    else:
        parts += [_to_look_for(deviation, corpus, known), _where_it_shows(known, deviation.cells)]
    if not (shown and deviation.is_backward):  # the equations show the whole deviation
        room = SCREEN - sum(len(part) + 1 for part in parts if part) - 1
        parts.append(_code(deviation, room, with_right=not shown))
    return "\n\n".join("\n".join(part) for part in parts if part)


def indent(blanks: int, lines: Iterable[str]) -> list[str]:
    """Indent lines and wrap long ones; empty lines are dropped."""
    moved = (" " * blanks + line for line in lines if line.strip())
    return [part for line in moved for part in _folded(line)]


def _folded(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    more = " " * (len(line) - len(line.lstrip(" +-")) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=more, break_on_hyphens=False)


def _picture(deviation: Deviation) -> list[str]:
    """Return what is right and wrong; empty if a backward pass has the right equations, and for recurrences."""
    if not isinstance(deviation.wrong, Alteration):
        return []
    if not deviation.is_backward:
        return picture(deviation)
    lines = other_equations(deviation, LONGEST_BACKWARD)
    return [*lines, *(f"  ({meaning})" for term, meaning in _LEGEND.items() if any(term in line for line in lines))]


def _facts(deviation: Deviation) -> list[str]:
    known = {
        "family": family_of(deviation),
        "cells": ", ".join(deviation.cells),
        "needs": ", ".join(name.replace("_", " ") for name in deviation.needs),
        "acts on": "; ".join(_place(deviation, name) for name in deviation.wrong.acts_on),
        "stands for": ", ".join(deviation.stands_for),
        "to fix": deviation.fix_for(),
    }
    return [
        line
        for name, text in known.items()
        if text
        for line in textwrap.wrap(text, WIDTH, initial_indent=f"{name:<13}", subsequent_indent=" " * 13)
    ]


def _place(deviation: Deviation, name: str) -> str:
    """Return a place where a deviation acts; a step of the network with the first line of its docstring."""
    words, right = (_OF_GRADIENTS, Backward) if deviation.wrong.of == GRADIENTS else (_OF_OUTPUTS, Network)
    if name in words:
        return words[name]
    docstring = (getattr(right, name).__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return f"{name} ({docstring.replace('``', '')})"


def _code(deviation: Deviation, room: int, *, with_right: bool) -> list[str]:
    """Return the wrong code and, if ``with_right``, the right code; code that does not fit is only named.

    The wrong code has priority if there is little room.
    """
    found = [p for p in pieces(deviation.wrong, deviation.cells[0]) if with_right or p.kind == "wrong"]
    texts = [_piece(piece) for piece in found]
    room -= _NAMES
    fitting: set[int] = set()
    for number in sorted(range(len(found)), key=lambda k: (found[k].kind != "wrong", k)):
        if len(texts[number]) <= room:
            fitting.add(number)
            room -= len(texts[number])
    lines = [line for number in sorted(fitting) for line in texts[number]]
    if left := [piece.where for number, piece in enumerate(found) if number not in fitting]:
        names = f"not shown: {'; '.join(dict.fromkeys(left))}"
        lines += textwrap.wrap(names, WIDTH, subsequent_indent="  ", max_lines=_NAMES, placeholder=" …")
    return ["the code", *lines] if lines else []


def _piece(piece: Piece) -> list[str]:
    lines = [*indent(0, [f"{piece.kind}: {piece.where}"]), *indent(4, piece.text.splitlines())]
    if piece.values:
        values = ", ".join(f"{name} = {value}" for name, value in piece.values.items())
        lines += textwrap.wrap(f"where {values}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _to_look_for(deviation: Deviation, corpus: Corpus, known: Detection) -> list[str]:
    """Return the effect of the deviation on the simplest golden that detects it."""
    ordered = sorted(PRECISIONS, key=lambda name: name != _PRECISION)
    found = ((known.simplest(precision), precision) for precision in ordered if precision in known.margins)
    golden_id, precision = next(((g, p) for g, p in found if g is not None), (None, ""))
    if golden_id is None:
        return ["what to look for: no golden detects it"]
    golden = corpus.load(golden_id, precision, gradients=deviation.is_backward)
    lines = textwrap.wrap(_verdict(deviation, golden), WIDTH, initial_indent="  ", subsequent_indent="  ")
    return ["what to look for, on the simplest golden that detects it", *lines]


def _verdict(deviation: Deviation, golden: Golden) -> str:
    """Return which arrays are right and wrong on a golden; for outputs, after the first line of the failure."""
    store, case = PRECISIONS[golden.dtype].round, golden_case(golden, np.float64)
    if not deviation.is_backward:
        outputs = deviation.outputs(case)
        verdict = verdict_on(actual_by_name(golden, {name: store(array) for name, array in outputs.items()}))
        first = next((name for name, d in verdict.differences.items() if not d.passed), "")  # of the first line
        others = {name: d.passed for name, d in verdict.differences.items() if name != first}
        listed = ", ".join(f"{name} is {'right' if passed else 'wrong'}" for name, passed in others.items())
        return "; ".join([verdict.message.partition("\n")[0], listed])
    cotangents = {name: array.astype(np.float64) for name, array in golden.cotangents.items()}
    found, expected = deviation.gradients(case, cotangents), golden.checkable_gradients().expected
    verdict = compare_gradients(golden, {name: store(found[name]) for name in expected})
    named = {passed: [n for n, d in verdict.differences.items() if d.passed is passed] for passed in (True, False)}
    parts = [
        f"{', '.join(named[passed])} {word}" for passed, word in ((True, "right"), (False, "wrong")) if named[passed]
    ]
    return f"{golden.id} in {golden.dtype}: {'; '.join(parts)}"


def _where_it_shows(known: Detection, cells: tuple[str, ...]) -> list[str]:
    """Return the goldens with the largest margins, and why no golden detects the deviation in some precisions."""
    best = known.best(_PRECISION, _BEST)
    lines = [f"goldens with the largest margins in {_PRECISION}"]
    lines += [f"  {golden_id:<50} {margin_text(margin)}" for golden_id, margin in best]
    if any(margin == float("inf") for _, margin in best):
        lines.append("  = is infinite: the tolerance is zero, or outputs have another shape or NaN")
    if not best:
        lines[0] = f"in {_PRECISION} no golden detects it"
    reasons: dict[tuple[str, str], list[str]] = {}
    for undetected in known.not_shown:
        of = "" if set(undetected.cells) == set(cells) else f" of {', '.join(undetected.cells)}"
        what = "no error in" if undetected.allowed else "not detected in"
        reasons.setdefault((what, undetected.reason), []).append(f"{', '.join(undetected.precisions)}{of}")
    for (what, reason), where in reasons.items():
        lines += textwrap.wrap(f"{what} {', '.join(where)}: {reason}", WIDTH, subsequent_indent="  ")
    return lines
