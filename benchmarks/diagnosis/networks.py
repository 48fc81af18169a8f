"""The wrong networks: all deviations, pairs of deviations, and handwritten mistakes."""

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
from rnn_goldens.deviations.deviation import Alteration
from rnn_goldens.diagnosis.candidates import Cause
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

DTYPE = "float32"
PAIRS_PER_CELL = 60
"""Number of random pairs for each cell."""

SINGLE, SLIPS, PAIRS = "deviations", "slips in NumPy", "pairs"
GROUPS = (SINGLE, SLIPS, PAIRS)

EDITS = {slip.deviation: slip.edits for slip in slips.SLIPS}

WrongNetwork = tuple[str, str, Cause]
"""A wrong network: group, cell and names of its deviations."""


def networks() -> Iterator[WrongNetwork]:
    """Yield all wrong networks."""
    for cell in CELLS:
        possible = [d for d in DEVIATIONS if cell in d.cells]
        yield from ((SINGLE, cell, (d.name,)) for d in possible)
        yield from ((SLIPS, cell, (slip.deviation,)) for slip in slips.SLIPS if cell in slip.cells)
        yield from ((PAIRS, cell, pair) for pair in _pairs(cell, possible))


def outputs(network: WrongNetwork, golden: Golden) -> tuple[Any, ...]:
    """Return the outputs of a wrong network in float32."""
    group, _, names = network
    return slips.outputs(golden, EDITS[names[0]]) if group == SLIPS else outputs_of_deviations(names, golden)


def changes_steps(name: str) -> bool:
    """Return whether a deviation changes the time steps of a network, rather than its inputs or outputs."""
    wrong = deviation(name).wrong
    return bool(wrong.steps or wrong.equations)


def _pairs(cell: str, possible: Sequence[Deviation]) -> list[Cause]:
    draw, pairs = random.Random(cell), list[Cause]()
    while len(pairs) < PAIRS_PER_CELL:
        one, other = draw.sample(possible, 2)
        if _both_matter(cell, one, other):
            pairs.append((one.name, other.name))
    return pairs


def _both_matter(cell: str, one: Deviation, other: Deviation) -> bool:
    """Return whether two deviations can be combined, and goldens distinguish the pair from each deviation alone."""
    not_distinguished = {one.wrong, other.wrong}
    for golden in (golden for golden in goldens().values() if golden.cell == cell):
        case = case_of(golden, np.float64)
        try:
            both = (one.wrong & other.wrong)(case)
        except (ValueError, LookupError):
            return False
        not_distinguished = {single for single in not_distinguished if not _differ(golden, both, single(case))}
        if not not_distinguished:
            return True
    return False


def _differ(golden: Golden, both: Sequence[Any], single: Sequence[Any]) -> bool:
    for name, a, b in zip(("out", "h_n", "c_n"), both, single, strict=False):
        if a.shape != b.shape:
            return True
        allowed = golden.tolerance.allowed(name, getattr(golden.stored, name), PRECISIONS[DTYPE]).max(initial=0.0)
        with np.errstate(all="ignore"):
            if np.abs(a - b).max(initial=0.0) > 4 * allowed:
                return True
    return False


def outputs_of_deviations(names: Cause, golden: Golden) -> tuple[Any, ...]:
    """Return the float32 outputs of a network with these deviations, run by torch's layer if they change no steps."""
    wrong = together(names)
    if wrong.steps or wrong.equations:
        case = case_of(golden, np.float32)
        return tuple(np.asarray(part, np.float32) for part in wrong(case))
    return tuple(np.asarray(part, np.float32) for part in _around_torch(wrong, golden))


def _around_torch(wrong: Alteration, golden: Golden) -> tuple[Any, ...]:
    from rnn_goldens.implementations.torch import layers

    def in_torch(case: Case) -> tuple[Any, ...]:
        if case.lengths is not None and case.lengths.min() < 1:  # torch does not support length 0
            return Network().run(case)
        states = dict(zip(golden.layout.initial, case.state, strict=True))
        stored = replace(golden.stored, weights=case.weights, inputs={"x": case.x}, states=states, lengths=case.lengths)
        out, last = layers.run(replace(golden, stored=stored))
        return tuple(np.asarray(part) for part in (out, *(last if isinstance(last, tuple) else (last,))))

    return wrong.around(in_torch, case_of(golden, np.float64))


@cache
def goldens() -> dict[str, Golden]:
    """Return all goldens that can be checked in float32, by id."""
    corpus = open_corpus()
    return {e.id: corpus.load(e.id, DTYPE) for e in corpus.select() if DTYPE in e.precisions}
