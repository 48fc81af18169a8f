"""Weights in layers of Keras and Flax."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Refused, Scenario, certify
from rnn_goldens.comparison.array_conversion import read

pytestmark = pytest.mark.xdist_group("keras")

X = np.random.default_rng(2).standard_normal((2, 4, 3)).astype(np.float32)
FIELDS: dict[str, Any] = {"id": "mine/layer", "purpose": "A layer.", "x": X, "precisions": ["float64", "float32"]}


def of_keras(kind: str, /, *arguments: Any, **options: Any) -> Any:
    """Return a layer of Keras, which takes seconds to import."""
    import keras

    return getattr(keras.layers, kind)(*arguments, **options)


Make = Callable[..., Any]

KINDS: dict[str, Make] = {
    "rnn_tanh": partial(of_keras, "SimpleRNN"),
    "rnn_relu": partial(of_keras, "SimpleRNN", activation="relu"),
    "lstm": partial(of_keras, "LSTM"),
    "gru": partial(of_keras, "GRU"),
}


def built(*layers: Any, inputs: int = 3) -> Any:
    for layer in layers:
        layer.build((None, None, inputs))
        initial = [read(weight.value).values for weight in layer.weights]
        layer.set_weights([w + 0.1 * np.random.default_rng(3).standard_normal(w.shape) for w in initial])
        inputs = layer.compute_output_shape((None, None, inputs))[-1]
    return list(layers) if len(layers) > 1 else layers[0]


@pytest.mark.parametrize(("cell", "bias"), [*((cell, True) for cell in KINDS), ("gru", False)])
def test_a_layer_of_keras_is_accepted(cell: str, bias: bool) -> None:
    layer = built(KINDS[cell](5, use_bias=bias, return_sequences=True))
    golden = certify(Scenario(cell=cell, weights=layer, convention="keras", **FIELDS)).in_precision("float32")
    assert golden.network.bias == bias
    assert golden.compare(layer(X), *([golden.h_n, golden.c_n] if cell == "lstm" else [golden.h_n])).passed


def test_several_bidirectional_layers_are_one_network() -> None:
    layers = built(*(of_keras("Bidirectional", of_keras("GRU", 4, return_sequences=True)) for _ in range(2)))
    golden = certify(Scenario(cell="gru", weights=layers, convention="keras", **FIELDS)).in_precision("float32")
    assert (golden.network.num_layers, golden.network.bidirectional) == (2, True)
    assert golden.compare(layers[1](layers[0](X)), golden.h_n).passed


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: built(of_keras("GRU", 4, reset_after=False)), "has reset_after=False: pass its arrays"),
        (lambda: of_keras("LSTM", 4, name="new"), "the LSTM 'new' has no weights yet: call or build it first"),
        (lambda: built(of_keras("Dense", 4)), "a Dense of Keras is not one of SimpleRNN, LSTM, GRU"),
        (lambda: built(of_keras("GRU", 4), of_keras("GRU", 5), inputs=3), "differ in units, directions or biases"),
    ],
)
def test_unsupported_layers_are_refused(layer: Make, message: str) -> None:
    with pytest.raises(Refused, match=f"^mine/layer: .*{message}"):
        certify(Scenario(cell="gru", weights=layer(), convention="keras", **FIELDS))


def soft(numbers: Any) -> Any:
    return numbers


@pytest.mark.parametrize(
    ("cell", "kind", "options", "message"),
    [
        ("lstm", "LSTM", {"activation": "relu"}, "has activation='relu'; lstm requires 'tanh'"),
        ("lstm", "LSTM", {"activation": soft}, "has activation='soft' of .*; lstm requires 'tanh'"),
        ("gru", "GRU", {"recurrent_activation": "hard_sigmoid"}, "has recurrent_activation='hard_sigmoid'; gru req.*"),
        ("lstm", "LSTM", {"go_backwards": True}, "has go_backwards=True: pass its arrays, not the layer"),
        ("rnn_relu", "SimpleRNN", {}, "has activation='tanh'; rnn_relu requires 'relu'"),
        ("rnn_tanh", "SimpleRNN", {"activation": None}, "has activation='linear'; rnn_tanh requires 'tanh'"),
        ("lstm", "GRU", {}, "GRU 'gru.*' is not a LSTM, which the cell lstm requires"),
        ("lstm", "Bidirectional", {"activation": "relu"}, "has activation='relu'; lstm .*"),
    ],
)
def test_a_layer_that_computes_something_else_is_refused_with_the_difference(
    cell: str, kind: str, options: dict[str, Any], message: str
) -> None:
    both = kind == "Bidirectional"
    layer = of_keras(kind, of_keras("LSTM", 4, **options)) if both else of_keras(kind, 4, **options)
    with pytest.raises(Refused, match=rf"^mine/layer: the .*{message}$"):
        certify(Scenario(cell=cell, weights=built(layer), convention="keras", **FIELDS))


def test_a_derived_layer_is_accepted_if_its_functions_are_those_of_the_cell() -> None:
    import keras

    class Derived(keras.layers.LSTM):  # type: ignore[misc] # Keras has no types
        """A subclass of a layer of Keras."""

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
        certify(Scenario(cell="lstm", weights=built(of_keras("LSTM", 5)), **FIELDS, **more))


@pytest.mark.slow
def test_a_layer_of_flax_is_accepted_with_a_prefix() -> None:
    import jax
    from flax import linen

    layer = linen.RNN(linen.OptimizedLSTMCell(5))
    variables = layer.init(jax.random.key(0), X)
    config = {"input_size": 3, "hidden_size": 5}
    scenario = Scenario(
        cell="lstm", weights=variables, prefix="params/cell/", convention="flax", config=config, **FIELDS
    )
    golden = certify(scenario).in_precision("float32")
    assert golden.compare(layer.apply(variables, X), golden.h_n, golden.c_n).passed


@pytest.mark.parametrize(
    ("cell", "kind", "name"),
    [
        ("lstm", "LSTMCell", "if_"),
        *(
            pytest.param(cell, kind, "dense_[ih]", marks=pytest.mark.slow)
            for cell, kind in (("lstm", "OptimizedLSTMCell"), ("gru", "GRUCell"))
        ),
    ],
)
def test_weights_of_flax_nnx_are_refused(cell: str, kind: str, name: str) -> None:
    from flax import nnx

    layer = getattr(nnx, kind)(3, 5, rngs=nnx.Rngs(0))
    config = {"input_size": 3, "hidden_size": 5}
    scenario = Scenario(cell=cell, weights=nnx.state(layer, nnx.Param), convention="flax", config=config, **FIELDS)
    with pytest.raises(
        Refused, match=rf"^mine/layer: these are weights of flax\.nnx; the convention flax is that of .* \({name}\)$"
    ):
        certify(scenario)
