"""Custom cells, from a scenario to a verdict."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from factories.custom_cells import layout
from numpy.typing import NDArray

from rnn_goldens import Golden, Refused, Scenario, Unsupported, certify, read, save
from rnn_goldens.cells import Array, Case, Network, case_of, cell_named, name_cells, no_equations
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.actual import actual_outputs
from rnn_goldens.deviations import deviation
from rnn_goldens.diagnosis.candidates import Candidates
from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported_golden import encode
from rnn_goldens.generator import ball_evaluation
from rnn_goldens.golden.shapes import Config, Layout, weight_shapes
from rnn_goldens.implementations import adapt, numpy_cells, outputs_of
from rnn_goldens.implementations.differentiation import differentiated
from rnn_goldens.programs.messages import Arrays

CELL = "factories.custom_cells:slstm"
name_cells(["factories.custom_cells:other_way_round", "factories.custom_cells:peephole_lstm", CELL])  # as a user does

LAYOUTS = {"minimal_gated_unit": Layout("fn"), "peephole_lstm": layout("ifgo", ("h", "c"), "p_f", "p_i", "p_o")}
DEEP = Config(2, 3, num_layers=2, bidirectional=True)


def scenario_of(function: str, config: Config = DEEP, **fields: object) -> Scenario:
    numbers = np.random.default_rng(1)

    def floats(*shape: int) -> NDArray[np.float32]:
        return numbers.standard_normal(shape).astype(np.float32)

    weights = {name: floats(*shape) for name, shape in weight_shapes(LAYOUTS[function], config).items()}
    inputs = {"weights": weights, "x": floats(3, 4, 2), "lengths": [4, 1, 2], "precisions": ["float64", "float32"]}
    texts = {"id": "own/cell", "purpose": "A cell that we do not ship.", "cell": f"factories.custom_cells:{function}"}
    return Scenario(**{**texts, "config": config, **inputs, **fields})  # type: ignore[arg-type]


def plain(config: Config) -> dict[str, NDArray[np.float32]]:
    """Return weights of a cell with one gate."""
    return {name: np.ones(shape, np.float32) for name, shape in weight_shapes(Layout("a"), config).items()}


@pytest.mark.parametrize("function", LAYOUTS)
@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_a_golden_of_a_custom_cell_is_certified_saved_and_read(function: str, suffix: str, tmp_path: Path) -> None:
    golden = certify(scenario_of(function))
    save(golden, tmp_path / f"golden{suffix}")
    back = read(tmp_path / f"golden{suffix}")
    assert (back.cell, back.layout) == (f"factories.custom_cells:{function}", LAYOUTS[function])
    assert back.weights.keys() == golden.weights.keys()
    assert np.array_equal(back.out, golden.out)
    for dtype in golden.precisions:
        back.in_precision(dtype).check(*numpy_cells.run(back.in_precision(dtype)))


def written_by_hand(golden: Golden) -> tuple[Array, Array]:
    """Return the outputs of the cell ``smooth``, computed by NumPy in the precision of the golden's arrays."""
    h, out, w = golden.h0[0], [], golden.weights
    for x in golden.x.swapaxes(0, 1):
        a, b = x @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        softplus = np.log(1 + np.exp(a))
        h = np.tanh(softplus * np.log(abs(b) + h.dtype.type(1.5)) - np.power(np.minimum(a, b), 3) / 8)
        out.append(h)
    return np.stack(out, axis=1), h[None]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_cell_with_logarithms_and_powers_in_numpy_passes(dtype: str) -> None:
    numbers = np.random.default_rng(2)
    shapes = {"weight_ih_l0": (3, 2), "weight_hh_l0": (3, 3), "bias_ih_l0": (3,), "bias_hh_l0": (3,), "x": (2, 4, 2)}
    short = {name: numbers.integers(-96, 97, shape) / 64 for name, shape in shapes.items()}
    d_out = numbers.integers(-16, 17, (2, 4, 3)) / 8
    golden = certify(
        Scenario(
            id="own/cell",
            purpose="A cell that we do not ship.",
            cell="factories.custom_cells:smooth",
            x=short.pop("x"),
            weights=short,
            d_out=d_out,
            gradient_purpose="Its gradients.",
        )
    )
    assert golden.gradients is not None
    assert {"float64", "float32"} <= set(golden.gradients.precisions)
    in_dtype = golden.in_precision(dtype)
    in_dtype.check(*written_by_hand(in_dtype))


