"""The wrong networks: deviations of the catalogue, pairs of them, and slips by hand."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from benchmarks.diagnosis import slips
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

ALONE, SLIPS, BOTH = "deviations", "slips in NumPy", "pairs"
GROUPS = (ALONE, SLIPS, BOTH)

EDITS = {slip.deviation: slip.edits for slip in slips.SLIPS}

WrongNetwork = tuple[str, str, Cause]
"""A group, a cell, and the names of deviations."""


def networks() -> Iterator[WrongNetwork]:
    """All of them."""
    for cell in CELLS:
        possible = [d for d in DEVIATIONS if cell in d.cells]
        yield from ((ALONE, cell, (d.name,)) for d in possible)
        yield from ((SLIPS, cell, (slip.deviation,)) for slip in slips.SLIPS if cell in slip.cells)
        yield from ((BOTH, cell, pair) for pair in _pairs(cell, possible))


def outputs(network: WrongNetwork, golden: Golden) -> tuple[Any, ...]:
    """What a wrong network returns in float32."""
    group, _, names = network
    return slips.outputs(golden, EDITS[names[0]]) if group == SLIPS else deviating(names, golden)


def is_inside(name: str) -> bool:
    """Whether a deviation acts within the steps of a network, and not on its inputs or outputs."""
    wrong = deviation(name).wrong
    return bool(wrong.steps or wrong.equations)


def _pairs(cell: str, possible: Sequence[Deviation]) -> list[Cause]:
    draw, found = random.Random(cell), list[Cause]()
    while len(found) < PAIRS:
        one, other = draw.sample(possible, 2)
        if _both_matter(cell, one, other):
            found.append((one.name, other.name))
    return found


def _both_matter(cell: str, one: Deviation, other: Deviation) -> bool:
    """Whether two can be at once, and both together are, in some golden, neither as one alone is nor as the other."""
    hidden = {one.wrong, other.wrong}
    for golden in (golden for golden in goldens().values() if golden.cell == cell):
        case = case_of(golden, np.float64)
        try:
            both = (one.wrong & other.wrong)(case)
        except (ValueError, LookupError):
            return False
        hidden = {alone for alone in hidden if not _tell_apart(golden, both, alone(case))}
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
