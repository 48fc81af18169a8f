"""Measures how much larger the tolerance for chunks is than that for steps."""

from collections.abc import Iterator

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
        row
        for of in (OUTPUTS, GRADIENTS)
        for golden in goldens(FLOAT32, gradients=of == GRADIENTS)
        for row in _rows(golden, of)
    ]
    few = [ratio for _, _, *ratios in rows for ratio in ratios[:1] if len(ratios) == 1]
    return (
        "## Larger chunks, larger tolerances\n\n"
        f"The tolerance in {FLOAT32} by each algorithm, divided by that by `{STEP}`: the median of all elements, "
        "for goldens that are longer than the smallest chunk. An empty entry is equal to the one before it, since no "
        f"sequence is longer. The {len(few)} results of shorter sequences have ratios of {page.written(min(few))} to "
        f"{page.written(max(few))}.\n\n"
        + page.table(
            ("golden", "of", *CHUNKS),
            ((name, of, *map(page.written, ratios)) for name, of, *ratios in rows if len(ratios) > 1),
        )
    )


def _rows(golden: Golden, of: str) -> Iterator[tuple[str, str, *tuple[float, ...]]]:
    tolerance = golden.expected_of(of).tolerance
    if isinstance(tolerance, Contracts) and tolerance.chunks:
        steps = _allowed(golden, of, STEP)
        ratios = (float(np.median(_allowed(golden, of, f"chunk={size}") / steps)) for size in tolerance.chunks)
        yield golden.id, of, *ratios


def _allowed(golden: Golden, of: str, algorithm: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the largest allowed error of each element by an algorithm."""
    expected = under(golden, Condition(FLOAT32, INSIDE, algorithm)).expected_of(of)
    return np.concatenate([expected.allowed(name).ravel() for name in expected.values])
