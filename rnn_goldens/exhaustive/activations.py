"""The activations of cells: a network of one unit and one step that isolates each, and the arguments to check.

The argument is an input of the network, or its cell state; the result is an output. The arguments are all numbers of
a half precision, and a fixed sample of float32.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import BUILT_IN_CELLS, Case
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.golden.shapes import Config

Float64 = NDArray[np.float64]

OPEN, CLOSED = 32.0, -32.0
"""Biases that open a gate (1) or close it (almost 0) in any precision."""


@dataclass(frozen=True)
class Activation:
    """An activation of a cell, and the network that isolates it."""

    cell: str
    name: str  # the activation in words
    shows: str  # the output that is the activation's result, or depends on it most directly
    weights: dict[str, float]  # those that are not zero, by their names in equations: ``W_ii``, ``b_if``, ``b_hn``
    state: tuple[float, ...] | None = None  # initial: a number for h and one for c; None for none
    of_state: bool = False  # whether the argument is the cell state and the input is zero

    def case(self, arguments: Float64) -> Case:
        """Return the case with one row per argument."""
        rows, cell = len(arguments), BUILT_IN_CELLS[self.cell]
        swept = arguments[:, None, None]
        state = [np.full((1, rows, 1), part) for part in self.state or (0.0,) * len(cell.states)]
        if self.of_state:
            state[-1] = arguments[None, :, None]
        x = np.zeros_like(swept) if self.of_state else swept
        return Case(cell, Config(1, 1), self._stacked(), x, tuple(state), None, self.state is not None)

    def _stacked(self) -> dict[str, Float64]:
        gates = LAYOUTS[self.cell].gates
        weights = {f"{kind}_{side}_l0": np.zeros(len(gates)) for kind in ("weight", "bias") for side in ("ih", "hh")}
        for name, value in self.weights.items():
            kind, side, gate = {"W": "weight", "b": "bias"}[name[0]], f"{name[2]}h", name[3]
            weights[f"{kind}_{side}_l0"][gates.index(gate)] = value
        return {name: array[:, None] if name.startswith("weight") else array for name, array in weights.items()}


ACTIVATIONS = (
    Activation("rnn_tanh", "tanh", "out", {"W_ih": 1}),
    Activation("lstm", "sigmoid of i", "c_n", {"W_ii": 1, "b_ig": OPEN}),
    Activation("lstm", "sigmoid of f", "c_n", {"W_if": 1}, state=(0, 1)),
    Activation("lstm", "tanh of g", "c_n", {"W_ig": 1, "b_ii": OPEN}),
    Activation("lstm", "sigmoid of o", "out", {"W_io": 1, "b_if": OPEN}, state=(0, OPEN)),
    Activation("lstm", "tanh of c", "out", {"b_if": OPEN, "b_io": OPEN}, state=(0, 0), of_state=True),
    Activation("gru", "sigmoid of r", "out", {"W_ir": 1, "b_iz": CLOSED, "b_hn": 1}),
    Activation("gru", "sigmoid of z", "out", {"W_iz": 1}, state=(1,)),
    Activation("gru", "tanh of n", "out", {"W_in": 1, "b_iz": CLOSED}),
)
"""All activations except relu, which is exact. The gate r is visible only through a tanh: the output is tanh(r)."""

HALF = ("float16", "bfloat16")
PRECISIONS_CHECKED = (*HALF, "float32")
"""The precisions that are checked. float64 has too many numbers, and its sample would find no more than float32's."""

BREAKPOINTS = (
    *(2.0**-12, 4e-4, 0.5, 0.55, 0.625, 1.0, 2.0, 4.0, 5.0),
    *(7.90531, 7.9988117, 8.0, 9.0, 9.010913, 10.0, 16.635532, 17.328680, 18.0),
    *(18.714973, 20.0, 22.0, 44.361420, 64.0, 87.336546, 88.722839, 103.97208),
)
"""Arguments at which kernels change formula, clamp or overflow, such as 7.905 and 7.999 (tanh of Eigen and XLA), 0.625
(Cephes), 9 and 18 (ONNX Runtime), 9.01 (tanh rounds to 1), 16.6 and 17.3 (sigmoid rounds to 1), 44.4 (e^2z overflows),
88.7 (e^z overflows)."""

AROUND = 16
"""The number of neighbours on each side of a breakpoint or a worst case."""

WORST = (
    *(0.33507019, 0.50254840, 0.87415415, 1.0336618, 1.1050731, 1.7361994, 2.3842077, 2.3953626),
    *(4.8046331, 5.1260390, 7.8592100, 7.9272556, 8.4755402, 8.6627216, 15.934788, 15.995908),
    *(16.457834, 16.635704, 16.660343, 17.691364, 33.271065, 66.542130),
)
"""Arguments with the largest errors of tanh and sigmoid in NumPy, torch and ONNX Runtime, among all of ``CURVED``."""

IN_A_BINADE = 1024
"""The number of samples per binade within ``CURVED``, one drawn from each of this many equal parts."""

CURVED = (-14, 7)
"""Exponents of the range 2^-14 to 2^7. Below this range tanh(z) = z; above it the activations saturate."""


@cache
def arguments(precision: str) -> Float64:
    """Return the arguments of a precision in ascending order, including both zeros."""
    values = _every(PRECISIONS[precision]) if precision in HALF else _sample_of_float32()
    values.flags.writeable = False
    return values


def _every(precision: Precision) -> Float64:
    """Return all finite numbers of a half precision, fewer than 2^16."""
    exponents = range(precision.min_exponent, precision.max_exponent + 1)
    fractions = np.arange(2 ** (precision.bits - 1), 2**precision.bits) * 2.0 ** (1 - precision.bits)
    subnormal = np.arange(2 ** (precision.bits - 1)) * precision.smallest
    return _both_signs(np.concatenate([subnormal, *(fractions * 2.0**e for e in exponents)]))


def _sample_of_float32() -> Float64:
    """Return the ends and middle of every binade, samples within ``CURVED``, and neighbours of critical arguments."""
    smallest = PRECISIONS["float32"].smallest
    binades = [np.array([1, 1 + 2**-23, 1.5, 2 - 2**-23]) * 2.0**e for e in range(-126, 128)]
    subnormal = np.array([0, *(2.0**k for k in range(23)), 2**23 - 1]) * smallest
    drawn = np.random.default_rng(20).random((CURVED[1] - CURVED[0], IN_A_BINADE))
    parts = 1 + (np.arange(IN_A_BINADE) + drawn) / IN_A_BINADE
    curved = (parts * 2.0 ** np.arange(*CURVED)[:, None]).ravel()
    points = np.abs(np.array([*BREAKPOINTS, *WORST], np.float32)).view(np.int32)
    near = (points[:, None] + np.arange(-AROUND, AROUND + 1, dtype=np.int32)).view(np.float32).ravel()
    sample = np.concatenate([subnormal, *binades, curved.astype(np.float32), near]).astype(np.float64)
    return _both_signs(np.unique(sample))


def _both_signs(values: Float64) -> Float64:
    return np.concatenate([-values[::-1], values])
