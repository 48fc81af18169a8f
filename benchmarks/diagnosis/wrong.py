"""Wrong networks and wrong backward passes: deviations, pairs of deviations, and handwritten mistakes."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks.diagnosis import slips
from rnn_goldens import Golden
from rnn_goldens.cells import Array, Backward, Case, Network, case_of
from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, deviation, together
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.diagnosis import Cause
from rnn_goldens.diagnosis.candidates import OVER_CALLS
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

DTYPE = "float32"
PAIRS_PER_CELL = 60
"""Number of random pairs for each cell."""

SINGLE, SLIPS, PAIRS = OF_OUTPUTS = "deviations", "slips in NumPy", "pairs"
BACKWARD, DIFFERENTIATED = OF_GRADIENTS = "of the backward pass", "of the forward pass, differentiated"

EDITS = {slip.deviation: slip.edits for slip in slips.SLIPS}


class Wrong(NamedTuple):
    """A wrong network or backward pass: its group, its cell, and the names of its deviations."""

    group: str
    cell: str
    names: Cause

    def actual(self, golden: Golden) -> Actual:
        """Return its outputs or gradients in float32."""
        if self.group == SLIPS:
            return actual_outputs(golden, *slips.outputs(golden, EDITS[self.names[0]]))
        if self.group in OF_OUTPUTS:
            return actual_outputs(golden, *_outputs_of_deviations(combined(self.names), golden))
        cotangents = {of: array.astype(np.float32) for of, array in golden.cotangents.items()}
        found = gradients(self.names, case_of(golden, np.float32), cotangents)
        return actual_gradients(golden, {of: PRECISIONS[DTYPE].round(np.asarray(array)) for of, array in found.items()})


def wrong_networks() -> Iterator[Wrong]:
    """Yield all wrong networks."""
    for cell in CELLS:
        possible = [d for d in DEVIATIONS if cell in d.cells]
        yield from (Wrong(SINGLE, cell, (d.name,)) for d in possible)
        yield from (Wrong(SLIPS, cell, (slip.deviation,)) for slip in slips.SLIPS if cell in slip.cells)
        draw = random.Random(cell)
        yield from (Wrong(PAIRS, cell, tuple(d.name for d in draw.sample(possible, 2))) for _ in range(PAIRS_PER_CELL))


def wrong_backward_passes() -> Iterator[Wrong]:
    """Yield all wrong backward passes, except the one whose first call is right: a second one shows it."""
    of_first_call = [d for d in BACKWARD_DEVIATIONS if d.name != OVER_CALLS]
    for cell in CELLS:
        yield from (Wrong(BACKWARD, cell, (d.name,)) for d in of_first_call if cell in d.cells)
        names = [(d.name,) for d in DEVIATIONS if cell in d.cells]
        yield from (Wrong(DIFFERENTIATED, cell, one) for one in names if has_gradients(one))


def has_gradients(names: Cause) -> bool:
    """Return whether deviations are of the backward pass, or of the equations alone, so that they have gradients."""
    return all(deviation(name).is_backward or deviation(name).wrong.acts_on == ("equations",) for name in names)


def combined(names: Cause) -> Alteration:
    """Return the combination of deviations of networks; without any, the right network."""
    found = together(names) if names else Alteration()
    assert isinstance(found, Alteration)
    return found


def gradients(names: Cause, case: Case, cotangents: Mapping[str, Array]) -> Mapping[str, Array]:
    """Return the gradients of deviations; the right ones without any."""
    return replace(combined(names), right=Backward).gradients(case, cotangents)


def _outputs_of_deviations(wrong: Alteration, golden: Golden) -> tuple[Array, ...]:
    """Return the float32 outputs of a network, run by torch's layer if the deviations change no steps."""
    is_inside = wrong.steps or wrong.equations
    outputs = wrong(case_of(golden, np.float32)) if is_inside else _around_torch(wrong, golden)
    return tuple(np.asarray(part, np.float32) for part in outputs)


def _around_torch(wrong: Alteration, golden: Golden) -> tuple[Any, ...]:
    from rnn_goldens.implementations.torch import run_layers

    def in_torch(case: Case) -> tuple[Any, ...]:
        if case.lengths is not None and case.lengths.min() < 1:  # torch does not support length 0
            return Network().run(case)
        states = dict(zip(golden.layout.initial, case.state, strict=True))
        stored = replace(golden.stored, weights=case.weights, inputs={"x": case.x}, states=states, lengths=case.lengths)
        out, last = run_layers(replace(golden, stored=stored))
        return tuple(np.asarray(part) for part in (out, *(last if isinstance(last, tuple) else (last,))))

    return wrong.around(in_torch, case_of(golden, np.float64))


@cache
def goldens(cell: str, *, with_gradients: bool = False) -> tuple[Golden, ...]:
    """Return the goldens of a cell that can be checked in float32, of outputs or of gradients."""
    corpus = open_corpus()
    some = corpus.select(cell=cell, gradients=with_gradients)
    ids = [e.id for e in some if DTYPE in (e.gradient_precisions if with_gradients else e.precisions)]
    return tuple(corpus.load(golden_id, DTYPE, gradients=with_gradients) for golden_id in ids)
