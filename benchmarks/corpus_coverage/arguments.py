"""Tables of the smallest error that the corpus detects, by band of an activation's argument."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from benchmarks import page
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.activations import BANDS
from rnn_goldens.generator.coverage.arguments import (
    CELLS,
    GAPS,
    GAPS_FROM_ZERO,
    Band,
    Observation,
    Place,
    SmallestErrors,
    activations,
    band_text,
    observe,
)
from rnn_goldens.golden.precision import PRECISIONS

NONE = "none"
"""Entry of a band in which no golden detects an error."""

INTRODUCTION = """### Arguments of activations

For each activation and each band of the size of its argument, the table has the smallest error of its result, in
roundoffs of the precision, that some golden detects in float32. A correct activation may have an error of 8 roundoffs,
so the smallest possible value is 16. Of both signs of the argument, the larger value counts. Chaotic goldens are left
out."""


def report(found: Mapping[Place, SmallestErrors]) -> str:
    """Return the section, with a column for each activation and its range in each precision."""
    columns = [(cell, activation.label) for cell in CELLS for activation in activations(cell)]
    names = [f"{cell}: {label}" for cell, label in columns]
    by_band = {edges: [_worst(found, *column, edges) for column in columns] for edges in pairwise((*BANDS, np.inf))}
    bands = [(band_text(edges), *(_text(worst["float32"][0]) for worst in row)) for edges, row in by_band.items()]
    ranges = [
        (name, *(_range([row[column][precision][0] for row in by_band.values()]) for precision in PRECISIONS))
        for column, name in enumerate(names)
    ]
    not_covered = "\n".join(
        f"- {cell}, {label}, from {edge:g} on, {precision}{of}: {why}."
        for listed, of in ((GAPS, ""), (GAPS_FROM_ZERO, ", of one layer from zero"))
        for (cell, label), edge, precision, why in listed
    )
    return "\n\n".join(
        [
            INTRODUCTION,
            page.table(["size of the argument", *names], bands),
            "The smallest and the largest of all bands, in each precision (“none”: some bands are not checked there):",
            page.table(["activation", *PRECISIONS], ranges),
            f"Bands that are not checked, and why:\n\n{not_covered}",
        ]
    )


def _range(errors: list[float]) -> str:
    detected = [error for error in errors if error < np.inf]
    return f"{min(detected):.1f} to {max(detected):.1f}" + ("" if len(detected) == len(errors) else f", or {NONE}")


def _text(error: float) -> str:
    return f"{error:.1f}" if error < np.inf else NONE


def _worst(found: Mapping[Place, SmallestErrors], cell: str, label: str, edges: Band) -> SmallestErrors:
    """Return the larger of the smallest detected errors on the two sides of zero."""
    sides = [found[cell, label, band] for band in (edges, (-edges[1], -edges[0]))]
    return {p: max((side.get(p, (np.inf, "")) for side in sides), key=lambda detected: detected[0]) for p in PRECISIONS}


def of_one(golden_id: str) -> list[Observation]:
    """Return the errors that one golden detects."""
    return observe(open_corpus().load(golden_id, dtype="float64"))
