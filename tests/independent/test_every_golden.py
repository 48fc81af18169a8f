"""Independent implementations reproduce every stored output and every stored gradient bit for bit."""

from typing import Any

import numpy as np
import pytest
from factories.cotangents import SHAPES, gradient_scenario
from factories.for_each import for_each
from independent import scalar_integers, scalar_networks, scalar_numbers, scalar_recurrences
from independent.scalar_networks import STEPS, Inputs, gradients, outputs
from independent.scalar_numbers import each

from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.certification import certify
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS

CORPUS = open_corpus()

NETWORKS = [entry.id for entry in CORPUS.entries if entry.cell in LAYOUTS]
INTEGERS = [entry.id for entry in CORPUS.entries if entry.cell in INTEGER_LSTMS]
RECURRENCES = [entry.id for entry in CORPUS.entries if entry.cell not in {*LAYOUTS, *INTEGER_LSTMS}]
WITH_GRADIENTS = {entry.id for entry in CORPUS.entries if entry.gradient_precisions}

ONE_STEP = {
    "rnn_tanh": "rnn-tanh/one-step-with-state",
    "rnn_relu": "exact-backward/one-step-with-state",
    "lstm": "lstm/one-step-with-state",
    "gru": "gru/one-step-with-state",
}


def batched(golden: Golden, array: Any, axis: int) -> Any:
    return (array if golden.batch_shape else np.expand_dims(array, axis)).tolist()


def inputs_of(golden: Golden, negated: str = "") -> Inputs:
    x = batched(golden, golden.x, 0)
    states = {f"{name}0": batched(golden, getattr(golden, f"{name}0"), 1) for name in golden.layout.states}
    arrays = {"x": x, **states, **{name: array.tolist() for name, array in golden.weights.items()}}
    lengths = [len(sequence) for sequence in x] if golden.lengths is None else golden.lengths.tolist()
    config = golden.network
    return Inputs(golden.cell, golden.layout.gates, config.hidden_size, config.layers, arrays, lengths, negated)


def stored(golden: Golden) -> list[Any]:
    last = [batched(golden, getattr(golden, f"{name}_n"), 1) for name in golden.layout.states]
    return [batched(golden, golden.out, 0), *last]


def computed(golden: Golden) -> list[Any]:
    return outputs(inputs_of(golden))


def computed_gradients(golden: Golden, negated: str = "") -> dict[str, Any]:
    cotangents = [batched(golden, array, 0 if name == "d_out" else 1) for name, array in golden.cotangents.items()]
    found = gradients(inputs_of(golden, negated), cotangents)
    return {name: found[name] for name in golden.checkable_gradients().expected}


def stored_gradients(golden: Golden) -> dict[str, Any]:
    axes = {"x": 0, "h0": 1, "c0": 1}
    expected = golden.checkable_gradients().expected
    return {n: batched(golden, array, axes[n]) if n in axes else array.tolist() for n, array in expected.items()}


def bits(numbers: Any) -> Any:
    """Return nested lists of floats as hexadecimal text, which distinguishes all floats, 0.0 and -0.0 included."""
    if isinstance(numbers, dict):
        return {name: bits(array) for name, array in numbers.items()}
    return each(float.hex, numbers)


