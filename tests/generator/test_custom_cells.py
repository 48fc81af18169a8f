"""The equations of a custom cell are sufficient to certify its outputs and to derive their tolerance."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from factories.custom_cells import minimal_gated_unit, own, slstm
from factories.for_each import for_each
from factories.perturbed_graph import assert_attained, error_bound
from factories.scenarios import in_type

from rnn_goldens.cells import Array, Case, Cell, Network
from rnn_goldens.cells.network import recorded
from rnn_goldens.cells.notation import (
    Term,
    Weight,
    clip,
    hard_sigmoid,
    log,
    maximum,
    mean,
    minimum,
    relu,
    rsqrt,
    sigmoid,
    softplus,
    tanh,
)
from rnn_goldens.generator.ball_evaluation import proven
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config


def layer_normed(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """A tanh RNN whose sum is layer-normalized: Ba et al., Layer normalization (2016), equation (4)."""
    a = w.W_ih @ x + w.W_hh @ h
    a = a - mean(a)
    return (tanh(a * rsqrt(mean(a * a) + 2.0**-10) + w.b_hh),)


def independent(x: Term, h: Term, w: Weight) -> tuple[Term]:
    """Li et al., Independently recurrent neural network (2018), equation (2): a unit reads only its own state."""
    return (relu(w.W_ih @ x + w.b_ih + w.u * h),)


def of(equations: Any, *arguments: Any, **options: Any) -> Cell:
    return own("", equations, *arguments, **options)


LAYER_NORMED = own("layer_normed", layer_normed, "h")

CELLS: dict[str, Cell] = {
    "a minimal gated unit": own("mgu", minimal_gated_unit, "fn"),
    "an sLSTM": own("slstm", slstm, "ifzo", ("h", "c", "n", "m")),
    "layer normalization": LAYER_NORMED,
    "a unit that reads only its own state": own("independent", independent, "h", vectors=("u",)),
    "a constant that every precision rounds": of(lambda x, h, w: (tanh(w.W_ih @ x + w.W_hh @ h + 0.1) - 0.3,), "h"),
    "a sum that is subtracted": of(lambda x, h, w: (tanh(w.W_ih @ x - (w.W_hh @ h + w.b_hh + h)),), "h"),
    "a kink at the state": of(lambda x, h, w: (tanh(w.W_ih @ x + w.W_hh @ relu(h)),), "h"),
    "the previous h as a state": of(lambda x, h, c, w: (tanh(w.W_ih @ x + w.W_hh @ h + c), h), "h", ("h", "c")),
    "one value for both states": of(lambda x, h, c, w: (tanh(w.W_ih @ x + h + c),) * 2, "h", ("h", "c")),
    "one number for all units": of(lambda x, h, w: (tanh(w.W_ih @ x + h) * sigmoid(mean(h)),), "h"),
    "activations of the input": of(lambda x, h, w: (tanh(w.W_ih @ tanh(x) + w.W_hh @ h),), "h"),
    "a hard sigmoid": of(lambda x, h, w: (hard_sigmoid(w.W_ih @ x + w.b_ih) * h + tanh(w.W_hh @ h),), "h"),
    "a limit": of(lambda x, h, w: (clip(w.W_ih @ x + w.W_hh @ h, Fraction(-3, 10), Fraction(1, 2)),), "h"),
    "a logarithm": of(lambda x, h, w: (tanh(w.W_ih @ x) * log(sigmoid(w.W_hh @ h) + 0.5),), "h"),
    "a softplus": of(lambda x, h, w: (tanh(w.W_ih @ x - softplus(w.W_hh @ h)),), "h"),
    "powers": of(lambda x, h, w: (tanh(w.W_ih @ x) ** 2 - (w.W_hh @ h) ** 3 + (h**2 + 2) ** -1,), "h"),
    "absolute values": of(lambda x, h, w: (tanh(abs(w.W_ih @ x) - minimum(w.W_hh @ h, h)),), "h"),
    "a floor": of(lambda x, h, w: (maximum(tanh(w.W_ih @ x + w.W_hh @ h), 0.25),), "h"),
    "a floor of the state": of(lambda x, h, w: (tanh(w.W_ih @ x + w.W_hh @ maximum(h, 0.5)),), "h"),
    "a floor for all units": of(lambda x, h, w: (tanh(w.W_ih @ x + w.W_hh @ h) + maximum(w.W_ih @ x, mean(h)),), "h"),
    "a gate of a weight only": of(lambda x, h, w: (sigmoid(w.u) * tanh(w.W_ih @ x - h),), "h", vectors=("u",)),
    "the state twice": of(lambda x, h, w: (tanh(w.W_ih @ x + w.W_hh @ h) - h - h,), "h"),
    "quotients": of(lambda x, h, w: (tanh(w.W_ih @ x) / (1.5 + sigmoid(w.W_hh @ h)) + 1 / (h * h + 2),), "h"),
}
"""Published cells, and artificial ones, each with one property that is easy to handle wrongly."""


def case(cell: Cell, time: int = 4, hidden: int = 3, layers: int = 1, lengths: list[int] | None = None) -> Case:
    """Return a bidirectional case of small dyadic numbers."""
    numbers = np.random.default_rng(11)
    config = Config(input_size=2, hidden_size=hidden, num_layers=layers, bidirectional=True)
    rows, weights = len(cell.gates) * hidden, dict[str, Array]()
    for suffix in config.suffixes:
        inputs = 2 if suffix.startswith("l0") else 2 * hidden
        shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}
        shapes |= dict.fromkeys(cell.layout.further, (hidden,))
        weights |= {f"{kind}_{suffix}": numbers.integers(-32, 33, shape) / 32 for kind, shape in shapes.items()}
    state = tuple(numbers.integers(1, 33, (2 * layers, 2, hidden)) / 32 for _ in cell.states)
    x = numbers.integers(-32, 33, (2, time, 2)) / 32
    return Case(cell, config, weights, x, state, None if lengths is None else np.array(lengths))


def certified(example: Case) -> list[Array]:
    outputs, _ = proven(recorded(example))
    return list(outputs.values())


def layer_normed_by_hand(example: Case) -> list[Array]:
    """Return the outputs of the cell ``layer_normed``, computed in NumPy without its equations."""
    outs, last = [], []
    for direction, suffix in enumerate(example.config.suffixes):
        w, h, out = (
            Network().weights(example, suffix),
            example.state[0][direction],
            np.zeros((*example.x.shape[:2], 3)),
        )
        for t in range(example.x.shape[1])[:: -1 if direction else 1]:
            a = example.x[:, t] @ w["weight_ih"].T + h @ w["weight_hh"].T
            a = (a - a.mean(1, keepdims=True)) / np.sqrt(a.var(1, keepdims=True) + 2.0**-10)
            out[:, t] = h = np.tanh(a + w["bias_hh"])
        outs.append(out)
        last.append(h)
    return [np.concatenate(outs, -1), np.stack(last)]


def test_certified_outputs_agree_with_an_implementation_by_hand() -> None:
    example = case(LAYER_NORMED)
    for exact, computed in zip(certified(example), layer_normed_by_hand(example), strict=True):
        np.testing.assert_allclose(exact, computed, rtol=1e-12, atol=1e-13)


@for_each(list(CELLS), every=24)
def test_worst_case_rounding_errors_attain_the_bound(name: str) -> None:
    assert_attained(case(CELLS[name], time=2, hidden=3))
    assert_attained(case(CELLS[name], time=3, hidden=2, layers=2, lengths=[3, 1]))


def test_a_state_that_does_not_affect_other_states_may_have_many_steps() -> None:
    equations = lambda x, h, c, w: (tanh(w.W_ih @ x + w.W_hh @ h), c * 0.5 + w.u)  # noqa: E731 - cells above are lambdas too
    example = case(of(equations, "h", ("h", "c"), ("u",)), time=700)
    stored = error_bound(example).tolerance.storage["c_n"]
    assert (stored >= 2 * np.abs(certified(example)[2])).all()  # each step stores a product and a sum, and halves both


@for_each(list(CELLS))
def test_cells_are_certified_and_stay_within_their_tolerance(name: str) -> None:
    example = case(CELLS[name], layers=2, lengths=[4, 2])
    want, bound = certified(example), error_bound(example)
    for precision in sorted({"float64", "float32"} - bound.undecided):
        dtype = PRECISIONS[precision].carrier
        got = Network().run(in_type(example, dtype))
        for output, exact, low in zip(bound.tolerance.storage, want, got, strict=True):
            assert low.dtype == dtype
            allowed = bound.tolerance.allowed(output, exact, PRECISIONS[precision])
            assert (np.abs(low - exact) <= 0.7 * allowed).all()


def test_a_state_can_be_too_close_to_a_kink() -> None:
    cell = of(lambda x, h, w: (w.W_ih @ x + w.W_hh @ relu(h),), "h")
    near = case(cell, time=2)
    weights = {name: np.zeros_like(array) for name, array in near.weights.items()}
    weights["weight_ih_l0"] = np.array([[1.0, -(2.0**-24) - 1]] * 3)
    assert error_bound(replace(near, weights=weights, x=np.ones_like(near.x))).undecided >= {"float32"}


MISTAKES: dict[str, tuple[Any, str]] = {
    "no such weight": (lambda x, h, w: (tanh(w.W_iq @ x + h),), "no weight W_iq; it has W_if, W_in, W_hf, W_hn, b_if"),
    "two letters": (lambda x, h, w: (tanh(w.W_ifn @ x + h),), "this cell has no weight W_ifn"),
    "too few states": (lambda x, h, w: (), "returns 0 states, but takes 1"),
    "no tuple": (lambda x, h, w: tanh(h), "returned Term; expected a tuple of the states"),
    "a number for a state": (lambda x, h, w: (0,), "returned int for a state"),
    "an array": (lambda x, h, w: (h + np.ones(3),), "must consist of terms and numbers, not of ndarray"),
    "None": (lambda x, h, w: (h + None,), "must consist of terms and numbers, not of NoneType"),
    "a matrix alone": (lambda x, h, w: (tanh(w.W_if),), "must consist of terms and numbers, not of Matrix"),
    "a matrix of a number": (lambda x, h, w: (w.W_if @ 3,), "multiplied by a term, such as x or h, not by int"),
    "numbers alone": (lambda x, h, w: (h + tanh(w.b_if),), "tanh has only numbers as arguments, such as a missing"),
    "a choice": (lambda x, h, w: (h or x,), "it has no truth value"),
    "a comparison": (lambda x, h, w: (h if h > 0 else x,), "so it cannot be compared: use relu, maximum, minimum, abs"),
    "a comparison from the other side": (lambda x, h, w: (h if 0 <= h else x,), "it cannot be compared"),  # noqa: SIM300
    "an equation": (lambda x, h, w: (h if h == 0 else x,), "it cannot be compared"),
    "a function of NumPy": (lambda x, h, w: (np.tanh(h),), "numpy.tanh computes .*: use tanh of rnn_gold"),
    "another name in NumPy": (lambda x, h, w: (np.absolute(h),), "numpy.absolute computes .*: use the built-in abs"),
    "an unknown function": (
        lambda x, h, w: (np.arctan(h),),
        "arctan computes .*: the notation has sigmoid, tanh, relu",
    ),
    "a mean of NumPy": (lambda x, h, w: (np.mean(h),), "numpy.mean computes .*: use mean of"),
    "a function of math": (lambda x, h, w: (math.tanh(h),), "not a float: use tanh and other functions of"),
    "an array of NumPy": (lambda x, h, w: (np.asarray(h),), "a term stands for a number that is not computed yet"),
    "a power of a term": (lambda x, h, w: (h**x,), "a power must be an integer, as in z [*][*] 2, not Term"),
    "a root": (lambda x, h, w: (h**0.5,), "a power must be an integer, as in z [*][*] 2, not 0.5; a root is sqrt"),
    "a term as a power": (lambda x, h, w: (2**h,), "2 [*][*] z is not supported: write exp of z times the logarithm"),
    "limits": (lambda x, h, w: (clip(h, 1, 0),), "clip: low is 1, which is more than high, 0"),
}


def assert_same_outputs(one: Any, other: Any) -> None:
    for left, right in zip(certified(case(of(one, "h"))), certified(case(of(other, "h"))), strict=True):
        np.testing.assert_array_equal(left, right)


@for_each([np.float64(0.5), np.float32(0.5), np.int64(2), Fraction(1, 2), True], repr)
def test_numpy_numbers_and_fractions_are_accepted(number: Any) -> None:
    assert_same_outputs(
        lambda x, h, w: (number * h + w.W_ih @ x - number / (h * h + number),),
        lambda x, h, w: (h * number + w.W_ih @ x + -number / (number + h * h),),
    )


def test_a_power_equals_the_product() -> None:
    assert_same_outputs(
        lambda x, h, w: (tanh(w.W_ih @ x) ** 3 + h**1 + h**0,),
        lambda x, h, w: (tanh(w.W_ih @ x) * tanh(w.W_ih @ x) * tanh(w.W_ih @ x) + h + 1,),
    )


@for_each(list(MISTAKES))
def test_a_mistake_in_the_notation_raises_a_clear_error(mistake: str) -> None:
    equations, message = MISTAKES[mistake]
    with pytest.raises((AttributeError, TypeError, ValueError), match=message):
        own("mistaken", equations, "fn").program({})
