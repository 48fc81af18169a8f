"""Measures which pieces of relu, clip and maximum the goldens cover, and the smallest error that they detect there.

Each of these functions is linear in two or three pieces, with kinks between them: a hard sigmoid has 0, a line, and 1.
On each golden, the result of one function is changed slightly in one piece only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network, State, Weights, case_of
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.golden.precision import PRECISIONS as ALL_PRECISIONS

EPSILON = 2.0**-16
"""The change of a result: small enough that errors of outputs are proportional to it."""

LARGEST_COVERING = 2048
"""The largest error, in roundoffs, whose detection counts as covering a piece: a wrong piece errs by far more."""

PRECISIONS = ("float64", "float32")
"""The precisions in which each piece must be covered. In half precision, tolerances are too large in some pieces."""

PIECES: Mapping[str, tuple[str, ...]] = {
    "relu": ("below", "above"),
    "maximum": ("the second operand", "the first operand"),
    "clip": ("below", "between", "above"),
    "thresholded_relu": ("below", "above"),
}
"""For each function, its pieces: where the argument lies, or which operand is the result."""

Piece = tuple[str, int, str, int]
"""A cell, the number of a function among those of its step, the function's name, and the number of a piece of it."""

Observation = tuple[Piece, str, float]
"""A piece, a precision, and the smallest error in roundoffs that is detected there."""


class Recorder(Network):
    """A network that records the pieces that its functions reach, or changes the result in one of them."""

    def __init__(self, cell: str, changed: Piece | None = None) -> None:
        self.cell_name, self.changed = cell, changed
        self.reached: set[Piece] = set()
        self.number = 0

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Compute a step, and restart the numbering of its functions."""
        self.number = 0
        return super().step(case, suffix, w, layer_input, t, state)

    def recorded(self, name: str, pieces: Array, y: Array) -> Array:
        """Record the pieces; or return the result, changed in the piece to change."""
        number, self.number = self.number, self.number + 1
        if self.changed is None:
            self.reached |= {(self.cell_name, number, name, int(piece)) for piece in np.unique(pieces)}
        elif self.changed[:3] == (self.cell_name, number, name):
            return np.where(pieces == self.changed[3], y + EPSILON, y)
        return y


class PieceRecorder(Recorder):
    """A network that records the pieces of functions that are linear in pieces."""

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


def observe(golden: Golden) -> list[Observation]:
    """Return the smallest errors that a golden detects in each piece; none for a chaotic golden."""
    return [] if "chaotic" in golden.features or not pieces(golden.cell) else smallest_errors(golden, PieceRecorder)


def smallest_errors(golden: Golden, kind: type[Recorder]) -> list[Observation]:
    """Return the smallest errors that a golden detects in each piece that a recorder reaches."""
    case, recorder = case_of(golden.in_precision("float64"), np.float64), kind(golden.cell)
    recorder.run(case)
    return [
        (piece, precision, error)
        for piece in sorted(recorder.reached)
        for precision, error in _detected(golden, kind(golden.cell, piece).run(case))
    ]


def _detected(golden: Golden, outputs: tuple[Array, ...]) -> Iterator[tuple[str, float]]:
    """Yield, for each precision, the smallest detected error in roundoffs, from outputs of an error of ``EPSILON``."""
    for name in golden.precisions:
        precision, largest = ALL_PRECISIONS[name], 0.0
        for output, changed in zip(golden.layout.outputs, outputs, strict=True):
            want = golden.stored.expected[output]
            allowed = golden.tolerance.allowed(output, want, precision)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                largest = max(largest, float((np.abs(changed - want) / allowed).max()))
        if largest > 0:
            yield name, ENOUGH * EPSILON / largest / precision.roundoff


def pieces(cell: str) -> list[Piece]:
    """Return the pieces of a cell's functions in the order in which a step computes them; none if not built in."""
    if cell not in BUILT_IN_CELLS:
        return []
    program = BUILT_IN_CELLS[cell].program(dict.fromkeys(("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    names = [operation.primitive for operation in program.operations if operation.primitive in PIECES]
    return [(cell, number, name, piece) for number, name in enumerate(names) for piece in range(len(PIECES[name]))]


def missing(cells: Iterable[str], observations: Iterable[Sequence[Observation]]) -> Iterator[str]:
    """Yield one line for each piece and precision in which the goldens detect no small error."""
    best: dict[tuple[Piece, str], float] = {}
    for of_golden in observations:
        for piece, precision, error in of_golden:
            best[piece, precision] = min(error, best.get((piece, precision), np.inf))
    for piece in (piece for cell in cells for piece in pieces(cell)):
        for precision in PRECISIONS:
            if (error := best.get((piece, precision), np.inf)) > LARGEST_COVERING:
                cell, number, name, part = piece
                place = f"{cell}, {name} {number + 1}, {PIECES[name][part]}, {precision}"
                yield f"{place}: no error below {error:.3g} roundoffs is detected"