def test_a_custom_cell_may_have_no_biases() -> None:
    golden = certify(scenario_of("minimal_gated_unit", Config(2, 3, bias=False)))
    golden.check(*numpy_cells.run(golden))


def test_deviations_of_all_cells_explain_failures_of_a_custom_cell() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    wrong = deviation("lengths_ignored").outputs(case_of(golden, np.float64))
    assert "lengths_ignored" in golden.compare(wrong).explained_by


def test_a_cell_without_available_equations_can_be_checked() -> None:
    golden = certify(scenario_of("peephole_lstm"))
    right = Network().run(case_of(golden, np.float64))
    elsewhere = replace(golden, cell="not_here:peephole_lstm")
    elsewhere.check(*right)
    message = elsewhere.compare(right[0], right[1], right[2] + 1).message
    assert "only c_n is wrong" in message
    reason = "the equations of not_here:peephole_lstm are not available: a golden file cannot cause an import"
    assert f"not compared with any deviation: {reason}" in " ".join(message.split())
    with pytest.raises(WrongUse, match=f"^own/cell: {reason}"):
        elsewhere.steps()
    with pytest.raises(Unsupported, match="a golden file cannot cause an import"):
        numpy_cells.run(elsewhere)


def test_changed_equations_are_not_used_for_a_diagnosis() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    changed = replace(golden, cell="factories.custom_cells:other_way_round")  # as if the function had been edited
    changed.check(*numpy_cells.run(golden))
    wrong = deviation("lengths_ignored").outputs(case_of(changed, np.float64))
    verdict = changed.compare(wrong)
    assert verdict.explained_by == ()
    reason = "the equations of factories.custom_cells:other_way_round are not those that own/cell was certified with"
    assert reason in " ".join(verdict.message.split())
    with pytest.raises(WrongUse, match=f"^own/cell: {reason}; if the change is right, generate the golden again"):
        changed.steps()
    assert not Candidates(changed, actual_outputs(changed, *wrong).numbers).explained_by(("lengths_ignored",))


def test_equations_with_other_gates_are_an_error_that_lists_them() -> None:
    golden = replace(certify(scenario_of("minimal_gated_unit")), cell="factories.custom_cells:peephole_lstm")
    now = "the gates i, f, g and o, the states h and c, the weights p_f, p_i and p_o"
    message = f"use {now}, but used the gates f and n, the state h"
    with pytest.raises(WrongUse, match=message):
        golden.steps()
    with pytest.raises(Unsupported, match=message):
        numpy_cells.run(golden)


def test_equations_are_compared_with_a_golden_once_and_only_if_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    right = numpy_cells.run(golden)
    runs: list[Case] = []
    run = Network.run

    def recorded(network: Network, case: Case) -> tuple[Array, ...]:
        runs.append(case)
        return run(network, case)

    monkeypatch.setattr(Network, "run", recorded)
    golden.check(*right)
    assert runs == []
    for dtype in ("float64", "float32"):
        no_equations(golden.in_precision(dtype))
    assert len(runs) == 1


def test_weights_of_a_custom_cell_have_the_names_of_torch_only() -> None:
    golden = certify(scenario_of("minimal_gated_unit"))
    assert golden.weights_from("torch", golden.weights).keys() == golden.weights.keys()
    with pytest.raises(Unsupported, match="the keras convention does not support the custom cell factories"):
        golden.weights_as("keras")


def test_cells_and_weights_that_do_not_fit_are_refused() -> None:
    scenario = scenario_of("peephole_lstm", Config(2, 3))
    weights = dict(scenario.weights)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="no p_o_l0"):
        certify(scenario_of("peephole_lstm", Config(2, 3), weights={n: w for n, w in weights.items() if n != "p_o_l0"}))
    with pytest.raises(Refused, match=r"p_i_l0 is \(4,\), not \(3,\)"):
        certify(scenario_of("peephole_lstm", Config(2, 3), weights={**weights, "p_i_l0": np.ones(4)}))
    with pytest.raises(
        Refused,
        match=r"^own/cell: cell 'factories.custom_cells:residual': .*custom_cells.py, line \d+: TypeError: sum: ",
    ):
        certify(scenario_of("minimal_gated_unit", cell="factories.custom_cells:residual"))
    with pytest.raises(
        Refused, match=r"^own/cell: cell 'factories.custom_cells:nothing': factories.custom_cells has no 'nothing'"
    ):
        certify(scenario_of("minimal_gated_unit", cell="factories.custom_cells:nothing"))
    with pytest.raises(Refused, match=r"no cell 'mgu'. Cells: .*; or package.module:function for your own"):
        certify(scenario_of("minimal_gated_unit", cell="mgu"))


