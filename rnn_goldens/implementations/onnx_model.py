"""A golden as an ONNX model, whatever its operators are; and the reference evaluator, ``onnx.reference``, running it.

A network has one RNN, LSTM or GRU node per layer, with the weights stored or as inputs. Inputs: ``x`` (batch, time,
input); ``lengths`` (batch,) int32 if the golden has lengths; for each layer ``h0_l0``, ``c0_l0`` (directions, batch,
hidden) if the golden has initial states. Outputs: ``out``, ``h_n``, ``c_n``, with the shapes of a golden. An unbatched
golden is a batch of one.

A recurrence has one operator: LinearAttention or CausalConvWithState. LinearAttention has the heads packed in the last
axis, (batch, time, heads·d); CausalConvWithState has channels before time. Inputs and outputs are float32 in half
precisions, and cast inside, because NumPy has no bfloat16.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.network_construction import batched, outputs

Arrays = dict[str, NDArray[Any]]

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


@dataclass(frozen=True)
class OnnxModel:
    """A golden in its precision as a model.

    Attributes:
        operator: the operator that computes the cell: ``LSTM``, ``LinearAttention``.
        opset: the operator set.
        ir_version: the version of the file format.
        feeds: the inputs by name.
        stored: the stored arrays by name.
        nodes: the nodes.
        outputs: the number of axes of each output, by name, in the order of the golden's.
        kind: the type of the outputs.
        to_golden: returns the outputs of the model, in order, with the shapes and precision of the golden.
        to_model: returns an array of one of the golden's outputs, by the model's name, in the shape of the model's.
    """

    operator: str
    opset: int
    ir_version: int
    feeds: Arrays
    stored: Arrays
    nodes: Sequence[NodeProto]
    outputs: Mapping[str, int]
    kind: int
    to_golden: Callable[[Sequence[Any]], tuple[Any, ...]]
    to_model: Callable[[str, NDArray[Any]], NDArray[Any]]

    def proto(self) -> ModelProto:
        """Return the model."""
        types = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in self.feeds.items()}
        graph = helper.make_graph(
            self.nodes,
            "golden",
            [helper.make_tensor_value_info(name, types[name], array.shape) for name, array in self.feeds.items()],
            [helper.make_tensor_value_info(name, self.kind, [None] * axes) for name, axes in self.outputs.items()],
            [numpy_helper.from_array(array, name) for name, array in self.stored.items()],
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=self.ir_version)

    def build(self) -> bytes:
        """Return the bytes of the model."""
        return bytes(self.proto().SerializeToString(deterministic=True))

    def named(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return arrays of the golden's outputs under the model's names and in its shapes."""
        return {name: self.to_model(name, array) for name, array in zip(self.outputs, arrays.values(), strict=True)}


def onnx_model(golden: Inputs, *, stored_weights: bool = True) -> OnnxModel:
    """Return the model of a golden in its precision.

    The model of a network stores the weights, or has an input for each of them; that of a recurrence has inputs. Raises
    Unsupported if ONNX, or the installed version, has no operator for the cell or for packed sequences.
    """
    if golden.cell in ATTRIBUTES:
        return network_model(golden, stored_weights=stored_weights)
    return _recurrence_model(golden)


def network_model(golden: Inputs, *, stored_weights: bool = True) -> OnnxModel:
    """Return the model of a network, as ``onnx_model`` does."""
    config, states, layers = golden.network, golden.layout.states, range(golden.network.num_layers)
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(TYPES[golden.dtype]))
    weights = {name: array.astype(dtype) for name, array in golden.weights_as("onnx").items()}
    fed = {"x": batched(golden, "x", golden.x).astype(dtype)}
    if golden.lengths is not None:
        fed["lengths"] = golden.lengths.astype(np.int32)
    for name, state in golden.given_states.items():
        parts = np.split(batched(golden, name, state).astype(dtype), config.num_layers)
        fed |= {f"{name}_l{layer}": part for layer, part in enumerate(parts)}
    nodes = [helper.make_node("Transpose", ["x"], ["x_l0"], perm=[1, 0, 2])]
    for layer in layers:
        nodes += _layer(golden, f"l{layer}", f"x_l{layer + 1}", available={*weights, *fed})
    nodes.append(helper.make_node("Transpose", [f"x_l{config.num_layers}"], ["out"], perm=[1, 0, 2]))
    for name in states:
        nodes.append(helper.make_node("Concat", [f"{name}_n_l{layer}" for layer in layers], [f"{name}_n"], axis=0))
    joined = np.array([0, 0, config.num_directions * config.hidden_size], dtype=np.int64)
    return OnnxModel(
        operator=ATTRIBUTES[golden.cell]["op_type"],
        opset=OPSET,
        ir_version=IR_VERSION,
        feeds=fed if stored_weights else {**fed, **weights},
        stored={**(weights if stored_weights else {}), "joined": joined},
        nodes=nodes,
        outputs=dict.fromkeys(golden.layout.outputs, 3),
        kind=TYPES[golden.dtype],
        to_golden=partial(outputs, golden),
        to_model=partial(batched, golden),
    )


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


ATTENTION, CONVOLUTION = "LinearAttention", "CausalConvWithState"

OPSET_OF_RECURRENCES, IR_VERSION_OF_RECURRENCES = 27, 13
"""The first operator set with these operators, and the version of its file format."""

