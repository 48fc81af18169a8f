"""An independent implementation reproduces every stored output of the standard cells bit for bit."""

from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from independent import scalar_rnn
from independent.scalar_rnn import Cell, Vector, answer

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS

CORPUS = open_corpus()

ONE_STEP = {
    "rnn_tanh": "rnn-tanh/one-step-with-state",
    "rnn_relu": "exact/one-step-with-state",
    "lstm": "lstm/one-step-with-state",
    "gru": "gru/one-step-with-state",
}


def with_batch_axis(golden: Golden, array: Float64, axis: int) -> Any:
    return (array if golden.batch_shape else np.expand_dims(array, axis)).tolist()


def stored(golden: Golden) -> list[Any]:
    last = [getattr(golden, f"{name}_n") for name in golden.layout.states]
    return [with_batch_axis(golden, golden.out, 0), *(with_batch_axis(golden, array, 1) for array in last)]


def computed(golden: Golden) -> list[Any]:
    weights = {name: array.tolist() for name, array in golden.weights.items()}
    x = with_batch_axis(golden, golden.x, 0)
    initial = [with_batch_axis(golden, getattr(golden, f"{name}0"), 1) for name in golden.layout.states]
    lengths = [len(sequence) for sequence in x] if golden.lengths is None else golden.lengths.tolist()
    return answer(golden.cell, weights, x, initial, lengths)


def bits(numbers: Any) -> Any:
    """Return nested lists of floats as hexadecimal text, which distinguishes all floats, 0.0 and -0.0 included."""
    return scalar_rnn.each(float.hex, numbers)


def one_step_of_one_unit(x: float, weight: float = 1.0, bias_ih: float = 0.0, bias_hh: float = 0.0) -> float:
    weights = {"weight_ih_l0": [[weight]], "weight_hh_l0": [[0.0]], "bias_ih_l0": [bias_ih], "bias_hh_l0": [bias_hh]}
    out, h_n = answer("rnn_relu", weights, [[[x]]], [[[[0.0]]]], [1])
    assert out == h_n
    return float(out[0][0][0])


def negated_at(gate: int, right: Cell) -> Cell:
    def wrong(x: Vector, h: Vector, state: Vector) -> Vector:
        x, h = ([-z if k == gate else z for k, z in enumerate(sums)] for sums in (x, h))
        return right(x, h, state)

    return wrong


@for_each([entry.id for entry in CORPUS.entries if entry.cell in CELLS], every=8)
def test_every_stored_value_is_reproduced(golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    assert bits(computed(golden)) == bits(stored(golden))


@pytest.mark.parametrize(("cell", "gate"), [(cell, gate) for cell in CELLS for gate in range(len(LAYOUTS[cell].gates))])
def test_a_wrong_sign_in_any_gate_is_detected(monkeypatch: pytest.MonkeyPatch, cell: str, gate: int) -> None:
    golden = CORPUS.load(ONE_STEP[cell])
    assert golden.cell == cell
    monkeypatch.setitem(scalar_rnn.CELLS, cell, negated_at(gate, scalar_rnn.CELLS[cell]))
    assert bits(computed(golden)) != bits(stored(golden))


@pytest.mark.parametrize("golden_id", ["rnn-tanh/chaotic", "lstm/overflowing"])
def test_the_number_of_digits_is_increased_until_it_suffices(monkeypatch: pytest.MonkeyPatch, golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    monkeypatch.setattr(scalar_rnn, "FEWEST_DIGITS", 5)
    assert bits(computed(golden)) == bits(stored(golden))


def test_results_are_rounded_once_to_nearest_even() -> None:
    half_a_unit, sliver = 2.0**-53, 2.0**-1000
    assert one_step_of_one_unit(1.0, bias_ih=half_a_unit) == 1.0
    assert one_step_of_one_unit(1.0, bias_ih=half_a_unit, bias_hh=sliver) == 1.0 + 2 * half_a_unit
    assert one_step_of_one_unit(1.0, bias_ih=-1.0, bias_hh=sliver) == sliver
    smallest = 5e-324
    assert one_step_of_one_unit(2.5 * 2.0**-600, 2.0**-474) == 2 * smallest
    assert one_step_of_one_unit(1.5 * 2.0**-600, 2.0**-474) == 2 * smallest
    assert one_step_of_one_unit(0.5 * 2.0**-600, 2.0**-474).hex() == (0.0).hex()