@for_each(NETWORKS, every=32)
def test_every_stored_output_is_reproduced(golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    assert bits(computed(golden)) == bits(stored(golden))


@for_each([golden_id for golden_id in NETWORKS if golden_id in WITH_GRADIENTS], every=48)
def test_every_stored_gradient_is_reproduced(golden_id: str) -> None:
    golden = CORPUS.load(golden_id, gradients=True)
    assert bits(computed_gradients(golden)) == bits(stored_gradients(golden))


@for_each([(cell, shape) for shape in SHAPES for cell in CELLS], every=3)
def test_certified_values_of_drawn_scenarios_are_reproduced(cell: str, shape: str) -> None:
    scenario = gradient_scenario(cell, shape, of=("d_h_n",) if shape == "ragged" else ())
    golden = certify(scenario, confirm=False).in_precision("float64")
    assert bits(computed(golden)) == bits(stored(golden))
    assert bits(computed_gradients(golden)) == bits(stored_gradients(golden))


@for_each(RECURRENCES, every=4)
def test_every_stored_output_of_a_recurrence_is_reproduced(golden_id: str) -> None:
    g = CORPUS.load(golden_id, "float64")
    found = scalar_recurrences.outputs(g.cell, g.config, g.inputs, g.weights, g.states, g.offsets)
    assert found.keys() == g.stored.expected.keys()
    for name, expected in g.stored.expected.items():
        assert np.array_equal(np.asarray(found[name]), expected), name


@for_each([golden_id for golden_id in RECURRENCES if golden_id in WITH_GRADIENTS], every=4)
def test_every_stored_gradient_of_a_recurrence_is_reproduced(golden_id: str) -> None:
    g = CORPUS.load(golden_id, "float64", gradients=True)
    found = scalar_recurrences.gradients(g.cell, g.config, g.inputs, g.weights, g.states, g.offsets, g.cotangents)
    for name, expected in g.checkable_gradients().expected.items():
        assert np.array_equal(np.asarray(found[name]), expected), name


@for_each(INTEGERS, every=5)
def test_every_stored_output_of_an_integer_lstm_is_reproduced(golden_id: str) -> None:
    g = CORPUS.load(golden_id)
    arrays = {name: array.tolist() for name, array in {**g.inputs, **g.states, **g.weights}.items()}
    found = scalar_integers.outputs(g.cell, g.config, arrays)
    assert found == {name: array.tolist() for name, array in g.expected.items()}


@for_each([(cell, gate) for cell in CELLS for gate in LAYOUTS[cell].gates])
def test_a_wrong_sign_in_any_gate_is_detected(cell: str, gate: str) -> None:
    golden = CORPUS.load(ONE_STEP[cell], gradients=True)
    assert golden.cell == cell
    assert bits(outputs(inputs_of(golden, negated=gate))) != bits(stored(golden))
    assert bits(computed_gradients(golden, negated=gate)) != bits(stored_gradients(golden))


@pytest.mark.parametrize("cell", ["gru_reset_before", "lstm_peephole", "rnn_softsign"])
def test_another_equation_is_detected(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    golden = CORPUS.load(f"{cell.replace('_', '-')}/with-state")
    monkeypatch.setitem(scalar_networks.STEPS, cell, STEPS[DIALECTS[cell].base])
    assert bits(computed(golden))[0] != bits(stored(golden))[0]


@pytest.mark.parametrize("golden_id", ["rnn-tanh/chaotic", "lstm/overflowing"])
def test_the_number_of_digits_is_increased_until_it_suffices(monkeypatch: pytest.MonkeyPatch, golden_id: str) -> None:
    golden = CORPUS.load(golden_id)
    monkeypatch.setattr(scalar_numbers, "FEWEST_DIGITS", 5)
    assert bits(computed(golden)) == bits(stored(golden))


def one_step_of_one_unit(x: float, weight: float = 1.0, bias_ih: float = 0.0, bias_hh: float = 0.0) -> float:
    weights = {"weight_ih_l0": [[weight]], "weight_hh_l0": [[0.0]], "bias_ih_l0": [bias_ih], "bias_hh_l0": [bias_hh]}
    out, h_n = outputs(Inputs("rnn_relu", "h", 1, [["l0"]], {"x": [[[x]]], "h0": [[[0.0]]], **weights}, [1]))
    assert out == h_n
    return float(out[0][0][0])


def test_results_are_rounded_once_to_nearest_even() -> None:
    half_a_unit, sliver = 2.0**-53, 2.0**-1000
    assert one_step_of_one_unit(1.0, bias_ih=half_a_unit) == 1.0
    assert one_step_of_one_unit(1.0, bias_ih=half_a_unit, bias_hh=sliver) == 1.0 + 2 * half_a_unit
    assert one_step_of_one_unit(1.0, bias_ih=-1.0, bias_hh=sliver) == sliver
    smallest = 5e-324
    assert one_step_of_one_unit(2.5 * 2.0**-600, 2.0**-474) == 2 * smallest
    assert one_step_of_one_unit(1.5 * 2.0**-600, 2.0**-474) == 2 * smallest
    assert one_step_of_one_unit(0.5 * 2.0**-600, 2.0**-474).hex() == (0.0).hex()
