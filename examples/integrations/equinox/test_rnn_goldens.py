# Golden data of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
# pip install rnn-goldens; pytest tests/test_rnn_goldens.py
import equinox as eqx
import jax
import jax.numpy as jnp
import pytest


def make_cell(golden):
    w = {name.removesuffix("_l0"): jnp.asarray(a) for name, a in golden.weights.items()}
    hidden_size, use_bias = golden.config["hidden_size"], "bias_ih" in w
    cls = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}[golden.cell]
    cell = cls(golden.x.shape[-1], hidden_size, use_bias, key=jax.random.key(0))
    where = lambda cell: (cell.weight_ih, cell.weight_hh)
    cell = eqx.tree_at(where, cell, (w["weight_ih"], w["weight_hh"]))
    if use_bias and golden.cell == "lstm":
        return eqx.tree_at(lambda cell: cell.bias, cell, w["bias_ih"] + w["bias_hh"])
    elif use_bias:
        # A GRUCell has one bias for each gate, and two for the candidate.
        bias = w["bias_ih"] + w["bias_hh"].at[2 * hidden_size :].set(0)
        bias_n = w["bias_hh"][2 * hidden_size :]
        return eqx.tree_at(lambda cell: (cell.bias, cell.bias_n), cell, (bias, bias_n))
    return cell


@pytest.mark.rnn_goldens(
    cell=["lstm", "gru"], without=["multilayer", "bidirectional", "lengths"]
)
def test_rnn_golden(rnn_golden):
    cell = make_cell(rnn_golden)

    def scan(x, state):
        def step(state, x):
            state = cell(x, state)
            return state, state[0] if isinstance(state, tuple) else state

        return jax.lax.scan(step, state, x)

    if "unbatched" not in rnn_golden.features:
        scan = jax.vmap(scan)
    state = tuple(jnp.asarray(state[0]) for state in rnn_golden.states.values())
    last, out = scan(jnp.asarray(rnn_golden.x), state if len(state) > 1 else state[0])
    rnn_golden.check(out, jax.tree.map(lambda state: state[None], last))
