"""The steps of a golden, computed by the definition."""

from itertools import pairwise

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.deviations.activations import TANH
from rnn_goldens.golden.built_in_cells import LAYOUTS

IDS = (
    "documented/mini-batch",
    "exact/three-layers",
    "rnn-tanh/one-step-with-state",
    "rnn-tanh/unbatched",
    "rnn-tanh/lengths",
    "gru/no-bias",
    "gru/bidirectional",
    "gru/unbatched",
    "lstm/lengths",
    "lstm/bidirectional-two-layers",
    "lstm/one-unit",
)


@pytest.fixture(params=IDS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return rnn_goldens.load(request.param, dtype="float64")


def sigmoid(z: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-z))
    return result


def test_the_states_of_the_steps_form_the_outputs(golden: Golden) -> None:
    out, last = np.zeros_like(golden.out), {}
    for step in golden.steps():
        if step.layer == golden.network.num_layers - 1:
            at = (
                slice(golden.network.hidden_size, None)
                if step.direction == "reverse"
                else slice(golden.network.hidden_size)
            )
            out[..., step.time, at] = np.where(step.within[..., None], step.state["h"], 0)
        last[step.layer, step.direction] = step.state
    states = [np.stack([state[name] for state in last.values()]) for name in step.state]
    assert golden.compare(out, *states).passed


def test_each_step_starts_from_the_state_of_the_previous_step(golden: Golden) -> None:
    steps = golden.steps()
    for before, after in pairwise(steps):
        if (before.layer, before.direction) == (after.layer, after.direction):
            assert abs(before.time - after.time) == 1
            assert all(np.array_equal(after.state_before[name], state) for name, state in before.state.items())


def test_steps_are_ordered_by_layer_then_direction_then_order_of_computation() -> None:
    golden = rnn_goldens.load("lstm/bidirectional-two-layers")
    times = range(golden.x.shape[1])
    assert [(step.layer, step.direction, step.time) for step in golden.steps()] == [
        (layer, direction, time)
        for layer in (0, 1)
        for direction, visits in (("forward", times), ("reverse", reversed(times)))
        for time in list(visits)
    ]


def test_a_gate_is_the_activation_of_its_preactivation(golden: Golden) -> None:
    for step in golden.steps():
        assert "".join(step.gates) == "".join(step.preactivations) == LAYOUTS[golden.cell].gates
        for gate, argument in step.preactivations.items():
            activation = np.tanh if gate in "gnh" else sigmoid
            activation = activation if golden.cell in TANH else lambda z: np.maximum(z, 0)
            assert np.allclose(step.gates[gate], activation(argument), rtol=1e-14, atol=0, equal_nan=True)


def test_the_state_follows_from_the_gates(golden: Golden) -> None:
    for step in golden.steps():
        gates, before, within = step.gates, step.state_before, step.within[..., None]
        if golden.cell == "lstm":
            c = gates["f"] * before["c"] + gates["i"] * gates["g"]
            expected = {"c": c, "h": gates["o"] * np.tanh(c)}
        elif golden.cell == "gru":
            expected = {"h": (1 - gates["z"]) * gates["n"] + gates["z"] * before["h"]}
        else:
            expected = dict(gates)
        for name, state in step.state.items():
            assert np.allclose(state, np.where(within, expected[name], before[name]), rtol=1e-14, atol=1e-300)


def test_a_preactivation_is_computed_from_the_rows_of_its_gate() -> None:
    golden = rnn_goldens.load("gru/one-step-with-state", dtype="float64")
    (step,) = golden.steps()
    rows = {gate: slice(3 * k, 3 * k + 3) for k, gate in enumerate("rzn")}
    w, x, h = golden.weights, golden.x[:, 0], golden.h0[0]
    of_x, of_h = (x @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"])
    for gate in "rz":
        assert np.allclose(step.preactivations[gate], (of_x + of_h)[:, rows[gate]])
    assert np.allclose(step.preactivations["n"], of_x[:, rows["n"]] + step.gates["r"] * of_h[:, rows["n"]])


def test_after_its_end_a_sequence_has_nan_gates_and_a_constant_state() -> None:
    golden = rnn_goldens.load("lstm/lengths", dtype="float64")
    assert golden.lengths is not None
    for step in golden.steps():
        assert np.array_equal(step.within, step.time < golden.lengths)
        for values in (*step.gates.values(), *step.preactivations.values()):
            assert np.array_equal(np.isnan(values).all(axis=1), ~step.within)
        for name, state in step.state.items():
            assert np.array_equal(state[~step.within], step.state_before[name][~step.within])


def test_inputs_have_no_steps() -> None:
    assert not hasattr(rnn_goldens.load("lstm/plain").for_implementation(), "steps")
