"""Measures how much larger the tolerance for chunks is than that for steps."""

import numpy as np

from benchmarks import page
from benchmarks.recurrences.goldens import Condition, goldens, under
from benchmarks.recurrences.kernels.contracts import INSIDE
from rnn_goldens import Golden
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.rounding_profile import CHUNKS, FLOAT32, STEP
from rnn_goldens.golden.tolerance import Contracts


def report() -> str:
    """Return the section."""
    rows = [
        (golden.id, of, ratios)
        for of in (OUTPUTS, GRADIENTS)
        for golden in goldens(FLOAT32, gradients=of == GRADIENTS)
        if (ratios := _ratios(golden, of))
    ]
    short = [ratios[0] for _, _, ratios in rows if len(ratios) == 1]
    entries = (
        (name, of, *map(page.written, ratios), *[""] * (len(CHUNKS) - len(ratios)))
        for name, of, ratios in rows
        if len(ratios) > 1
    )
    return (
        "## Larger chunks, larger tolerances\n\n"
        f"The tolerance in {FLOAT32} by each algorithm, divided by that by `{STEP}`: the median of all elements, "
        "for goldens that are longer than the smallest chunk. An empty entry is equal to the one before it, since no "
        f"sequence is longer. The {len(short)} results of shorter sequences have ratios of {page.written(min(short))} "
        f"to {page.written(max(short))}.\n\n" + page.table(("golden", "of", *CHUNKS), entries)
    )


def _ratios(golden: Golden, of: str) -> list[float]:
    """Return the ratio of each size of chunks that a golden has coefficients for."""
    tolerance = golden.expected_of(of).tolerance
    if not isinstance(tolerance, Contracts):
        return []
    steps = _allowed(golden, of, STEP)
    return [float(np.median(_allowed(golden, of, f"chunk={size}") / steps)) for size in tolerance.chunks]


def _allowed(golden: Golden, of: str, algorithm: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the largest allowed error of each element by an algorithm."""
    expected = under(golden, Condition(FLOAT32, INSIDE, algorithm)).expected_of(of)
    return np.concatenate([expected.allowed(name).ravel() for name in expected.values])
