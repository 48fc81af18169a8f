"""The margin of a deviation on a golden: its largest error as a multiple of the tolerance."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import Gradients
from rnn_goldens.golden.precision import PRECISIONS

ENOUGH = 2.0
"""Smallest margin that detects a deviation: rounding of a wrong implementation may cancel one tolerance."""


def margin(golden: GoldenData, outputs: Sequence[Array], precision: str) -> float:
    """Return the largest error of outputs as a multiple of the tolerance."""
    return max(margins_by_output(golden, outputs, precision))


def margins_by_output(golden: GoldenData, outputs: Sequence[Array], precision: str) -> list[float]:
    """Return the largest error of each output, out first, as a multiple of the tolerance."""
    found = []
    for name, got in zip(golden.layout.outputs, outputs, strict=False):
        want = golden.stored.expected[name]
        found.append(_margin([(got, want, golden.tolerance.allowed(name, want, PRECISIONS[precision]))]))
    return found


def gradient_margin(gradients: Gradients, found: Mapping[str, Array], precision: str) -> float:
    """Return the largest error of gradients as a multiple of the tolerance."""
    return _margin(
        (found[name], want, gradients.tolerance.allowed(name, want, PRECISIONS[precision]))
        for name, want in gradients.expected.items()
    )


def _margin(compared: Iterable[tuple[Array, Array, Array]]) -> float:
    """Return the largest error in triples of actual, expected and allowed arrays, as a multiple of the tolerance."""
    largest = 0.0
    for got, want, allowed in compared:
        if got.shape != want.shape or not np.isfinite(got).all():
            return math.inf
        error = np.abs(got - want)
        wrong = error > 0
        if wrong.any():
            with np.errstate(divide="ignore", over="ignore"):
                largest = max(largest, float((error[wrong] / allowed[wrong]).max()))
    return largest
