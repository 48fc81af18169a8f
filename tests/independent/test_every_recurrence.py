"""An independent implementation reproduces every stored value of the recurrences bit for bit, gradients included."""

import numpy as np
import pytest
from independent import scalar_recurrences, scalar_recurrences_backward

from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.recurrences import RECURRENCES

CORPUS = open_corpus()
ENTRIES = CORPUS.select(cell=list(RECURRENCES))


@pytest.mark.parametrize("golden_id", [entry.id for entry in ENTRIES])
def test_every_stored_output_is_reproduced(golden_id: str) -> None:
    g = CORPUS.load(golden_id, "float64")
    found = scalar_recurrences.outputs(g.cell, g.config, g.inputs, g.weights, g.states, g.offsets)
    assert found.keys() == g.stored.expected.keys()
    for name, expected in g.stored.expected.items():
        assert np.array_equal(np.asarray(found[name]), expected), name


@pytest.mark.parametrize("golden_id", [entry.id for entry in ENTRIES if entry.gradient_precisions])
def test_every_stored_gradient_is_reproduced(golden_id: str) -> None:
    g = CORPUS.load(golden_id, "float64", gradients=True)
    assert g.gradients is not None
    found = scalar_recurrences_backward.gradients(
        g.cell, g.config, g.inputs, g.weights, g.states, g.offsets, g.cotangents
    )
    for name, expected in g.gradients.expected.items():
        assert np.array_equal(np.asarray(found[name]), expected), name
