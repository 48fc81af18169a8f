"""Custom cells with more than two states, from a scenario to a verdict."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnn_goldens import Golden, Refused, Scenario, certify, read, save
from rnn_goldens.cells import cell_named, name_cells
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import WrongUse
from rnn_goldens.export.formats import encode
from rnn_goldens.golden.shapes import Config, weight_shapes
from rnn_goldens.implementations import adapt, outputs_of
from rnn_goldens.implementations.differentiation import differentiated
from rnn_goldens.programs.answers import Outputs

CELL = "factories.custom_cells:slstm"
name_cells([CELL])  # as a user does

CONFIG = Config(2, 3, num_layers=2)


def scenario_of(**fields: Any) -> Scenario:
    """Return a scenario of an sLSTM with an initial state and cotangents of out, h_n and n_n."""
    numbers = np.random.default_rng(1)

    def eighths(*shape: int) -> NDArray[np.float64]:
        return numbers.integers(-12, 13, shape) / 8

    states = {f"{name}0": eighths(2, 3, 3) for name in "hcm"} | {"n0": 1 + abs(eighths(2, 3, 3))}
    given = {
        "h0": states["h0"],
        "c0": states["c0"],
        "states": {name: states[name] for name in ("n0", "m0")},
        "d_out": eighths(3, 4, 3),
        "d_h_n": eighths(2, 3, 3),
        "d_states": {"d_n_n": eighths(2, 3, 3)},
        "gradient_purpose": "Cotangents of two of the four states.",
    }
    weights = {name: eighths(*shape) for name, shape in weight_shapes(cell_named(CELL).layout, CONFIG).items()}
    inputs = {"config": CONFIG, "weights": weights, "x": eighths(3, 4, 2), "lengths": [4, 1, 3]}
    texts = {"id": "own/slstm", "purpose": "Four states.", "cell": CELL, "precisions": ["float64", "float32"]}
    return Scenario(**{**texts, **inputs, **given, **fields})


@pytest.fixture(scope="module")
def golden() -> Golden:
    return certify(scenario_of())


def step(x: Any, state: Any, w: Any) -> Any:
    """Compute a time step in NumPy or torch, as Beck et al., xLSTM (2024), section 2.2 write it."""
    xp = torch if isinstance(x, torch.Tensor) else np
    _, c, n, m = state
    a = x @ w["weight_ih"].T + w["bias_ih"] + state[0] @ w["weight_hh"].T + w["bias_hh"]
    i, f, z, o = (a[..., 3 * gate : 3 * gate + 3] for gate in range(4))
    largest = xp.maximum(f + m, i)
    c = xp.exp(f + m - largest) * c + xp.exp(i - largest) * xp.tanh(z)
    n = xp.exp(f + m - largest) * n + xp.exp(i - largest)
    return c / n / (1 + xp.exp(-o)), c, n, largest


def run(inputs: Inputs) -> tuple[Any, ...]:
    """Return out and the four last states, unrolled by the project."""
    return tuple(adapt(step)(inputs))


def _tensor(array: Any) -> torch.Tensor:
    return array if isinstance(array, torch.Tensor) else torch.tensor(array)


def in_torch(inputs: Inputs) -> tuple[Any, ...]:
    """Return out and the four last states, unrolled in torch for sequences of equal lengths."""
    below, last = _tensor(inputs.x), []
    for layer in range(CONFIG.num_layers):
        of_layer = f"_l{layer}"
        w = {n.removesuffix(of_layer): _tensor(a) for n, a in inputs.weights.items() if n.endswith(of_layer)}
        state, outs = tuple(_tensor(part)[layer] for part in inputs.states.values()), []
        for x in below.unbind(1):
            state = step(x, state, w)
            outs.append(state[0])
        below = torch.stack(outs, 1)
        last.append(state)
    return below, *(torch.stack(parts) for parts in zip(*last, strict=True))


@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_all_states_are_saved_and_read(golden: Golden, suffix: str, tmp_path: Path) -> None:
    save(golden, tmp_path / f"golden{suffix}")
    back = read(tmp_path / f"golden{suffix}", gradients=True)
    assert back.layout.states == ("h", "c", "n", "m")
    assert list(back.states) == ["h0", "c0", "n0", "m0"]
    assert list(back.expected) == ["out", "h_n", "c_n", "n_n", "m_n"]
    assert list(back.cotangents) == ["d_out", "d_h_n", "d_c_n", "d_n_n", "d_m_n"]
    for name, array in golden.expected.items():
        assert np.array_equal(back.expected[name], array)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_states_may_be_passed_one_by_one_or_as_one_tuple(golden: Golden, dtype: str) -> None:
    golden = golden.in_precision(dtype)
    out, *states = run(golden.for_implementation())
    golden.check(out, tuple(states))
    golden.check(out, states)
    golden.check((out, tuple(states)))
    golden.check((out, *states))


def test_each_state_is_compared_by_name(golden: Golden) -> None:
    out, h, c, n, m = run(golden.for_implementation())
    message = golden.compare(out, (h, c, n + 1, m)).message
    assert "n_n: 18 of 18 elements wrong" in message
    assert "m_n: all 18 elements right" in message


def test_a_missing_state_is_named(golden: Golden) -> None:
    out, h, c, n, m = run(golden.for_implementation())
    assert "m_n is None" in golden.compare(out, (h, c, n, None)).message
    assert "n_n is None" in golden.compare(out, h, c).message
    with pytest.raises(TypeError, match="the implementation returned 7 outputs"):
        outputs_of((out, h, c, n, m, m, m), golden)


def test_further_states_may_be_left_out_of_the_comparison(golden: Golden) -> None:
    out, h, c, n, m = run(golden.for_implementation())
    golden.check(out, (h, c, n, m + 1), outputs=["out", "h_n", "n_n"])
    assert golden.comparing(["out", "n_n"]).not_compared == ("h_n", "c_n", "m_n")


def test_every_call_pattern_carries_all_states(golden: Golden) -> None:
    golden.check_calls(run, ["twice", "rows", "chunks", "weights", "views"])


def test_gradients_of_every_initial_state_are_certified() -> None:
    golden = certify(scenario_of(lengths=None))
    outputs = in_torch(golden.for_implementation())
    golden.check(*outputs_of(outputs, golden))
    gradients = dict(differentiated(in_torch, golden.for_implementation(), outputs))
    assert {"h0", "c0", "n0", "m0"} <= gradients.keys()
    golden.check_gradients(gradients)
    gradients["n0"] = gradients["n0"] * 2
    with pytest.raises(AssertionError, match="n0"):
        golden.check_gradients(gradients)


def test_one_initial_state_requires_all_of_them() -> None:
    with pytest.raises(Refused, match="own/slstm: inputs: m0 is missing, the configuration requires it"):
        certify(scenario_of(states={"n0": np.ones((2, 3, 3))}))
    with pytest.raises(Refused, match="inputs/k0: not part of this configuration"):
        certify(scenario_of(states={"n0": np.ones((2, 3, 3)), "m0": np.ones((2, 3, 3)), "k0": np.ones(1)}))
    with pytest.raises(
        Refused,
        match="cell has no cotangent of this name; its cotangents: d_out, d_h_n, d_c_n",
    ):
        certify(scenario_of(d_states={"d_k_n": np.ones((2, 3, 3))}))


def test_states_with_a_field_of_their_own_are_not_given_twice() -> None:
    with pytest.raises(WrongUse, match="own/slstm: c0 is a field of the scenario: write c0=…"):
        scenario_of(states={"c0": np.ones((2, 3, 3))})


def test_a_state_is_named_like_its_argument_in_letters() -> None:
    with pytest.raises(WrongUse, match="'state_2' is not a name of a state, which has letters only, such as c"):
        cell_named("factories.custom_cells:numbered_states")


def test_exported_arrays_have_the_names_of_all_states(golden: Golden) -> None:
    (content,) = encode(golden.in_precision("float32"), "c").files.values()
    for name in ("n0", "m0", "n_n", "m_n"):
        assert f"_{name}[" in content.decode()


def test_states_of_a_programs_answer_may_have_any_order(golden: Golden) -> None:
    arrays = {name: np.array(array) for name, array in sorted(golden.expected.items())}
    golden.check(*outputs_of(Outputs(1, arrays).rounded(golden), golden))
