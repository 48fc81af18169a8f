"""The way back of the definition: against torch's autograd, and against differences for cells that nobody ships."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from made_cotangents import SHAPES, asked
from odd_cells import minimal_gated_unit, peephole_lstm

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
from rnn_goldens.generator.certify import certify
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.shapes import CELLS, Config, weight_shapes
from rnn_goldens.implementations.torch.gradients import of_layers


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_every_shape_are_those_of_torch(cell: str, shape: str) -> None:
    scenario = asked(cell, shape)
    found = gradients(scenario.case(), scenario.cotangents)
    theirs: Mapping[str, Any] = of_layers(certify(scenario, confirm=False).in_precision("float64"))
    assert list(found) == list(theirs)
    for name, array in found.items():
        assert array.shape == theirs[name].shape
        np.testing.assert_allclose(array, theirs[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cotangent_that_is_not_given_is_zero(cell: str) -> None:
    scenario = asked(cell, "two layers", of=("d_out",))
    case, given = scenario.case(), dict(scenario.cotangents)
    states = {f"d_{name}_n": np.zeros_like(case.state[0]) for name in case.cell.states}
    alone, beside = gradients(case, given), gradients(case, given | states)
    for name, array in alone.items():
        np.testing.assert_array_equal(array, beside[name])


@pytest.mark.parametrize("cell", CELLS)
def test_what_stands_beyond_a_sequences_end_matters_to_no_gradient(cell: str) -> None:
    scenario = asked(cell, "ragged")
    case, given = scenario.case(), dict(scenario.cotangents)
    before = gradients(case, given)
    loud = {**given, "d_out": given["d_out"].copy()}
    loud["d_out"][0, 2:] = 1000
    case.x[0, 2:] = 1000
    for name, array in gradients(case, loud).items():
        np.testing.assert_array_equal(array, before[name])
    assert not before["x"][0, 2:].any()


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_computed_in_the_precision_that_is_given(cell: str, dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    scenario = asked(cell, "ragged")
    case = scenario.case()
    low = Case(
        case.cell,
        case.config,
        {name: array.astype(kind) for name, array in case.weights.items()},
        case.x.astype(kind),
        tuple(part.astype(kind) for part in case.state),
        case.lengths,
    )
    found = gradients(low, {name: array.astype(kind) for name, array in scenario.cotangents.items()})
    exact = gradients(case, scenario.cotangents)
    assert {array.dtype for array in found.values()} == {kind}
    for name, array in found.items():
        assert np.abs(array.astype(float) - exact[name]).max() < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_the_initial_states_have_gradients_only_where_they_were_given(cell: str) -> None:
    scenario = asked(cell, "plain")
    assert not {"h0", "c0"} & set(gradients(scenario.case(), scenario.cotangents))


class WithoutForgetting(Backward):
    """What is wrong on the way back overrides one of its steps."""

    def carry(self, d_before: Any, d_after: Any, within: Any, t: int) -> Any:
        return tuple(part * 0 for part in super().carry(d_before, d_after, within, t))


def test_a_step_of_the_way_back_can_be_overridden() -> None:
    scenario = asked("gru", "plain", of=("d_h_n",))
    right = gradients(scenario.case(), scenario.cotangents)
    wrong = WithoutForgetting().gradients(scenario.case(), scenario.cotangents)
    assert not wrong["x"][:, :-1].any()
    np.testing.assert_array_equal(wrong["x"][:, -1], right["x"][:, -1])


def everything(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, Term]:
    """Every primitive of the notation once."""
    a = w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha
    b = w.W_ib @ x + w.W_hb @ (h * w.p)
    normed = (a - mean(a)) * rsqrt(mean(a * a) + 2.0**-6)
    c = mix(hard_sigmoid(b), c, normed) + clip(b, -0.75, 0.5) - maximum(a, b) / 4
    return tanh(c) * exp(-relu(b)) / (exp(a) + 1), c


def smooth(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Logarithms, powers and absolute values."""
    a, b = w.W_ia @ x + w.b_ia, w.W_ha @ h + w.b_ha
    return (tanh(softplus(a) * log(abs(b) + 1.5) + minimum(a, b) ** 3 - a**2 + (a**2 + 1) ** -2),)


OWN = {
    "every primitive": Cell("own", everything, "ab", ("h", "c"), ("p",)),
    "logarithms, powers and absolute values": Cell("own", smooth, "a"),
    "minimal gated unit": Cell("own", minimal_gated_unit, "fn"),
    "peepholes": Cell("own", peephole_lstm, "ifgo", ("h", "c"), ("p_i", "p_f", "p_o")),
}


def case_of_own(cell: Cell, *, lengths: list[int] | None = None) -> tuple[Case, dict[str, Float64]]:
    numbers = np.random.default_rng(5)

    def some(*shape: int) -> Float64:
        return np.asarray(np.round(numbers.uniform(-1, 1, shape) * 64) / 64)

    config = Config(input_size=3, hidden_size=2, num_layers=2, bidirectional=True)
    weights = {name: some(*shape) for name, shape in weight_shapes(cell.layout, config).items()}
    states = tuple(some(4, 2, 2) for _ in cell.states)
    ends = None if lengths is None else np.array(lengths)
    given = {"d_out": some(2, 3, 4)} | {f"d_{name}_n": some(4, 2, 2) for name in cell.states}
    return Case(cell, config, weights, some(2, 3, 3), states, ends), given


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("lengths", [None, [3, 2]])
@pytest.mark.parametrize("name", OWN)
def test_a_cell_of_ones_own_has_the_gradients_that_differences_say(name: str, lengths: list[int] | None) -> None:
    case, given = case_of_own(OWN[name], lengths=lengths)
    found = gradients(case, given)
    arrays = {**case.weights, "x": case.x, **dict(zip(("h0", "c0"), case.state, strict=False))}
    assert set(found) == set(arrays)
    for array_name, array in arrays.items():
        for at in np.ndindex(array.shape):
            slope = difference(case, given, array, at)
            assert abs(found[array_name][at] - slope) < 1e-7 * max(1, abs(slope)), (array_name, at)


def difference(case: Case, given: dict[str, Float64], array: Float64, at: tuple[int, ...]) -> float:
    """How Σ d·output changes with one number."""
    step, kept, found = 2.0**-18, array[at], []
    for by in (step, -step):
        array[at] = kept + by
        found.append(sum(float((g * out).sum()) for g, out in zip(given.values(), Network().run(case), strict=True)))
    array[at] = kept
    return (found[0] - found[1]) / (2 * step)
