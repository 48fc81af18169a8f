"""Measures which arguments of each activation the goldens cover, and the smallest error that they detect there.

For each activation of each cell (an LSTM has five) and each band of its argument, the result of the activation is
changed slightly in this band only, on each golden.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array
from rnn_goldens.cells.steps import gate_places
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.generator.coverage.linear_pieces import Recorder, smallest_errors
from rnn_goldens.golden.precision import PRECISIONS

CELLS = ("rnn_tanh", "lstm", "gru")
ACTIVATIONS = ("tanh", "sigmoid")

LARGEST_COVERING: Mapping[str, float] = {"float64": 128, "float32": 128, "bfloat16": 64, "float16": 64}
"""The largest error, in roundoffs, whose detection still counts as covering a band."""

Band = tuple[float, float]
Place = tuple[str, str, Band]
"""A cell, one of its activations, and a band of its argument."""

SmallestErrors = Mapping[str, tuple[float, str]]
"""By precision, the smallest detected error in roundoffs, and the golden that detects it."""

Observation = tuple[Place, str, float, str]
"""A place, a precision, the smallest error in roundoffs that is detected there, and the golden that detects it."""

Gap = tuple[tuple[str, str], float, str, str]
"""An activation, the smallest argument from which no error can be detected, the precision, and the reason."""

GAPS: Sequence[Gap] = (
    (
        ("lstm", "tanh of c"),
        4.0,
        "bfloat16",
        "the tolerance of a cell state beyond 4 exceeds 0.1, so it is not checked",
    ),
)

_GROWS = "from zero, a cell state grows by at most 1 per step, until its tolerance exceeds 0.1 and it is not checked"

GAPS_FROM_ZERO: Sequence[Gap] = (
    (("lstm", "tanh of c"), 1.5, "bfloat16", _GROWS),
    (("lstm", "tanh of c"), 4.0, "float16", _GROWS),
)
"""Further gaps of networks without an initial state."""


_LIMITS = sorted({sign * limit for limit in BANDS for sign in (1, -1)})


class BandRecorder(Recorder):
    """A network that records the bands of the arguments of its activations, in the order of their limits."""

    def tanh(self, z: Array) -> Array:
        """Return the tanh, recorded."""
        return self.recorded("tanh", np.digitize(z, _LIMITS), super().tanh(z))

    def sigmoid(self, z: Array) -> Array:
        """Return the sigmoid, recorded."""
        return self.recorded("sigmoid", np.digitize(z, _LIMITS), super().sigmoid(z))


def observe(golden: Golden) -> list[Observation]:
    """Return the smallest errors that a golden detects; none for other cells, and none for a chaotic golden."""
    if golden.cell not in CELLS or "chaotic" in golden.features:
        return []
    labels, in_order = activations(golden.cell), sorted(bands())
    return [
        ((golden.cell, labels[number], in_order[band]), precision, error, golden.id)
        for (_, number, _, band), precision, error in smallest_errors(golden, BandRecorder)
    ]


def coverage(observations: Iterable[Iterable[Observation]]) -> dict[Place, SmallestErrors]:
    """Return, for each place and precision, the smallest error that some golden detects."""
    best: dict[Place, dict[str, tuple[float, str]]] = {
        (cell, label, band): {} for cell in CELLS for label in activations(cell) for band in bands()
    }
    for of_golden in observations:
        for place, precision, error, golden_id in of_golden:
            if error < best[place].get(precision, (np.inf, ""))[0]:
                best[place][precision] = error, golden_id
    return dict(best)


def missing(found: Mapping[Place, SmallestErrors], listed: Sequence[Gap] = GAPS) -> Iterator[str]:
    """Yield places that are neither covered nor listed as gaps, and places that are both."""
    for (cell, label, band), errors in found.items():
        for precision in PRECISIONS:
            error, _ = errors.get(precision, (np.inf, ""))
            edges = f"{band[0]:.3g} to {band[1]:.3g}".replace("inf", "∞")
            place = f"{cell}, {label}, {edges}, {precision}"
            known = any(
                (cell, label) == names and precision == of and min(map(abs, band)) >= edge
                for names, edge, of, _ in listed
            )
            if error > LARGEST_COVERING[precision] and not known:
                yield f"{place}: no error below {error:.3g} roundoffs is detected"
            if error <= LARGEST_COVERING[precision] and known:
                yield f"{place}: listed as a gap, but covered"


def bands() -> tuple[Band, ...]:
    """Return the bands of the argument on both sides of zero; the last ones extend to infinity."""
    edges = (*BANDS, np.inf)
    return tuple(band for low, high in pairwise(edges) for band in ((low, high), (-high, -low)))


def activations(cell: str) -> list[str]:
    """Return the activations of a cell in the order in which a step computes them."""
    program = BUILT_IN_CELLS[cell].program(dict.fromkeys(("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    operations = enumerate(program.operations, start=program.inputs)
    found = {place: operation.primitive for place, operation in operations if operation.primitive in ACTIVATIONS}
    gates = {place: gate for gate, (_, place) in gate_places(program, BUILT_IN_CELLS[cell].gates).items()}
    return [f"{name} of {gates.get(place, 'c')}" for place, name in found.items()]
