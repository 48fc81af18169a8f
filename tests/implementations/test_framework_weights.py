"""The names and shapes of a convention equal those of the framework's layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.golden.built_in_cells import CELLS

Make = Callable[..., Golden]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_the_keras_convention_equals_layers_of_keras(small_golden: Make, cell: str, bias: bool) -> None:
    keras = pytest.importorskip("keras", reason="the implementation keras needs keras")
    golden = small_golden(cell, bias=bias, bidirectional=True)
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}.get(cell, keras.layers.SimpleRNN)
    layer = keras.layers.Bidirectional(kind(golden.network.hidden_size, use_bias=bias))
    layer.build((None, None, golden.network.input_size))
    weights = golden.weights_as("keras")
    assert [name.rsplit("/", 1)[-1] for name in weights] == [weight.name for weight in layer.weights]
    assert [array.shape for array in weights.values()] == [tuple(weight.shape) for weight in layer.weights]


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_the_flax_convention_equals_cells_of_flax(small_golden: Make, cell: str) -> None:
    linen = pytest.importorskip("flax.linen", reason="the implementation flax needs flax")
    import jax

    golden = small_golden(cell)
    kinds = {"lstm": (linen.LSTMCell, linen.OptimizedLSTMCell), "gru": (linen.GRUCell,)}
    for kind in kinds.get(cell, (linen.SimpleCell,)):
        layer, x = kind(golden.network.hidden_size), np.zeros(golden.network.input_size)
        params: Any = layer.init(jax.random.key(0), layer.initialize_carry(jax.random.key(0), x.shape), x)["params"]
        shapes = {f"l0/{gate}/{name}": a.shape for gate, arrays in params.items() for name, a in arrays.items()}
        assert {name: array.shape for name, array in golden.weights_as("flax").items()} == shapes


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_the_onnx_convention_equals_a_valid_onnx_model(small_golden: Make, cell: str, bias: bool, dtype: str) -> None:
    checker = pytest.importorskip("onnx.checker", reason="the ONNX implementations need onnx")
    from rnn_goldens.implementations.onnx_model import network_model

    golden = small_golden(cell, dtype, bias=bias, bidirectional=True, num_layers=2, state=True, lengths=[3, 1])
    model = network_model(golden).proto()
    checker.check_model(model, full_check=True)
    assert {i.name: tuple(i.dims) for i in model.graph.initializer if i.name != "joined"} == {
        name: array.shape for name, array in golden.weights_as("onnx").items()
    }
