"""A cell that no file of ours names: its equations are enough to certify it, and to say how far off it may be."""

from typing import Any

import numpy as np
import pytest
from nudged import assert_attained

from rnn_goldens.cells import Array, Case, Cell, Network
from rnn_goldens.cells.notation import Term, Weight, exp, maximum, mean, mix, relu, rsqrt, sigmoid, tanh
from rnn_goldens.generator.error_bound import error_bound
from rnn_goldens.generator.exact import correctly_rounded
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config


def minimal_gated_unit(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Zhou et al., Minimal gated unit for recurrent neural networks (2016), equations (8) to (10)."""
    f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, n, h),)


def slstm(x: Term, h: Term, c: Term, n: Term, m: Term, w: Weight) -> tuple[Term, ...]:
    """Beck et al., xLSTM (2024), section 2.2: exponential gates, a normalizer n and a stabilizer m."""
    i = w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi
    f = w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf
    z = tanh(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
    o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
    largest = maximum(f + m, i)
    i, f = exp(i - largest), exp(f + m - largest)
    c, n = f * c + i * z, f * n + i
    return o * (c / n), c, n, largest


def layer_normed(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A tanh RNN whose sum is layer-normalized: Ba et al., Layer normalization (2016), equation (4)."""
    a = w.W_ih @ x + w.W_hh @ h
    a = a - mean(a)
    return (tanh(a * rsqrt(mean(a * a) + 2.0**-10) + w.b_hh),)


def independent(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Li et al., Independently recurrent neural network (2018), equation (2): each unit sees its own past alone."""
    return (relu(w.W_ih @ x + w.b_ih + w.u * h),)


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def by_hand(name: str, x: Array, state: list[Array], w: dict[str, Array]) -> list[Array]:
    """One step for one sequence, in NumPy, without the equations above."""
    size = len(state[0])
    of_x, of_h = w["weight_ih"] @ x + w["bias_ih"], w["weight_hh"] @ state[0] + w["bias_hh"]
    if name == "mgu":
        (h,) = state
        f = _sigmoid(of_x[:size] + of_h[:size])
        n = np.tanh(of_x[size:] + w["weight_hh"][size:] @ (f * h) + w["bias_hh"][size:])
        return [(1 - f) * h + f * n]
    if name == "slstm":
        _, c, n, m = state
        i, f, z, o = np.split(of_x + of_h, 4)
        largest = np.maximum(f + m, i)
        c = np.exp(f + m - largest) * c + np.exp(i - largest) * np.tanh(z)
        n = np.exp(f + m - largest) * n + np.exp(i - largest)
        return [_sigmoid(o) * c / n, c, n, largest]
    if name == "layer_normed":
        a = w["weight_ih"] @ x + w["weight_hh"] @ state[0]
        a = (a - a.mean()) / np.sqrt(a.var() + 2.0**-10)
        return [np.tanh(a + w["bias_hh"])]
    return [np.maximum(0, of_x + w["u"] * state[0])]


CELLS = {
    "mgu": Cell("mgu", minimal_gated_unit, "fn"),
    "slstm": Cell("slstm", slstm, "ifzo", ("h", "c", "n", "m")),
    "layer_normed": Cell("layer_normed", layer_normed, "h"),
    "independent": Cell("independent", independent, "h", vectors=("u",)),
}


def case(name: str, time: int = 4, hidden: int = 3) -> Case:
    """A question of small dyadic numbers, in two directions."""
    cell, numbers = CELLS[name], np.random.default_rng(11)
    config = Config(input_size=2, hidden_size=hidden, bidirectional=True)
    rows = len(cell.gates) * hidden
    shapes = {"weight_ih": (rows, 2), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}
    shapes |= dict.fromkeys(cell.vectors, (hidden,))
    weights = {
        f"{kind}_{suffix}": numbers.integers(-32, 33, shape) / 32
        for suffix in config.suffixes
        for kind, shape in shapes.items()
    }
    state = tuple(numbers.integers(1, 33, (2, 2, hidden)) / 32 for _ in cell.states)
    return Case(cell, config, weights, numbers.integers(-32, 33, (2, time, 2)) / 32, state)


def certified(asked: Case) -> list[Array]:
    outputs, _ = correctly_rounded(asked)
    return list(outputs)


def computed_by_hand(asked: Case) -> list[Array]:
    out = np.zeros((*asked.x.shape[:2], 2 * asked.config.hidden_size))
    last = [np.zeros_like(part) for part in asked.state]
    for direction, suffix in enumerate(asked.config.suffixes):
        w = Network().weights(asked, suffix)
        units = slice(direction * asked.config.hidden_size, (direction + 1) * asked.config.hidden_size)
        for row, x in enumerate(asked.x):
            state = [part[direction, row] for part in asked.state]
            for t in range(len(x))[:: -1 if direction else 1]:
                state = by_hand(asked.cell.name, x[t], state, dict(w))
                out[row, t, units] = state[0]
            for part, after in zip(last, state, strict=True):
                part[direction, row] = after
    return [out, *last]


@pytest.mark.parametrize("name", CELLS)
def test_its_answer_is_that_of_an_implementation_by_hand(name: str) -> None:
    asked = case(name)
    for proven, computed in zip(certified(asked), computed_by_hand(asked), strict=True):
        np.testing.assert_allclose(proven, computed, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", CELLS)
def test_its_tolerance_holds_and_is_of_use(name: str, precision: str) -> None:
    asked, want = case(name), certified(case(name))
    tolerance = error_bound(asked).tolerance
    dtype: Any = PRECISIONS[precision].carrier
    low = Case(
        asked.cell,
        asked.config,
        {name: array.astype(dtype) for name, array in asked.weights.items()},
        asked.x.astype(dtype),
        tuple(part.astype(dtype) for part in asked.state),
    )
    names = ("out", *(f"{state}_n" for state in asked.cell.states))
    for output, exact, got in zip(names, want, Network().run(low), strict=True):
        allowed = tolerance.allowed(output, exact, PRECISIONS[precision])
        assert (np.abs(got - exact) <= 0.7 * allowed).all()
        assert allowed.max() < 2000 * PRECISIONS[precision].roundoff


@pytest.mark.parametrize("name", CELLS)
def test_errors_of_the_worst_sign_everywhere_attain_its_bound(name: str) -> None:
    assert_attained(case(name, time=2, hidden=2))


def test_a_weight_that_a_cell_does_not_have_is_named_with_those_it_has() -> None:
    cell = Cell("misspelt", lambda x, h, w: (tanh(w.W_iq @ x + h),), "fn")
    with pytest.raises(AttributeError, match="this cell has no weight W_iq; it has W_if, W_in, W_hf, W_hn, b_if, b_in"):
        cell.at_once.program({})


def test_a_cell_returns_as_many_states_as_it_gets() -> None:
    cell = Cell("short", lambda x, h, c, w: (tanh(w.W_ih @ x + h + c),), "h", ("h", "c"))
    with pytest.raises(TypeError, match="returned 1 states, and got 2"):
        cell.at_once.program({})
