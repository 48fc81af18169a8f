"""Weights in layers of Keras and Flax."""

from functools import partial
from typing import Any

import jax
import keras
import numpy as np
import pytest
from flax import linen, nnx

from rnn_goldens import Refused, Scenario, certify
from rnn_goldens.comparison.outputs import read

X = np.random.default_rng(2).standard_normal((2, 4, 3)).astype(np.float32)
FIELDS: dict[str, Any] = {"id": "mine/layer", "purpose": "A layer.", "x": X, "precisions": ["float64", "float32"]}
KINDS = {
    "rnn_tanh": keras.layers.SimpleRNN,
    "rnn_relu": partial(keras.layers.SimpleRNN, activation="relu"),
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
}


def built(*layers: Any, inputs: int = 3) -> Any:
    for layer in layers:
        layer.build((None, None, inputs))
        initial = [read(weight.value).values for weight in layer.weights]
        layer.set_weights([w + 0.1 * np.random.default_rng(3).standard_normal(w.shape) for w in initial])
        inputs = layer.compute_output_shape((None, None, inputs))[-1]
    return list(layers) if len(layers) > 1 else layers[0]


@pytest.mark.parametrize("cell", KINDS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_of_keras_is_accepted(cell: str, bias: bool) -> None:
    layer = built(KINDS[cell](5, use_bias=bias, return_sequences=True))
    golden = certify(Scenario(cell=cell, weights=layer, convention="keras", **FIELDS)).in_precision("float32")
    assert golden.network.bias == bias
    assert golden.compare(layer(X), *([golden.h_n, golden.c_n] if cell == "lstm" else [golden.h_n])).passed


def test_several_bidirectional_layers_are_one_network() -> None:
    layers = built(*(keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True)) for _ in range(2)))
    golden = certify(Scenario(cell="gru", weights=layers, convention="keras", **FIELDS)).in_precision("float32")
    assert (golden.network.num_layers, golden.network.bidirectional) == (2, True)
    assert golden.compare(layers[1](layers[0](X)), golden.h_n).passed


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (built(keras.layers.GRU(4, reset_after=False)), "has reset_after=False: pass its arrays"),
        (keras.layers.LSTM(4, name="new"), "the LSTM 'new' has no weights yet: call or build it first"),
        (built(keras.layers.Dense(4)), "a Dense of Keras is not one of SimpleRNN, LSTM, GRU"),
        (built(keras.layers.GRU(4), keras.layers.GRU(5), inputs=3), "differ in units, directions or biases"),
    ],
)
def test_unsupported_layers_are_refused(layer: Any, message: str) -> None:
    with pytest.raises(Refused, match=f"^mine/layer: .*{message}"):
        certify(Scenario(cell="gru", weights=layer, convention="keras", **FIELDS))


class Derived(keras.layers.LSTM):  # type: ignore[misc] # Keras has no types
    """A subclass of a layer of Keras."""


def soft(numbers: Any) -> Any:
    return numbers


@pytest.mark.parametrize(
    ("cell", "layer", "message"),
    [
        ("lstm", keras.layers.LSTM(4, activation="relu"), "has activation='relu'; lstm requires 'tanh'"),
        ("lstm", keras.layers.LSTM(4, activation=soft), "has activation='soft' of .*; lstm requires 'tanh'"),
        (
            "gru",
            keras.layers.GRU(4, recurrent_activation="hard_sigmoid"),
            "has recurrent_activation='hard_sigmoid'; gru requires 'sigmoid'",
        ),
        ("lstm", keras.layers.LSTM(4, go_backwards=True), "has go_backwards=True: pass its arrays, not the layer"),
        ("rnn_relu", keras.layers.SimpleRNN(4), "has activation='tanh'; rnn_relu requires 'relu'"),
        ("rnn_tanh", keras.layers.SimpleRNN(4, activation=None), "has activation='linear'; rnn_tanh requires 'tanh'"),
        ("lstm", keras.layers.GRU(4), "GRU 'gru.*' is not a LSTM, which the cell lstm requires"),
        ("lstm", keras.layers.Bidirectional(keras.layers.LSTM(4, activation="relu")), "has activation='relu'; lstm .*"),
    ],
)
def test_a_layer_that_computes_something_else_is_refused_with_the_difference(
    cell: str, layer: Any, message: str
) -> None:
    with pytest.raises(Refused, match=rf"^mine/layer: the .*{message}$"):
        certify(Scenario(cell=cell, weights=built(layer), convention="keras", **FIELDS))


def test_a_derived_layer_is_accepted_if_its_functions_are_those_of_the_cell() -> None:
    layer = built(Derived(5, return_sequences=True))
    golden = certify(Scenario(cell="lstm", weights=layer, convention="keras", **FIELDS)).in_precision("float32")
    assert golden.compare(layer(X), golden.h_n, golden.c_n).passed
    with pytest.raises(Refused, match=r"the Derived '.*' has activation='relu'"):
        certify(Scenario(cell="lstm", weights=built(Derived(4, activation="relu")), convention="keras", **FIELDS))


@pytest.mark.parametrize("more", [{}, {"config": {"input_size": 3, "hidden_size": 5}}])
def test_a_layer_of_keras_requires_the_convention_keras(more: dict[str, Any]) -> None:
    with pytest.raises(
        Refused,
        match=r"^mine/layer: the weights are layers of Keras, not of the convention torch: set convention='keras'$",
    ):
        certify(Scenario(cell="lstm", weights=built(keras.layers.LSTM(5)), **FIELDS, **more))


@pytest.mark.slow
def test_a_layer_of_flax_is_accepted_with_a_prefix() -> None:
    layer = linen.RNN(linen.OptimizedLSTMCell(5))
    variables = layer.init(jax.random.key(0), X)
    config = {"input_size": 3, "hidden_size": 5}
    scenario = Scenario(
        cell="lstm", weights=variables, prefix="params/cell/", convention="flax", config=config, **FIELDS
    )
    golden = certify(scenario).in_precision("float32")
    assert golden.compare(layer.apply(variables, X), golden.h_n, golden.c_n).passed


@pytest.mark.parametrize(
    ("cell", "layer", "name"),
    [
        ("lstm", nnx.LSTMCell(3, 5, rngs=nnx.Rngs(0)), "if_"),
        ("lstm", nnx.OptimizedLSTMCell(3, 5, rngs=nnx.Rngs(0)), "dense_[ih]"),
        ("gru", nnx.GRUCell(3, 5, rngs=nnx.Rngs(0)), "dense_[ih]"),
    ],
)
def test_weights_of_flax_nnx_are_refused(cell: str, layer: Any, name: str) -> None:
    config = {"input_size": 3, "hidden_size": 5}
    scenario = Scenario(cell=cell, weights=nnx.state(layer, nnx.Param), convention="flax", config=config, **FIELDS)
    with pytest.raises(
        Refused,
        match=rf"^mine/layer: these are weights of flax\.nnx; the convention flax is that of .* \({name}\)$",
    ):
        certify(scenario)
