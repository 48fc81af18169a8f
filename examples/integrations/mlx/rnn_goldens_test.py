# Golden data of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
# pip install rnn-goldens; python -m pytest python/tests/rnn_goldens_test.py
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import pytest

LAYERS = {
    "rnn_tanh": nn.RNN,
    "rnn_relu": partial(nn.RNN, nonlinearity=nn.relu),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def new_layer(golden, w):
    layer = LAYERS[golden.cell](
        golden.x.shape[-1], golden.config["hidden_size"], bias="bias_ih_l0" in w
    )
    names = ("Wxh", "Whh") if golden.cell.startswith("rnn") else ("Wx", "Wh")
    params = dict(zip(names, (w["weight_ih_l0"], w["weight_hh_l0"])))
    if "bias_ih_l0" in w and golden.cell == "gru":
        # mlx has one bias for r and z, and two for n
        n = 2 * layer.hidden_size
        b_ih, b_hh = w["bias_ih_l0"], w["bias_hh_l0"]
        params["b"] = mx.concatenate([b_ih[:n] + b_hh[:n], b_ih[n:]])
        params["bhn"] = b_hh[n:]
    elif "bias_ih_l0" in w:
        params["bias"] = w["bias_ih_l0"] + w["bias_hh_l0"]
    return layer.update(params)


@pytest.mark.rnn_goldens(without=["multilayer", "bidirectional", "lengths"])
def test_recurrent_layer(rnn_golden):
    def array(value):
        return mx.array(value, dtype=getattr(mx, rnn_golden.dtype))

    with mx.stream(mx.cpu):  # only the CPU has float64
        layer = new_layer(
            rnn_golden, {k: array(v) for k, v in rnn_golden.weights.items()}
        )
        states = []  # the layer's own zeros
        if "state" in rnn_golden.features:
            states = [array(state[0]) for state in rnn_golden.states.values()]
        found = layer(array(rnn_golden.x), *states)
        found = found if isinstance(found, tuple) else (found,)
        rnn_golden.check(found[0], *(each[None, ..., -1, :] for each in found))
