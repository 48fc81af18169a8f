"""Measures which arguments of a cell's functions the goldens cover, and the smallest error that they detect there.

For each activation of each cell (an LSTM has five) and each band of its argument, the result of the activation is
changed slightly in this band only, on each golden. Other functions, such as relu and clip, are linear in two or three
pieces, with kinks between them: a hard sigmoid has 0, a line, and 1. Of these the result is changed in one piece.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network, State, Weights, case_of
from rnn_goldens.cells.steps import gate_places
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.golden.precision import PRECISIONS

CELLS = ("rnn_tanh", "lstm", "gru")
"""The cells whose activations are measured; of others, the functions that are linear in pieces."""

ACTIVATIONS = ("tanh", "sigmoid")

PIECES: Mapping[str, tuple[str, ...]] = {
    "relu": ("below", "above"),
    "maximum": ("the second operand", "the first operand"),
    "clip": ("below", "between", "above"),
    "thresholded_relu": ("below", "above"),
}
"""For each function that is linear in pieces, these: where the argument lies, or which operand is the result."""

EPSILON = 2.0**-16
"""The change of a result: small enough that errors of outputs are proportional to it."""

LARGEST_COVERING: Mapping[str, float] = {"float64": 128, "float32": 128, "bfloat16": 64, "float16": 64}
"""The largest error, in roundoffs, whose detection still counts as covering a band."""

LARGEST_COVERING_PIECE: Mapping[str, float] = {"float64": 2048, "float32": 2048}
"""The same for a piece: a wrong one errs by far more. In half precision, tolerances are too large in some pieces."""

Band = tuple[float, float]
Place = tuple[str, str, Band | str]
"""A cell, one of its functions, and a band of its argument or a piece."""

SmallestErrors = Mapping[str, tuple[float, str]]
"""By precision, the smallest detected error in roundoffs, and the golden that detects it."""

Observation = tuple[Place, str, float, str]
"""A place, a precision, the smallest error in roundoffs that is detected there, and the golden that detects it."""

Gap = tuple[tuple[str, str], float, str, str]
"""An activation, the smallest argument from which no error can be detected, the precision, and the reason."""

_LSTM_CELL = ("lstm", "tanh of c")
_GROWS = "from zero, a cell state grows by at most 1 per step, until its tolerance exceeds 0.1 and it is not checked"

GAPS: Sequence[Gap] = (
    (_LSTM_CELL, 4.0, "bfloat16", "the tolerance of a cell state beyond 4 exceeds 0.1, so it is not checked"),
)
GAPS_FROM_ZERO: Sequence[Gap] = ((_LSTM_CELL, 1.5, "bfloat16", _GROWS), (_LSTM_CELL, 4.0, "float16", _GROWS))
"""Further gaps of networks without an initial state."""

_LIMITS = sorted({sign * limit for limit in BANDS for sign in (1, -1)})


class Recorder(Network):
    """A network that records the parts that its functions reach, as numbers, or changes the result in one of them."""

    def __init__(self, cell: str, changed: tuple[int, int] | None = None) -> None:
        self.measured = measured(cell)
        self.changed = changed
        self.reached: set[tuple[int, int]] = set()
        self.number = 0

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Compute a step, and restart the numbering of its functions."""
        self.number = 0
        return super().step(case, suffix, w, layer_input, t, state)

    def recorded(self, name: str, parts: Array, y: Array) -> Array:
        """Record the parts of the arguments; or return the result, changed in the part to change."""
        if name not in self.measured:
            return y
        number, self.number = self.number, self.number + 1
        if self.changed is None:
            self.reached |= {(number, int(part)) for part in np.unique(parts)}
        elif self.changed[0] == number:
            return np.where(parts == self.changed[1], y + EPSILON, y)
        return y

    def tanh(self, z: Array) -> Array:
        """Return the tanh, recorded."""
        return self.recorded("tanh", np.digitize(z, _LIMITS), super().tanh(z))

    def sigmoid(self, z: Array) -> Array:
        """Return the sigmoid, recorded."""
        return self.recorded("sigmoid", np.digitize(z, _LIMITS), super().sigmoid(z))

    def relu(self, z: Array) -> Array:
        """Return the relu, recorded."""
        return self.recorded("relu", z > 0, super().relu(z))

    def maximum(self, a: Array, b: Array) -> Array:
        """Return the maximum, recorded."""
        return self.recorded("maximum", np.asarray(a > b), super().maximum(a, b))

    def clip(self, z: Array, low: Fraction, high: Fraction) -> Array:
        """Return the clipped argument, recorded."""
        return self.recorded("clip", (z > float(low)).astype(int) + (z >= float(high)), super().clip(z, low, high))

    def thresholded_relu(self, z: Array, threshold: Fraction) -> Array:
        """Return the thresholded relu, recorded."""
        return self.recorded("thresholded_relu", z > float(threshold), super().thresholded_relu(z, threshold))


