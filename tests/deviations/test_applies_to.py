"""Each deviation runs on the cells that it applies to; diagnosis would ignore one that raises an error."""

from collections.abc import Iterator

import numpy as np

from rnn_goldens import Golden
from rnn_goldens.corpus.loading import open_corpus
from rnn_goldens.diagnosis.gradient_candidates import candidates_of
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS


def smallest_goldens() -> Iterator[Golden]:
    """Yield the golden with gradients that has the smallest file, for each cell."""
    corpus = open_corpus()
    entries = [entry for entry in corpus.entries if entry.gradient_precisions]
    entries.sort(key=lambda entry: (corpus.folder / entry.files["json"].path).stat().st_size, reverse=True)
    for entry in {entry.cell: entry for entry in entries}.values():
        yield corpus.load(entry.id, gradients=True)


def failures(golden: Golden) -> Iterator[str]:
    for of in (OUTPUTS, GRADIENTS):
        candidates = candidates_of(golden, {}, of)
        for wrong in candidates.catalogue():
            try:
                if wrong.applies_to(golden.cell):
                    candidates.run((wrong.name,), np.float64)
            except Exception as error:
                yield f"{wrong.name} of {golden.id}: {type(error).__name__}: {error}"


def test_each_deviation_runs_on_every_cell_that_it_applies_to() -> None:
    assert [failure for golden in smallest_goldens() for failure in failures(golden)] == []
