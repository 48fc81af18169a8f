"""Correct, independent implementations stay within the tolerance of gradients in every precision."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from factories.cotangents import SHAPES, gradient_scenario

from rnn_goldens import Golden
from rnn_goldens.comparison.actual import actual_gradients
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.implementations.torch.gradients import of_layers

Named = Mapping[str, Any]


def assert_within(golden: Golden, found: Any) -> None:
    assert golden.gradients is not None
    for precision in golden.gradients.precisions:
        verdict = verdict_on(actual_gradients(low := golden.in_precision(precision), found(low)))
        assert verdict.largest_error <= LARGEST_CORRECT_ERROR, (precision, verdict.message)


@pytest.mark.parametrize("shape", ["one step", "ragged", "unbatched"])
@pytest.mark.parametrize("cell", CELLS)
def test_autograd_stays_within_the_tolerance(cell: str, shape: str) -> None:
    assert_within(certify(gradient_scenario(cell, shape, seed=9), confirm=False), of_layers)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [10, 11])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_autograd_stays_within_the_tolerance_for_other_numbers(cell: str, shape: str, seed: int) -> None:
    assert_within(certify(gradient_scenario(cell, shape, seed=seed), confirm=False), of_layers)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_a_scan_of_jax_stays_within_the_tolerance(cell: str) -> None:
    pytest.importorskip("jax")
    assert_within(certify(gradient_scenario(cell, "one unit"), confirm=False), by_jax)
    assert_within(certify(gradient_scenario(cell, "no bias", time=6), confirm=False), by_jax)


def by_jax(golden: Golden) -> Named:
    """Return the gradients that ``jax.vjp`` computes from a scan of separately written equations."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        dtype = jnp.dtype(golden.dtype)

        def array(values: Any) -> Any:
            return jnp.asarray(np.asarray(values, np.float64)).astype(dtype)

        states = {f"{name}0": array(getattr(golden, f"{name}0"))[0] for name in golden.layout.states}
        inputs = {"x": array(golden.x), **states, **{name: array(w) for name, w in golden.weights.items()}}
        outputs, back = jax.vjp(lambda named: _network(golden.cell, named), inputs)
        shaped = {name: array(g) if name == "d_out" else array(g)[0] for name, g in golden.cotangents.items()}
        names = ["d_out", *(f"d_{name}_n" for name in golden.layout.states)]
        (found,) = back(tuple(shaped.get(n, jnp.zeros_like(o)) for n, o in zip(names, outputs, strict=True)))
        numbers = {name: np.asarray(g.astype(jnp.float64)) for name, g in found.items()}
    return {name: g[None] if name in states else g for name, g in numbers.items()}


def _network(cell: str, named: Named) -> Any:
    import jax
    import jax.numpy as jnp

    w_ih, w_hh = named["weight_ih_l0"], named["weight_hh_l0"]
    b_ih, b_hh = named.get("bias_ih_l0", 0), named.get("bias_hh_l0", 0)

    def step(state: Any, x: Any) -> Any:
        of_x, of_h = x @ w_ih.T + b_ih, state[0] @ w_hh.T + b_hh
        if cell == "lstm":
            i, f, g, o = jnp.split(of_x + of_h, 4, axis=-1)
            c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
            state = (jax.nn.sigmoid(o) * jnp.tanh(c), c)
        elif cell == "gru":
            (xr, xz, xn), (hr, hz, hn) = jnp.split(of_x, 3, axis=-1), jnp.split(of_h, 3, axis=-1)
            z = jax.nn.sigmoid(xz + hz)
            n = jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * hn)
            state = ((1 - z) * n + z * state[0],)
        else:
            activation = jnp.tanh if cell == "rnn_tanh" else jax.nn.relu
            state = (activation(of_x + of_h),)
        return state, state[0]

    initial = tuple(named[name] for name in ("h0", "c0") if name in named)
    last, out = jax.lax.scan(step, initial, named["x"].swapaxes(0, 1))
    return (out.swapaxes(0, 1), *last)