def measured(cell: str) -> Iterable[str]:
    """Return the functions that are measured in a cell."""
    return ACTIVATIONS if cell in CELLS else PIECES


def functions(cell: str) -> list[str]:
    """Return the measured functions of a cell in the order in which a step computes them; none if not built in."""
    if cell not in BUILT_IN_CELLS:
        return []
    program = BUILT_IN_CELLS[cell].program(dict.fromkeys(("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    operations = enumerate(program.operations, start=program.inputs)
    found = {place: operation.primitive for place, operation in operations if operation.primitive in measured(cell)}
    if cell not in CELLS:
        return [f"{name} {number}" for number, name in enumerate(found.values(), 1)]
    gates = {place: gate for gate, (_, place) in gate_places(program, BUILT_IN_CELLS[cell].gates).items()}
    return [f"{name} of {gates.get(place, 'c')}" for place, name in found.items()]


def bands() -> list[Band]:
    """Return the bands of the argument of an activation in ascending order; the outer ones extend to infinity."""
    edges = (*BANDS, np.inf)
    return sorted(band for low, high in pairwise(edges) for band in ((low, high), (-high, -low)))


def parts(function: str) -> Sequence[Band | str]:
    """Return the bands or pieces of a function of a cell, in the order in which they are recorded."""
    return PIECES.get(function.partition(" ")[0], bands())


def observe(golden: Golden) -> list[Observation]:
    """Return the smallest errors that a golden detects; none for a chaotic golden."""
    of_cell = functions(golden.cell)
    if "chaotic" in golden.features or not of_cell:
        return []
    case, recorder = case_of(golden.in_precision("float64"), np.float64), Recorder(golden.cell)
    recorder.run(case)
    return [
        ((golden.cell, of_cell[number], parts(of_cell[number])[part]), precision, error, golden.id)
        for number, part in sorted(recorder.reached)
        for precision, error in _detected(golden, Recorder(golden.cell, (number, part)).run(case))
    ]


def _detected(golden: Golden, outputs: tuple[Array, ...]) -> Iterator[tuple[str, float]]:
    """Yield, for each precision, the smallest detected error in roundoffs, from outputs of an error of ``EPSILON``."""
    for name in golden.precisions:
        precision, largest = PRECISIONS[name], 0.0
        for output, changed in zip(golden.layout.outputs, outputs, strict=True):
            want = golden.stored.expected[output]
            allowed = golden.tolerance.allowed(output, want, precision)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                largest = max(largest, float((np.abs(changed - want) / allowed).max()))
        if largest > 0:
            yield name, ENOUGH * EPSILON / largest / precision.roundoff


def coverage(
    observations: Iterable[Iterable[Observation]], cells: Iterable[str] = CELLS
) -> dict[Place, SmallestErrors]:
    """Return, for each place of some cells and each precision, the smallest error that some golden detects."""
    best: dict[Place, dict[str, tuple[float, str]]] = {
        (cell, function, part): {} for cell in cells for function in functions(cell) for part in parts(function)
    }
    for of_golden in observations:
        for place, precision, error, golden_id in of_golden:
            if place in best and error < best[place].get(precision, (np.inf, ""))[0]:
                best[place][precision] = error, golden_id
    return dict(best)


def missing(found: Mapping[Place, SmallestErrors], listed: Sequence[Gap] = GAPS) -> Iterator[str]:
    """Yield places that are neither covered nor listed as gaps, and places that are both."""
    for (cell, function, part), errors in found.items():
        text = part if isinstance(part, str) else f"{part[0]:.3g} to {part[1]:.3g}".replace("inf", "∞")
        for precision, most in (LARGEST_COVERING if cell in CELLS else LARGEST_COVERING_PIECE).items():
            error, _ = errors.get(precision, (np.inf, ""))
            known = not isinstance(part, str) and any(
                (cell, function) == names and precision == of and min(map(abs, part)) >= edge
                for names, edge, of, _ in listed
            )
            if error > most and not known:
                yield f"{cell}, {function}, {text}, {precision}: no error below {error:.3g} roundoffs is detected"
            if error <= most and known:
                yield f"{cell}, {function}, {text}, {precision}: listed as a gap, but covered"
