"""The backward pass of the definition, compared with torch's autograd, and with finite differences for custom cells."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.cotangents import SHAPES, gradient_scenario
from factories.custom_cells import minimal_gated_unit, own, peephole_lstm
from factories.scenarios import in_type

from rnn_goldens.cells import Backward, Case, Cell, Network, gradients
from rnn_goldens.cells.notation import (
    Term,
    Weight,
    clip,
    exp,
    hard_sigmoid,
    log,
    maximum,
    mean,
    minimum,
    mix,
    relu,
    rsqrt,
    softplus,
    tanh,
)
from rnn_goldens.generator.certification import certify
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.shapes import Config, weight_shapes
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.implementations.torch import gradients_of_layers


@pytest.mark.sampled(every=5)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_networks_of_every_shape_equal_those_of_torch(cell: str, shape: str) -> None:
    scenario = gradient_scenario(cell, shape)
    found = gradients(scenario.case(), scenario.stored.cotangents)
    of_torch: Mapping[str, Any] = gradients_of_layers(certify(scenario, confirm=False).in_precision("float64"))
    assert list(found) == list(of_torch)
    for name, array in found.items():
        assert array.shape == of_torch[name].shape
        np.testing.assert_allclose(array, of_torch[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_a_missing_cotangent_is_zero(cell: str) -> None:
    scenario = gradient_scenario(cell, "two layers", of=("d_out",))
    case, cotangents = scenario.case(), dict(scenario.stored.cotangents)
    states = {f"d_{name}_n": np.zeros_like(case.state[0]) for name in case.cell.states}
    found, with_zeros = gradients(case, cotangents), gradients(case, cotangents | states)
    for name, array in found.items():
        np.testing.assert_array_equal(array, with_zeros[name])


@pytest.mark.parametrize("cell", CELLS)
def test_padding_does_not_affect_any_gradient(cell: str) -> None:
    scenario = gradient_scenario(cell, "ragged")
    case, cotangents = scenario.case(), dict(scenario.stored.cotangents)
    before = gradients(case, cotangents)
    changed = {**cotangents, "d_out": cotangents["d_out"].copy()}
    changed["d_out"][0, 2:] = 1000
    x = case.x.copy()
    x[0, 2:] = 1000
    for name, array in gradients(replace(case, x=x), changed).items():
        np.testing.assert_array_equal(array, before[name])
    assert not before["x"][0, 2:].any()


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_computed_in_the_precision_of_the_arrays(cell: str, dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    scenario = gradient_scenario(cell, "ragged")
    case, cotangents = scenario.case(), scenario.stored.cotangents
    found = gradients(in_type(case, kind), {name: array.astype(kind) for name, array in cotangents.items()})
    exact = gradients(case, cotangents)
    assert {array.dtype for array in found.values()} == {kind}
    for name, array in found.items():
        assert np.abs(array.astype(float) - exact[name]).max() < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_default_initial_states_have_no_gradients(cell: str) -> None:
    scenario = gradient_scenario(cell, "plain")
    assert not {"h0", "c0"} & set(gradients(scenario.case(), scenario.stored.cotangents))


class WithoutCarry(Backward):
    """A backward pass that passes no gradient from step to step."""

    def carry(self, d_before: Any, d_after: Any, within: Any, t: int) -> Any:
        return tuple(part * 0 for part in super().carry(d_before, d_after, within, t))


def test_a_step_of_the_backward_pass_can_be_overridden() -> None:
    scenario = gradient_scenario("gru", "plain", of=("d_h_n",))
    right = gradients(scenario.case(), scenario.stored.cotangents)
    wrong = WithoutCarry().gradients(scenario.case(), scenario.stored.cotangents)
    assert not wrong["x"][:, :-1].any()
    np.testing.assert_array_equal(wrong["x"][:, -1], right["x"][:, -1])


def everything(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """A cell with most primitives of the notation."""
    a = w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha
    b = w.W_ib @ x + w.W_hb @ (h * w.p)
    normed = (a - mean(a)) * rsqrt(mean(a * a) + 2.0**-6)
    c = mix(hard_sigmoid(b), c, normed) + clip(b, -0.75, 0.5) - maximum(a, b) / 4
    return tanh(c) * exp(-relu(b)) / (exp(a) + 1), c


def smooth(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell with logarithms, powers, absolute values and a minimum."""
    a, b = w.W_ia @ x + w.b_ia, w.W_ha @ h + w.b_ha
    return (tanh(softplus(a) * log(abs(b) + 1.5) + minimum(a, b) ** 3 - a**2 + (a**2 + 1) ** -2),)


def averaged(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A cell with means of weights, alone and multiplied."""
    return (tanh(w.W_ia @ x + w.W_ha @ h) * mean(w.p * w.p) + mean(w.p) * mean(w.p) * h,)


CUSTOM = {
    "means of a weight": own("own", averaged, "a", ("h",), ("p",)),
    "most primitives": own("own", everything, "ab", ("h", "c"), ("p",)),
    "logarithms, powers and absolute values": own("own", smooth, "a"),
    "minimal gated unit": own("own", minimal_gated_unit, "fn"),
    "peepholes": own("own", peephole_lstm, "ifgo", ("h", "c"), ("p_i", "p_f", "p_o")),
}


def case_of_custom_cell(cell: Cell, *, lengths: list[int] | None = None) -> tuple[Case, dict[str, Float64]]:
    numbers = np.random.default_rng(5)

    def draw(*shape: int) -> Float64:
        return np.asarray(np.round(numbers.uniform(-1, 1, shape) * 64) / 64)

    config = Config(input_size=3, hidden_size=2, num_layers=2, bidirectional=True)
    weights = {name: draw(*shape) for name, shape in weight_shapes(cell.layout, config).items()}
    states = tuple(draw(4, 2, 2) for _ in cell.states)
    ends = None if lengths is None else np.array(lengths)
    cotangents = {"d_out": draw(2, 3, 4)} | {f"d_{name}_n": draw(4, 2, 2) for name in cell.states}
    return Case(cell, config, weights, draw(2, 3, 3), states, ends), cotangents


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("lengths", [None, [3, 2]])
@pytest.mark.parametrize("name", CUSTOM)
def test_gradients_of_a_custom_cell_equal_finite_differences(name: str, lengths: list[int] | None) -> None:
    case, cotangents = case_of_custom_cell(CUSTOM[name], lengths=lengths)
    found = gradients(case, cotangents)
    arrays = {**case.weights, "x": case.x, **dict(zip(("h0", "c0"), case.state, strict=False))}
    assert set(found) == set(arrays)
    for array_name, array in arrays.items():
        for at in np.ndindex(array.shape):
            slope = difference(case, cotangents, array, at)
            assert abs(found[array_name][at] - slope) < 1e-7 * max(1, abs(slope)), (array_name, at)


def difference(case: Case, cotangents: dict[str, Float64], array: Float64, at: tuple[int, ...]) -> float:
    """Return the finite difference of Σ d·output with respect to the element ``at`` of an array of the case."""
    step, original, found = 2.0**-18, array[at], []
    for offset in (step, -step):
        array[at] = original + offset
        found.append(
            sum(float((g * out).sum()) for g, out in zip(cotangents.values(), Network().run(case), strict=True))
        )
    array[at] = original
    return (found[0] - found[1]) / (2 * step)
