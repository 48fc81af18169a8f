"""The arguments of the exhaustive check: all numbers of a half precision, a fixed sample of float32."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS, Precision

Float64 = NDArray[np.float64]

HALF = ("float16", "bfloat16")
PRECISIONS_CHECKED = (*HALF, "float32")
"""The precisions that are checked. float64 has too many numbers, and its sample would find no more than float32's."""

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
"""Arguments at which kernels change formula, clamp or overflow, such as 7.905 and 7.999 (tanh of Eigen and XLA), 0.625
(Cephes), 9 and 18 (ONNX Runtime), 9.01 (tanh rounds to 1), 16.6 and 17.3 (sigmoid rounds to 1), 44.4 (e^2z overflows),
88.7 (e^z overflows)."""

AROUND = 16
"""The number of neighbours on each side of a breakpoint or a worst case."""

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
"""Arguments with the largest errors of tanh and sigmoid in NumPy, torch and ONNX Runtime, among all of ``CURVED``."""

IN_A_BINADE = 1024
"""The number of samples per binade within ``CURVED``, one drawn from each of this many equal parts."""

CURVED = (-14, 7)
"""Exponents of the range 2^-14 to 2^7. Below this range tanh(z) = z; above it the activations saturate."""

_SEED = 20


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
    drawn = np.random.default_rng(_SEED).random((CURVED[1] - CURVED[0], IN_A_BINADE))
    parts = 1 + (np.arange(IN_A_BINADE) + drawn) / IN_A_BINADE
    curved = (parts * 2.0 ** np.arange(*CURVED)[:, None]).ravel()
    near = [_neighbours(np.float32(abs(point))) for point in (*BREAKPOINTS, *WORST)]
    sample = np.concatenate([subnormal, *binades, curved.astype(np.float32), *near]).astype(np.float64)
    return _both_signs(np.unique(sample))


def _neighbours(point: np.float32) -> Float64:
    bits = point.view(np.int32) + np.arange(-AROUND, AROUND + 1, dtype=np.int32)
    return bits.view(np.float32).astype(np.float64)


def _both_signs(values: Float64) -> Float64:
    return np.concatenate([-values[::-1], values])
