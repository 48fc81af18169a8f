"""Which arguments of each activation the goldens have, and how small an error they show there.

For each activation of each cell (an LSTM has five) and each band of its argument, the activation's result is moved a
little there and nowhere else, golden by golden.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnn_goldens.cells import DEFINED, Array, Case, Network, State, Weights, case_of
from rnn_goldens.cells.program import Operation, Program
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.golden.precision import PRECISIONS

CELLS = ("rnn_tanh", "lstm", "gru")
ACTIVATIONS = ("tanh", "sigmoid")
EPSILON = 2.0**-16
"""What a result is moved by: little enough that errors grow in proportion."""

BLUNT: Mapping[str, float] = {"float64": 128, "float32": 128, "bfloat16": 64, "float16": 64}
"""In roundoffs: where a smaller error does not show, a band counts as not looked at."""

Band = tuple[float, float]
Place = tuple[str, str, Band]
"""A cell, one of its activations, and a band of its argument."""

Sharpness = Mapping[str, tuple[float, str]]
"""By precision, the smallest error that shows, in roundoffs, and the golden that shows it."""

Seen = tuple[Place, str, float, str]
"""A place, a precision, the smallest error that shows there, in roundoffs, and the golden that shows it."""

NotSeen = tuple[tuple[str, str], float, str, str]
"""An activation, from which size of its argument on, the precision in which no error there can show, and why."""

NOT_SEEN: Sequence[NotSeen] = (
    (("lstm", "tanh of c"), 4.0, "bfloat16", "a cell beyond 4 may be off by more than 0.1, where nothing is checked"),
)

_GROWS = "a cell that starts from zero needs a step for each 1 it grows, and each may lose some: more than 0.1 in all"

NOT_SEEN_FROM_ZERO: Sequence[NotSeen] = (
    (("lstm", "tanh of c"), 1.5, "bfloat16", _GROWS),
    (("lstm", "tanh of c"), 4.0, "float16", _GROWS),
)
"""Likewise, without an initial state."""


@dataclass(frozen=True)
class Activation:
    """One activation of a cell: the ``number``-th that a step computes."""

    number: int
    label: str


class Looking(Network):
    """Remembers what its activations get."""

    def __init__(self) -> None:
        self.arguments: dict[int, list[Array]] = {}
        self.number = 0

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Counts the activations of each step anew."""
        self.number = 0
        return super().step(case, suffix, w, layer_input, t, state)

    def tanh(self, z: Array) -> Array:
        """Looked at."""
        return self.looked_at(z, super().tanh(z))

    def sigmoid(self, z: Array) -> Array:
        """Looked at."""
        return self.looked_at(z, super().sigmoid(z))

    def looked_at(self, z: Array, y: Array) -> Array:
        """The result, as it is."""
        self.arguments.setdefault(self.number, []).append(z)
        self.number += 1
        return y


class Moved(Looking):
    """Moves the result of one activation where its argument is in a band."""

    def __init__(self, number: int, band: Band) -> None:
        super().__init__()
        self.moved, (self.low, self.high) = number, band

    def looked_at(self, z: Array, y: Array) -> Array:
        """The result, moved where it is to be."""
        here = self.number == self.moved
        self.number += 1
        return np.where((z >= self.low) & (z < self.high), y + EPSILON, y) if here else y


def look(golden: Golden) -> list[Seen]:
    """What one golden sees, at each place and in each precision; nothing if errors do not stay in proportion."""
    if golden.cell not in CELLS or "chaotic" in golden.features:
        return []
    case, looking = case_of(golden.in_precision("float64"), np.float64), Looking()
    looking.run(case)
    found = []
    for activation in activations(golden.cell):
        arguments = np.concatenate([z.ravel() for z in looking.arguments[activation.number]])
        for band in bands():
            if ((arguments >= band[0]) & (arguments < band[1])).any():
                outputs = Moved(activation.number, band).run(case)
                for precision, error in _smallest(golden, outputs):
                    found.append(((golden.cell, activation.label, band), precision, error, golden.id))
    return found


def _smallest(golden: Golden, outputs: tuple[Array, ...]) -> Iterator[tuple[str, float]]:
    for name in golden.precisions:
        precision, largest = PRECISIONS[name], 0.0
        for output, moved in zip(("out", "h_n", "c_n"), outputs, strict=False):
            want = getattr(golden.stored, output)
            allowed = golden.tolerance.allowed(output, want, precision)
            with np.errstate(invalid="ignore"):
                largest = max(largest, float((np.abs(moved - want) / allowed).max()))
        if largest > 0:
            yield name, ENOUGH * EPSILON / largest / precision.roundoff


def coverage(seen: Iterable[Iterable[Seen]]) -> dict[Place, Sharpness]:
    """For each place, the smallest error that shows, over what all goldens see."""
    best: dict[Place, dict[str, tuple[float, str]]] = {
        (cell, activation.label, band): {} for cell in CELLS for activation in activations(cell) for band in bands()
    }
    for of_golden in seen:
        for place, precision, error, golden_id in of_golden:
            if error < best[place].get(precision, (np.inf, ""))[0]:
                best[place][precision] = error, golden_id
    return dict(best)


def not_looked_at(found: Mapping[Place, Sharpness], listed: Sequence[NotSeen] = NOT_SEEN) -> Iterator[str]:
    """Places where no error as small as it should be shows, and that are not listed with a reason; and the reverse."""
    for (cell, label, band), sharpness in found.items():
        for precision in PRECISIONS:
            error, _ = sharpness.get(precision, (np.inf, ""))
            known = reason_not_seen(cell, label, band, precision, listed)
            if error > BLUNT[precision] and not known:
                yield f"{cell}, {label}, {spelled(band)}, {precision}: nothing below {error:.3g} roundoffs shows"
            if error <= BLUNT[precision] and known:
                yield f"{cell}, {label}, {spelled(band)}, {precision}: listed as not seen, and seen"


def reason_not_seen(cell: str, label: str, band: Band, precision: str, listed: Sequence[NotSeen] = NOT_SEEN) -> str:
    """Why no error there can show; "" if one can."""
    return next(
        (
            why
            for names, edge, held, why in listed
            if (cell, label) == names and precision == held and min(map(abs, band)) >= edge
        ),
        "",
    )


def bands() -> tuple[Band, ...]:
    """Of the argument, with its sign: each on either side of zero, and beyond the last to infinity."""
    edges = (*BANDS, np.inf)
    return tuple(band for low, high in pairwise(edges) for band in ((low, high), (-high, -low)))


def activations(cell: str) -> list[Activation]:
    """Those of a cell, in the order in which a step computes them."""
    program = DEFINED[cell].at_once.program(dict.fromkeys(("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    found = [o for o in program.operations if o.primitive in ACTIVATIONS]
    return [Activation(k, f"{o.primitive} {_of_what(o, program, DEFINED[cell].gates)}") for k, o in enumerate(found)]


def _of_what(operation: Operation, program: Program, gates: str) -> str:
    """The gate whose rows an activation's argument is made of; a state, if it is made of none."""
    todo = list(operation.of)
    while todo:
        k = todo.pop(0)
        if k >= program.inputs:
            found = program.operations[k - program.inputs]
            if found.primitive == "block":
                return f"of {gates[found.detail[0]]}"
            if found.primitive == "affine":
                return f"of {gates}"
            if found.primitive in ACTIVATIONS:
                return "of c"
            todo += found.of
    return "of c"


def spelled(band: Band) -> str:
    """As a reader has it: 4 to 5, 20 to ∞."""
    low, high = band
    return f"{low:.3g} to {high:.3g}".replace("inf", "∞")
