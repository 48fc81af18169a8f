"""The arguments that are visited: all there are in a half precision, a stated sample in float32."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS, Precision

Float64 = NDArray[np.float64]

HALF = ("float16", "bfloat16")
ASKED = (*HALF, "float32")
"""The precisions that are asked: float64 has too many numbers, and a sample of it shows what one of float32 does."""

BREAKPOINTS = (
    2.0**-12,
    4e-4,
    0.5,
    0.55,
    0.625,
    1.0,
    2.0,
    4.0,
    5.0,
    7.90531,
    7.9988117,
    8.0,
    9.0,
    9.010913,
    10.0,
    16.635532,
    17.328680,
    18.0,
    18.714973,
    20.0,
    22.0,
    44.361420,
    64.0,
    87.336546,
    88.722839,
    103.97208,
)
"""Where kernels change formula, clamp, or have an exponential that overflows: 7.905 and 7.999 (Eigen's and XLA's tanh),
0.625 (Cephes), 9 and 18 (ONNX Runtime), 9.01 (tanh is 1), 16.6 and 17.3 (a sigmoid is 1), 44.4 (e^2z), 88.7 (e^z)."""

AROUND = 16
"""So many neighbours on each side of a breakpoint, and of a worst case."""

WORST = (
    0.33507019,
    0.50254840,
    0.87415415,
    1.0336618,
    1.1050731,
    1.7361994,
    2.3842077,
    2.3953626,
    4.8046331,
    5.1260390,
    7.8592100,
    7.9272556,
    8.4755402,
    8.6627216,
    15.934788,
    15.995908,
    16.457834,
    16.635704,
    16.660343,
    17.691364,
    33.271065,
    66.542130,
)
"""Where NumPy's, torch's and ONNX Runtime's tanh and sigmoid were furthest off, of all float32 that bend."""

IN_A_BINADE = 1024
"""Where an activation bends, one number of each so many equal parts of a binade, drawn."""

BENDS = (-14, 7)
"""From 2^-14 to 2^7; beyond, a number is itself to a tanh, or saturates."""

_SEED = 20


@cache
def arguments(precision: str) -> Float64:
    """Those of a precision, from the smallest to the largest, both zeros included."""
    values = _every(PRECISIONS[precision]) if precision in HALF else _sample_of_float32()
    values.flags.writeable = False
    return values


def _every(precision: Precision) -> Float64:
    """Every finite number: a half precision has less than 2^16 of them."""
    exponents = range(precision.min_exponent, precision.max_exponent + 1)
    fractions = np.arange(2 ** (precision.bits - 1), 2**precision.bits) * 2.0 ** (1 - precision.bits)
    subnormal = np.arange(2 ** (precision.bits - 1)) * precision.smallest
    return _both_signs(np.concatenate([subnormal, *(fractions * 2.0**e for e in exponents)]))


def _sample_of_float32() -> Float64:
    """Of every binade its ends and its middle; many where it bends; neighbours of breakpoints and of worst cases."""
    smallest = PRECISIONS["float32"].smallest
    binades = [np.array([1, 1 + 2**-23, 1.5, 2 - 2**-23]) * 2.0**e for e in range(-126, 128)]
    subnormal = np.array([0, *(2.0**k for k in range(23)), 2**23 - 1]) * smallest
    drawn = np.random.default_rng(_SEED).random((BENDS[1] - BENDS[0], IN_A_BINADE))
    parts = 1 + (np.arange(IN_A_BINADE) + drawn) / IN_A_BINADE
    bending = (parts * 2.0 ** np.arange(*BENDS)[:, None]).ravel()
    near = [_neighbours(np.float32(abs(point))) for point in (*BREAKPOINTS, *WORST)]
    found = np.concatenate([subnormal, *binades, bending.astype(np.float32), *near]).astype(np.float64)
    return _both_signs(np.unique(found))


def _neighbours(point: np.float32) -> Float64:
    bits = point.view(np.int32) + np.arange(-AROUND, AROUND + 1, dtype=np.int32)
    return bits.view(np.float32).astype(np.float64)


def _both_signs(values: Float64) -> Float64:
    return np.concatenate([-values[::-1], values])
