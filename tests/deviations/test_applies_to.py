"""Each deviation runs on the cells that it applies to; diagnosis would ignore one that raises an error."""

import numpy as np
from factories.for_each import for_each

from rnn_goldens.corpus import Entry, open_corpus
from rnn_goldens.diagnosis.gradient_candidates import candidates_of
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS

CORPUS = open_corpus()


def size(entry: Entry) -> int:
    return (CORPUS.folder / entry.files["json"].path).stat().st_size


WITH_GRADIENTS = sorted((entry for entry in CORPUS.entries if entry.gradient_precisions), key=size, reverse=True)
SMALLEST = {entry.cell: entry.id for entry in WITH_GRADIENTS}
"""The golden with gradients that has the smallest file, for each cell."""


@for_each(list(SMALLEST.values()), every=6)
def test_each_deviation_runs_on_a_golden_of_a_cell_that_it_applies_to(golden_id: str) -> None:
    golden = CORPUS.load(golden_id, gradients=True)
    for of in (OUTPUTS, GRADIENTS):
        candidates = candidates_of(golden, {}, of)
        for wrong in candidates.catalogue():
            if wrong.applies_to(golden.cell):
                candidates.run((wrong.name,), np.float64)
