"""An independent implementation reproduces every stored output and gradient of the dialects bit for bit."""

from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from independent import scalar_dialects
from independent.scalar_dialects import Inputs, gradients, outputs
from independent.scalar_rnn import each

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.built_in_cells import DIALECTS

CORPUS = open_corpus()

IDS = [entry.id for entry in CORPUS.entries if entry.cell in DIALECTS]


def batched(golden: Golden, array: Any, axis: int) -> Any:
    return (array if golden.batch_shape else np.expand_dims(array, axis)).tolist()


def inputs_of(golden: Golden) -> Inputs:
    x = batched(golden, golden.x, 0)
    states = {f"{name}0": batched(golden, getattr(golden, f"{name}0"), 1) for name in golden.layout.states}
    weights = {name: array.tolist() for name, array in golden.weights.items()}
    lengths = [len(sequence) for sequence in x] if golden.lengths is None else golden.lengths.tolist()
    arrays = {"x": x, **states, **weights}
    return Inputs(golden.cell, golden.layout.gates, golden.network.hidden_size, golden.network.layers, arrays, lengths)


def bits(numbers: Any) -> Any:
    return each(float.hex, numbers)


@for_each(IDS, every=8)
def test_every_stored_output_is_reproduced(golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    names = [f"{name}_n" for name in golden.layout.states]
    stored = [batched(golden, golden.out, 0), *(batched(golden, getattr(golden, name), 1) for name in names)]
    assert bits(outputs(inputs_of(golden))) == bits(stored)


@pytest.mark.slow
@for_each([entry.id for entry in CORPUS.entries if entry.id in IDS and entry.gradients], every=8)
def test_every_stored_gradient_is_reproduced(golden_id: str) -> None:
    golden = CORPUS.load(golden_id, gradients=True)
    assert golden.gradients is not None
    cotangents = [batched(golden, array, 0 if name == "d_out" else 1) for name, array in golden.cotangents.items()]
    found = gradients(inputs_of(golden), cotangents)
    axes = {"x": 0, "h0": 1, "c0": 1}
    for name, array in golden.gradients.expected.items():
        wanted = batched(golden, array, axes[name]) if name in axes else array.tolist()
        assert bits(found[name]) == bits(wanted), name


@pytest.mark.parametrize("cell", ["gru_reset_before", "lstm_peephole", "rnn_softsign"])
def test_another_equation_is_detected(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    golden = CORPUS.load(f"{cell.replace('_', '-')}/with-state")
    sigmoid, tanh = scalar_dialects.sigmoid, scalar_dialects.tanh
    standard = {
        "gru": scalar_dialects.gru(sigmoid, tanh),
        "lstm": scalar_dialects.lstm(sigmoid, tanh, tanh),
        "rnn_tanh": scalar_dialects.rnn(tanh),
    }[DIALECTS[cell].base]
    monkeypatch.setitem(scalar_dialects.STEPS, cell, lambda: standard)
    assert bits(outputs(inputs_of(golden)))[0] != bits(batched(golden, golden.out, 0))
