"""Bugs in hand-written networks of custom cells are identified as deviations derived from the equations."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from factories.for_each import for_each

from rnn_goldens import Golden, Scenario, UnknownName, certify
from rnn_goldens.cells import Array, case_of, cell_named
from rnn_goldens.comparison.actual import actual_gradients, actual_outputs
from rnn_goldens.comparison.verdict import compare, compare_gradients
from rnn_goldens.deviations import derived, deviation
from rnn_goldens.deviations.custom_cells import MAX_PERMUTED
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.golden.expected import GRADIENTS

Bugs = set[str]
Implementation = Callable[[Golden, Bugs], tuple[Array, ...]]


def sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def mgu(golden: Golden, bugs: Bugs) -> tuple[Array, ...]:
    """Return the outputs of a minimal gated unit with these bugs."""
    w, h, out = golden.weights, golden.h0[0], []
    order = slice(None, None, -1 if "other order" in bugs else 1)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_i, w_h, b_i, b_h = (np.stack(np.split(w[f"{name}_l0"], 2))[order] for name in names)
    for x in golden.x.swapaxes(0, 1):
        f = sigmoid(x @ w_i[0].T + b_i[0] + h @ w_h[0].T + b_h[0])
        n = x @ w_i[1].T + b_i[1] + (h if "not reset" in bugs else f * h) @ w_h[1].T
        n = n if "unbiased" in bugs else n + b_h[1]
        n = sigmoid(n) if "sigmoid" in bugs else n if "linear" in bugs else np.tanh(n)
        h = f * h + (1 - f) * n if "other way" in bugs else f * n + (1 - f) * h
        out.append(h)
    return np.stack(out, axis=1), h[None]


def peepholes(golden: Golden, bugs: Bugs) -> tuple[Array, ...]:
    """Return the outputs of an LSTM with peepholes with these bugs."""
    w, h, c, out = golden.weights, golden.h0[0], golden.c0[0], []
    for x in golden.x.swapaxes(0, 1):
        z = x @ w["weight_ih_l0"].T + w["bias_ih_l0"] + h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        i, f, g, o = np.split(z, 4, axis=1)
        p_f = 0 if "no p_f" in bugs else w["p_f_l0"]
        i, f, g = sigmoid(i + w["p_i_l0"] * c), sigmoid(f + p_f * c), np.tanh(g)
        before, c = c, f * c + i * g
        o = sigmoid(o + w["p_o_l0"] * (before if "early" in bugs else c))
        h = o * np.tanh(before if "all early" in bugs else c)
        out.append(h)
    return np.stack(out, axis=1), h[None], c[None]


def mgu_gradients(golden: Golden, dropped: str) -> dict[str, Array]:
    """Return the gradients of a minimal gated unit in torch; ``dropped`` is detached: ``h in n`` where n uses it."""
    w = {name: torch.tensor(array, requires_grad=True) for name, array in golden.weights.items()}
    x, h0 = (torch.tensor(array, requires_grad=True) for array in (golden.x, golden.h0))

    def used(name: str, user: str, value: torch.Tensor) -> torch.Tensor:
        return value.detach() if dropped in (name, f"{name} in {user}") else value

    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    (w_if, w_in), (w_hf, w_hn), (b_if, b_in), (b_hf, b_hn) = (w[name].chunk(2) for name in names)
    h, loss = h0[0], torch.zeros((), dtype=x.dtype)
    for t, v in enumerate(x.unbind(1)):
        f = torch.sigmoid(used("x", "f", v) @ w_if.T + b_if + used("h", "f", h) @ w_hf.T + b_hf)
        n = used("x", "n", v) @ w_in.T + b_in + (used("f", "n", f) * used("h", "n", h)) @ w_hn.T + b_hn
        f_h, n_h = used("f", "h", f), used("n", "h", torch.tanh(n))
        h = f_h * n_h + (1 - f_h) * used("h", "h", h)
        loss = loss + (torch.tensor(golden.cotangents["d_out"][:, t]) * h).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    arrays = {"x": x, "h0": h0, **w}
    return {name: np.zeros(a.shape) if a.grad is None else a.grad.numpy() for name, a in arrays.items()}


IMPLEMENTATIONS: dict[str, tuple[str, int, tuple[str, ...], Implementation]] = {
    "mgu": ("minimal_gated_unit", 2, (), mgu),
    "peepholes": ("peephole_lstm", 4, ("p_i", "p_f", "p_o"), peepholes),
}

BUGS: list[tuple[str, Bugs, str]] = [
    ("mgu", {"other order"}, "own_gates_nf"),
    ("mgu", {"unbiased"}, "own_without_b_hn"),
    ("mgu", {"not reset"}, "own_product_1_without_f"),
    ("mgu", {"sigmoid"}, "own_sigmoid_for_tanh_of_n"),
    ("mgu", {"linear"}, "own_identity_for_tanh_of_n"),
    ("mgu", {"other way"}, "own_mix_1_other_way"),
    ("peepholes", {"no p_f"}, "own_without_p_f"),
    ("peepholes", {"early"}, "own_c_before_1"),
    ("peepholes", {"early", "all early"}, "own_c_before_everywhere"),
]

PATHS: dict[str, str] = {
    "f in h": "own_f_through_new_h_dropped",
    "n in h": "own_n_through_new_h_dropped",
    "h in h": "own_h_through_new_h_dropped",
    "x in f": "own_x_through_f_dropped",
    "h in f": "own_h_through_f_dropped",
    "x in n": "own_x_through_n_dropped",
    "f in n": "own_f_through_n_dropped",
    "h in n": "own_h_through_n_dropped",
    "f": "own_f_detached",
}


@cache
def golden_of(cell: str) -> Golden:
    function, gates, vectors, _ = IMPLEMENTATIONS[cell]
    numbers = np.random.default_rng(3)

    def draw(*shape: int) -> Array:
        return np.round(numbers.uniform(-1, 1, shape) * 64) / 64

    weights = {"weight_ih_l0": draw(gates * 3, 2), "weight_hh_l0": draw(gates * 3, 3)}
    weights |= {f"bias_{side}h_l0": draw(gates * 3) for side in "ih"} | {f"{v}_l0": draw(3) for v in vectors}
    state: dict[str, Any] = {"h0": draw(1, 2, 3), **({"c0": draw(1, 2, 3)} if vectors else {})}
    state |= {"d_out": draw(2, 4, 3), "gradient_purpose": "Cotangents of every step."}
    description = {"id": "own/cell", "purpose": "A custom cell.", "cell": f"factories.custom_cells:{function}"}
    return certify(Scenario(**description, weights=weights, x=draw(2, 4, 2), **state), confirm=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", IMPLEMENTATIONS)
def test_the_hand_written_implementations_are_right_without_bugs(cell: str) -> None:
    golden = golden_of(cell)
    golden.check(*IMPLEMENTATIONS[cell][3](golden, set()))


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("cell", "bugs", "name"), BUGS, ids=[name for *_, name in BUGS])
def test_a_bug_in_a_custom_cell_is_identified(cell: str, bugs: Bugs, name: str, dtype: str) -> None:
    golden = golden_of(cell).in_precision(dtype)
    wrong = IMPLEMENTATIONS[cell][3](golden, bugs)
    assert CandidateSearch(pairs=False).explain(actual_outputs(golden, *wrong)) == [(name,)]
    assert deviation(name).sentence in " ".join(golden.compare(*wrong).message.split())


def test_gradients_with_all_paths_are_right() -> None:
    golden_of("mgu").check_gradients(mgu_gradients(golden_of("mgu"), ""))


def test_every_path_between_gates_inputs_and_states_has_a_deviation() -> None:
    names = [one.name for one in derived(cell_named(golden_of("mgu").cell), bias=True, of=GRADIENTS)]
    assert names == list(PATHS.values())


@for_each(list(PATHS), every=4)
def test_a_path_left_out_of_the_backward_pass_of_a_custom_cell_is_identified(dropped: str) -> None:
    golden, name = golden_of("mgu"), PATHS[dropped]
    wrong = mgu_gradients(golden, dropped)
    assert CandidateSearch(pairs=False).explain(actual_gradients(golden, wrong)) == [(name,)]
    assert deviation(name).sentence in " ".join(golden.compare_gradients(wrong).message.split())


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("cell", IMPLEMENTATIONS)
def test_each_derived_path_changes_only_gradients_and_no_two_are_equal(cell: str) -> None:
    golden, found = golden_of(cell), set()
    for one in derived(cell_named(golden.cell), bias=True, of=GRADIENTS):
        assert deviation(one.name) is one
        assert one.is_backward
        assert one.applies_to(golden.cell)
        assert not one.applies_to("lstm")
        gradients = one.gradients(case_of(golden, np.float64), golden.cotangents)
        assert not compare_gradients(golden, gradients).passed, one.name
        found.add(tuple(np.round(array, 9).tobytes() for array in gradients.values()))
    assert len(found) == len(derived(cell_named(golden.cell), bias=True, of=GRADIENTS))


def test_paths_that_the_catalogue_has_for_every_cell_are_not_derived() -> None:
    assert derived(cell_named("rnn_tanh"), bias=True, of=GRADIENTS) == ()
    names = [one.name for one in derived(cell_named("factories.custom_cells:residual"), bias=True, of=GRADIENTS)]
    assert names == [f"own_{path}_dropped" for path in ("a_through_new_h", "x_through_new_h", "x_through_a")]


@pytest.mark.slow
@pytest.mark.parametrize("cell", IMPLEMENTATIONS)
def test_each_derived_deviation_is_found_by_name_and_changes_the_outputs(cell: str) -> None:
    golden = golden_of(cell)
    for one in derived(cell_named(golden.cell), bias=True):
        assert deviation(one.name) is one
        assert one.applies_to(golden.cell)
        assert not one.applies_to("lstm")
        assert not compare(golden, one.outputs(case_of(golden, np.float64))).passed, one.name


def test_no_deviation_of_a_cell_without_biases_changes_a_bias() -> None:
    cell = cell_named("factories.custom_cells:minimal_gated_unit")
    assert not [one.name for one in derived(cell, bias=False) if "b_" in one.name or "bias" in one.name]


def test_of_many_gates_only_two_at_a_time_are_exchanged() -> None:
    cell = cell_named("factories.custom_cells:many_gates")
    assert len(cell.gates) == MAX_PERMUTED + 1
    orders = [one.name for one in derived(cell, bias=False) if one.name.startswith("own_gates_")]
    assert len(orders) == len(set(orders)) == 10


def test_an_unknown_derived_name_is_an_error() -> None:
    with pytest.raises(UnknownName, match="no deviation 'own_nonsense'"):
        deviation("own_nonsense")


def test_a_cell_with_one_gate_has_no_gate_order_or_missing_term_and_its_activation_the_name_of_the_gate() -> None:
    names = [one.name for one in derived(cell_named("factories.custom_cells:smooth"), bias=True)]
    assert "own_identity_for_tanh_of_a" in names
    assert not [name for name in names if "own_without_" in name or "own_gates_" in name]
    names = [one.name for one in derived(cell_named("factories.custom_cells:residual"), bias=True)]
    assert names == [f"own_{other}_for_tanh_of_a" for other in ("sigmoid", "relu", "identity")]
