"""An independent implementation reproduces every stored gradient of the standard cells bit for bit."""

from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from independent import scalar_backward
from independent.scalar_backward import gradients
from independent.scalar_rnn import each

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.gradients import Gradients

CORPUS = open_corpus()

IDS = [entry.id for entry in CORPUS.entries if entry.gradients and entry.cell in CELLS]

ONE_STEP = {
    "rnn_tanh": "rnn-tanh/one-step-with-state",
    "rnn_relu": "exact-backward/one-step-with-state",
    "lstm": "lstm/one-step-with-state",
    "gru": "gru/one-step-with-state",
}


def loaded(golden_id: str) -> Golden:
    return CORPUS.load(golden_id, gradients=True)


def stored(golden: Golden) -> Gradients:
    assert golden.gradients is not None
    return golden.gradients


def by_hand(golden: Golden) -> dict[str, Any]:
    """Return the gradients that the scalar implementation computes, without a batch axis if the golden has none."""

    def batched(array: Any, axis: int) -> Any:
        return (array if golden.batch_shape else np.expand_dims(array, axis)).tolist()

    states = golden.layout.states
    x, initial = batched(golden.x, 0), [batched(getattr(golden, f"{name}0"), 1) for name in states]
    lengths = [len(sequence) for sequence in x] if golden.lengths is None else golden.lengths.tolist()
    weights = {name: array.tolist() for name, array in golden.weights.items()}
    d_out = batched(golden.cotangents["d_out"], 0)
    d_last = [batched(golden.cotangents[f"d_{name}_n"], 1) for name in states]
    found = gradients(golden.cell, weights, x, initial, lengths, d_out, d_last)
    if not golden.batch_shape:
        found["x"] = found["x"][0]
        found |= {f"{name}0": [row[0] for row in found[f"{name}0"]] for name in states}
    return {name: found[name] for name in stored(golden).expected}


def bits(numbers: Any) -> Any:
    """Return nested lists of floats as hexadecimal text, which distinguishes all floats, 0.0 and -0.0 included."""
    return {name: each(float.hex, array) for name, array in numbers.items()}


def expected(golden: Golden) -> Any:
    return bits({name: array.tolist() for name, array in stored(golden).expected.items()})


@for_each(IDS, every=24)
def test_every_stored_gradient_is_reproduced(golden_id: str) -> None:
    golden = loaded(golden_id)
    assert bits(by_hand(golden)) == expected(golden)


@pytest.mark.parametrize("cell", CELLS)
def test_a_wrong_sign_in_the_backward_pass_is_detected(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    golden, right = loaded(ONE_STEP[cell]), scalar_backward.BACK[cell]
    assert golden.cell == cell
    monkeypatch.setitem(scalar_backward.BACK, cell, lambda x, h, state, d: right(x, h, state, [-d[0], *d[1:]]))
    assert bits(by_hand(golden)) != expected(golden)
