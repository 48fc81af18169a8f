"""The wrong networks: deviations of the catalogue, slips by hand, pairs of both, and random edits by seed."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from benchmarks.slips.slip import DoesNotApply, slipped
from benchmarks.slips.tables import SLIPS, files_of, is_by_hand, slip_of
from rnn_goldens import Golden
from rnn_goldens.cells import Case, Network, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, Deviation, deviation, together
from rnn_goldens.deviations.deviation import Wrong
from rnn_goldens.diagnosis.asked import Cause
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS

DTYPE = "float32"
PAIRS = 60
"""So many of each cell, drawn."""

SLIP_PAIRS = 15
"""So many of each cell, drawn from those whose edits do not overlap."""

EDITS = 1600
"""So many seeds of edits, each asked one cell; those that change nothing there, or do not run, are left out."""

SLIPS_OF = {f"slips in {language}": language for language in SLIPS} | {"slip pairs": "torch"}
"""The groups of slips, and their languages."""

GROUPS = ("deviations", *SLIPS_OF, "pairs", "edits")

WrongNetwork = tuple[str, str, Cause | int]
"""A group, a cell, and the names of deviations, or a seed."""


def networks(groups: Sequence[str] = GROUPS) -> Iterator[WrongNetwork]:
    """All of them, or those of some groups."""
    for group in groups:
        if group == "edits":
            yield from (("edits", CELLS[seed % len(CELLS)], seed) for seed in range(EDITS))
        else:
            yield from ((group, cell, cause) for cell in CELLS for cause in _causes(group, cell))


def _causes(group: str, cell: str) -> Iterator[Cause]:
    befalling = [d for d in DEVIATIONS if cell in d.cells]
    by_hand = [d for d in befalling if is_by_hand(SLIPS_OF.get(group, "torch"), d.name, cell)]
    if group == "deviations":
        yield from ((d.name,) for d in befalling if not (is_inside(d.name) and d in by_hand))
    elif group == "pairs":
        yield from _pairs(cell, random.Random(cell), befalling, PAIRS)
    elif group == "slip pairs":
        yield from _pairs(cell, random.Random(cell), by_hand, SLIP_PAIRS, can_be=_edits_fit)
    else:
        yield from ((d.name,) for d in by_hand)


def is_inside(name: str) -> bool:
    """Whether a deviation acts within the steps of a network, and not on what it is asked or returns."""
    wrong = deviation(name).wrong
    return bool(wrong.steps or wrong.equations)


def _pairs(
    cell: str,
    draw: random.Random,
    befalling: Sequence[Deviation],
    how_many: int,
    can_be: Callable[[Deviation, Deviation], bool] = lambda _one, _other: True,
) -> list[Cause]:
    found: list[Cause] = []
    while len(found) < how_many:
        one, other = draw.sample(befalling, 2)
        if can_be(one, other) and _both_matter(cell, one, other):
            found.append((one.name, other.name))
    return found


def _edits_fit(one: Deviation, other: Deviation) -> bool:
    try:
        slipped(files_of("torch"), slip_of("torch", one.name), slip_of("torch", other.name))
    except DoesNotApply:
        return False
    return True


def _both_matter(cell: str, one: Deviation, other: Deviation) -> bool:
    """Whether two can be at once, and both together are, in some golden, neither as one alone is nor as the other."""
    hidden = {one.wrong, other.wrong}
    for golden in (golden for golden in goldens().values() if golden.cell == cell):
        case = case_of(golden, np.float64)
        try:
            outputs = (one.wrong & other.wrong)(case)
        except (ValueError, LookupError):
            return False
        hidden = {alone for alone in hidden if not _tell_apart(golden, outputs, alone(case))}
        if not hidden:
            return True
    return False


def _tell_apart(golden: Golden, both: Sequence[Any], alone: Sequence[Any]) -> bool:
    for name, a, b in zip(("out", "h_n", "c_n"), both, alone, strict=False):
        if a.shape != b.shape:
            return True
        allowed = golden.tolerance.allowed(name, getattr(golden.stored, name), PRECISIONS[DTYPE]).max(initial=0.0)
        with np.errstate(all="ignore"):
            if np.abs(a - b).max(initial=0.0) > 4 * allowed:
                return True
    return False


def deviating(names: Cause, golden: Golden) -> tuple[Any, ...]:
    """A wrong network in float32: torch's layer, where what is wrong lies before or after it."""
    wrong = together(names)
    if wrong.steps or wrong.equations:
        case = case_of(golden, np.float32)
        return tuple(np.asarray(part, np.float32) for part in wrong(case))
    return tuple(np.asarray(part, np.float32) for part in _around_torch(wrong, golden))


def _around_torch(wrong: Wrong, golden: Golden) -> tuple[Any, ...]:
    from rnn_goldens.implementations.torch import layers

    def right(case: Case) -> tuple[Any, ...]:
        if case.lengths is not None and case.lengths.min() < 1:  # which torch refuses
            return Network().run(case)
        h0, c0 = (*case.state, None)[:2]
        stored = replace(golden.stored, weights=case.weights, x=case.x, h0=h0, c0=c0, lengths=case.lengths)
        out, last = layers.run(replace(golden, stored=stored))
        states = last if isinstance(last, tuple) else (last,)
        return tuple(np.asarray(part) for part in (out, *states))

    return wrong.around(right, case_of(golden, np.float64))


@cache
def goldens() -> dict[str, Golden]:
    """All that there are in the precision that is asked."""
    corpus = open_corpus()
    return {e.id: corpus.load(e.id, DTYPE) for e in corpus.entries if DTYPE in e.precisions}