@pytest.mark.parametrize("function", ["quotient", "root"])
def test_equations_without_a_value_are_refused_without_trying_more_bits(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ball_evaluation, "LAST_BITS", 192 * 2**13)
    small, begin = Config(2, 2), time.process_time()
    with pytest.raises(Refused, match="its equations have no value at time step 0: a division by zero, or a root or"):
        certify(
            scenario_of("minimal_gated_unit", small, weights=plain(small), cell=f"factories.custom_cells:{function}")
        )
    assert time.process_time() - begin < 1


# Cells with more than two states.

CONFIG = Config(2, 3, num_layers=2)


def slstm_scenario(**fields: Any) -> Scenario:
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
    return certify(slstm_scenario())


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


def test_a_wrong_or_missing_state_is_named(golden: Golden) -> None:
    out, h, c, n, m = run(golden.for_implementation())
    message = golden.compare(out, (h, c, n + 1, m)).message
    assert "n_n: 18 of 18 elements wrong" in message
    assert "m_n: all 18 elements right" in message
    assert "m_n is None" in golden.compare(out, (h, c, n, None)).message
    assert "n_n is None" in golden.compare(out, h, c).message
    with pytest.raises(TypeError, match="the implementation returned 7 outputs"):
        outputs_of((out, h, c, n, m, m, m), golden)


def test_states_may_be_left_out_of_the_comparison_and_given_in_any_order(golden: Golden) -> None:
    out, h, c, n, m = run(golden.for_implementation())
    golden.check(out, (h, c, n, m + 1), outputs=["out", "h_n", "n_n"])
    assert golden.comparing(["out", "n_n"]).not_compared == ("h_n", "c_n", "m_n")
    arrays = {name: np.array(array) for name, array in sorted(golden.expected.items())}
    golden.check(*outputs_of(tuple(Arrays(1, "outputs", arrays).rounded(golden).values()), golden))


def test_every_call_pattern_carries_all_states(golden: Golden) -> None:
    golden.check_calls(run, ["twice", "rows", "chunks", "weights", "views"])


def test_gradients_of_every_initial_state_are_certified() -> None:
    golden = certify(slstm_scenario(lengths=None))
    outputs = in_torch(golden.for_implementation())
    golden.check(*outputs_of(outputs, golden))
    gradients = dict(differentiated(in_torch, golden.for_implementation(), outputs))
    assert {"h0", "c0", "n0", "m0"} <= gradients.keys()
    golden.check_gradients(gradients)
    gradients["n0"] = gradients["n0"] * 2
    with pytest.raises(AssertionError, match="n0"):
        golden.check_gradients(gradients)


def test_one_initial_state_requires_all_of_them() -> None:
    with pytest.raises(Refused, match=r"own/slstm: m0 is missing; expected \(2, 3, 3\): \(layer, batch, unit\)$"):
        certify(slstm_scenario(states={"n0": np.ones((2, 3, 3))}))
    with pytest.raises(Refused, match=r"no initial state of .*:slstm 'k0'\. .* states of .*: h0, c0, n0, m0$"):
        certify(slstm_scenario(states={"n0": np.ones((2, 3, 3)), "m0": np.ones((2, 3, 3)), "k0": np.ones(1)}))
    with pytest.raises(Refused, match=r"no cotangent of .*:slstm 'd_k_n'\. .*: d_out, d_h_n, d_c_n, d_n_n, d_m_n$"):
        certify(slstm_scenario(d_states={"d_k_n": np.ones((2, 3, 3))}))


def test_names_of_states_are_checked() -> None:
    with pytest.raises(WrongUse, match="own/slstm: c0 is a field of the scenario: write c0=…"):
        slstm_scenario(states={"c0": np.ones((2, 3, 3))})
    with pytest.raises(WrongUse, match="'state_2' is not a name of a state, which has letters only, such as c"):
        cell_named("factories.custom_cells:numbered_states")


def test_exported_arrays_have_the_names_of_all_states(golden: Golden) -> None:
    (content,) = encode(golden.in_precision("float32"), "c").files.values()
    for name in ("n0", "m0", "n_n", "m_n"):
        assert f"_{name}[" in content.decode()
