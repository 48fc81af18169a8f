"""A golden as an ONNX model: one RNN, LSTM or GRU node per layer, with the weights stored or as inputs.

Inputs: ``x`` (batch, time, input); ``lengths`` (batch,) int32 if the golden has lengths; for each layer ``h0_l0``,
``c0_l0`` (directions, batch, hidden) if the golden has initial states. Outputs: ``out``, ``h_n``, ``c_n``, with the
shapes of a golden. An unbatched golden is a batch of one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.implementations.batch_of_one import batched

OPSET, IR_VERSION = 22, 10
"""The first operator set whose recurrent operators support bfloat16, and the version of its file format."""

_STANDARD: dict[str, dict[str, Any]] = {
    "rnn_tanh": {"op_type": "RNN", "activations": ["Tanh"]},
    "rnn_relu": {"op_type": "RNN", "activations": ["Relu"]},
    "lstm": {"op_type": "LSTM", "activations": ["Sigmoid", "Tanh", "Tanh"]},
    "gru": {"op_type": "GRU", "activations": ["Sigmoid", "Tanh"], "linear_before_reset": 1},
}

ATTRIBUTES: dict[str, dict[str, Any]] = _STANDARD | {
    name: _STANDARD[d.base] | {k: v for k, v in d.options.items() if k not in ("direction", "use_peepholes")}
    for name, d in DIALECTS.items()
    if d.in_onnx
}
"""Attributes of a node for each cell; activations are those of one direction."""

TYPES = {
    "float64": TensorProto.DOUBLE,
    "float32": TensorProto.FLOAT,
    "bfloat16": TensorProto.BFLOAT16,
    "float16": TensorProto.FLOAT16,
}


def build(golden: Inputs, *, stored_weights: bool = True) -> ModelProto:
    """Return the model for a golden in its precision, with its weights stored or as inputs."""
    config, states = golden.network, golden.layout.states
    dtype, fed = _dtype(golden), feeds(golden, stored_weights=stored_weights)
    weights = _weights(golden) if stored_weights else {}
    nodes = [helper.make_node("Transpose", ["x"], ["x_l0"], perm=[1, 0, 2])]
    for layer in range(config.num_layers):
        nodes += _layer(golden, f"l{layer}", f"x_l{layer + 1}", available={*weights, *fed})
    nodes.append(helper.make_node("Transpose", [f"x_l{config.num_layers}"], ["out"], perm=[1, 0, 2]))
    for state in states:
        parts = [f"{state}_n_l{layer}" for layer in range(config.num_layers)]
        nodes.append(helper.make_node("Concat", parts, [f"{state}_n"], axis=0))
    shape = np.array([0, 0, config.num_directions * config.hidden_size], dtype=np.int64)
    initializers = {**weights, "joined": shape}
    graph = helper.make_graph(
        nodes,
        "golden",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in fed.items()],
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), [None] * 3)
            for name in ("out", *(f"{state}_n" for state in states))
        ],
        [numpy_helper.from_array(array, name) for name, array in initializers.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _weights(golden: Inputs) -> dict[str, NDArray[Any]]:
    return {name: array.astype(_dtype(golden)) for name, array in golden.weights_as("onnx").items()}


def feeds(golden: Inputs, *, stored_weights: bool = True) -> dict[str, NDArray[Any]]:
    """Return the model's inputs."""
    dtype = _dtype(golden)
    fed = {"x": batched(golden, "x", golden.x).astype(dtype)}
    if golden.lengths is not None:
        fed["lengths"] = golden.lengths.astype(np.int32)
    for name, state in golden.given_states.items():
        parts = np.split(batched(golden, name, state).astype(dtype), golden.network.num_layers)
        fed |= {f"{name}_l{layer}": part for layer, part in enumerate(parts)}
    return fed if stored_weights else {**fed, **_weights(golden)}


def _layer(golden: Inputs, layer: str, result: str, available: set[str]) -> list[NodeProto]:
    """Return a layer: x (time, batch, input) → (time, directions, batch, hidden) → (time, batch, directions·hidden)."""
    states, config = golden.layout.states, golden.network
    optional = [f"{layer}/B", "lengths", *(f"{state}0_{layer}" for state in states)]
    optional += [f"{layer}/P"] if golden.layout.further else []
    attributes: dict[str, Any] = {
        name: value * config.num_directions if isinstance(value, list) else value
        for name, value in ATTRIBUTES[golden.cell].items()
    }
    node = helper.make_node(
        inputs=[f"x_{layer}", f"{layer}/W", f"{layer}/R", *(name if name in available else "" for name in optional)],
        outputs=[f"Y_{layer}", *(f"{state}_n_{layer}" for state in states)],
        hidden_size=config.hidden_size,
        direction=config.onnx_direction,
        **attributes,
    )
    return [
        node,
        helper.make_node("Transpose", [f"Y_{layer}"], [f"Y_{layer}_batch"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", [f"Y_{layer}_batch", "joined"], [result]),
    ]


def _dtype(golden: Inputs) -> np.dtype[Any]:
    return helper.tensor_dtype_to_np_dtype(TYPES[golden.dtype])
