"""How sharply a golden exposes a wrong network: its largest error there, as a multiple of what is allowed."""

import math
from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import PRECISIONS

ENOUGH = 2.0
"""A wrong implementation may itself be off by one tolerance in the other direction."""


def margin(golden: GoldenData, outputs: Sequence[Array], precision: str) -> float:
    """The largest error of some outputs, as a multiple of the tolerance."""
    largest = 0.0
    for name, output in zip(("out", "h_n", "c_n"), outputs, strict=False):
        want: Array = getattr(golden.stored, name)
        if output.shape != want.shape or not np.isfinite(output).all():
            return math.inf
        error = np.abs(output - want)
        allowed = golden.tolerance.allowed(name, want, PRECISIONS[precision])
        wrong = error > 0
        if wrong.any():
            with np.errstate(divide="ignore", over="ignore"):
                largest = max(largest, float((error[wrong] / allowed[wrong]).max()))
    return largest