_AXES = {ATTENTION: {"output": 3, "present_state": 4}, CONVOLUTION: {"output": 3, "present_state": 3}}
"""By operator, its outputs, in the order of a golden's, with the number of their axes."""

_INPUTS = {
    ATTENTION: {"query": "q", "key": "k", "value": "v", "past_state": "S0", "decay": "g", "beta": "beta"},
    CONVOLUTION: {"input": "x", "weight": "weight", "bias": "bias", "past_state": "window0"},
}
"""By operator, the names of its inputs in order, each with the golden's name."""

_RULES = {
    "linear_attention": "linear",
    "gated_linear_attention": "gated",
    "delta_rule": "delta",
    "gated_delta": "gated_delta",
}
"""The attribute ``update_rule`` by cell."""


def _recurrence_model(golden: Inputs) -> OnnxModel:
    if golden.cell not in (*_RULES, "causal_conv"):
        raise Unsupported(f"ONNX has no operator for {golden.cell}")
    if golden.offsets is not None:
        raise Unsupported("ONNX's operators have no packed sequences")
    if "key_heads" in golden.config:
        raise Unsupported(f"ONNX's {ATTENTION} has one number of heads for keys and values")
    operator = CONVOLUTION if golden.cell == "causal_conv" else ATTENTION
    if onnx.defs.onnx_opset_version() < OPSET_OF_RECURRENCES:
        raise Unsupported(f"onnx {onnx.__version__} has no {operator}; 1.23 does")
    arrays = {**golden.inputs, **golden.weights, **golden.given_states}
    outside, axes = "float64" if golden.dtype == "float64" else "float32", _AXES[operator]
    fed = {
        name: _to_model(operator, name, arrays[ours]).astype(outside)
        for name, ours in _INPUTS[operator].items()
        if ours in arrays
    }
    names = [f"{name}_inside" if name in fed else "" for name in _INPUTS[operator]]
    node = helper.make_node(operator, names, [f"{name}_inside" for name in axes], **_attributes(golden))
    into = [helper.make_node("Cast", [name], [f"{name}_inside"], to=TYPES[golden.dtype]) for name in fed]
    out = [helper.make_node("Cast", [f"{name}_inside"], [name], to=TYPES[outside]) for name in axes]
    return OnnxModel(
        operator=operator,
        opset=OPSET_OF_RECURRENCES,
        ir_version=IR_VERSION_OF_RECURRENCES,
        feeds=fed,
        stored={},
        nodes=[*into, node, *out],
        outputs=axes,
        kind=TYPES[outside],
        to_golden=partial(_to_golden, golden),
        to_model=partial(_to_model, operator),
    )


def _attributes(golden: Inputs) -> dict[str, Any]:
    config = golden.recurrence
    if golden.cell == "causal_conv":
        return {"activation": config.option("activation")}
    heads = {"q_num_heads": config["query_heads"], "kv_num_heads": config["heads"]}
    scale = config.option("scale")
    return {"update_rule": _RULES[golden.cell], **heads, **({} if scale is None else {"scale": float(scale)})}


def _to_model(operator: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if name in ("past_state", "bias", "present_state"):
        return array
    if operator == CONVOLUTION:
        return array[:, None] if name == "weight" else array.swapaxes(1, -1)
    return array.reshape(*array.shape[:2], -1)


def _to_golden(golden: Inputs, found: Sequence[Any]) -> tuple[NDArray[Any], ...]:
    output, state = found
    if golden.cell == "causal_conv":
        output = output.swapaxes(1, -1)
    else:
        output = output.reshape(*output.shape[:2], golden.config["query_heads"], -1)
    return tuple(PRECISIONS[golden.dtype].round(array.astype(np.float64)) for array in (output, state))


_IN_FLOAT32 = {ATTENTION: ATTENTION, CONVOLUTION: "SiLU"}
"""By operator, the part that the reference evaluator computes in float32 whatever the precision is."""


def run_reference(golden: Inputs) -> tuple[NDArray[Any], ...]:
    """Return the output at each time step, then the last states, as ONNX's reference evaluator computes them.

    LinearAttention is float32 inside in half precisions; CausalConvWithState rounds each operation. Raises Unsupported
    for relu, for an LSTM if onnx is older than 1.23, and for float64 if a part is computed in float32.
    """
    from onnx.reference import ReferenceEvaluator

    model = onnx_model(golden)
    part = _IN_FLOAT32.get(model.operator)
    if part and golden.dtype == "float64" and golden.config.get("activation") != "none":
        raise Unsupported(f"onnx.reference computes {part} in float32")
    try:
        with np.errstate(all="ignore"):  # correct although numbers overflow: its sigmoid is 1 / (1 + exp(-x))
            results: Any = ReferenceEvaluator(model.proto()).run(None, model.feeds)
    except RuntimeError as error:  # includes NotImplementedError; other refusals are recognised only by their text
        if "Unable to find input 'c_n_" in str(error):  # as named in ``network_model``
            raise Unsupported(f"onnx.reference of onnx {onnx.__version__} does not return c_n; 1.23 does") from error
        if "Unknown activation function" not in str(error):
            raise
        raise Unsupported(f"onnx.reference: {error}") from error
    return model.to_golden(results)
