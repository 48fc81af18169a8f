"""A golden of a recurrence as an ONNX model of one operator: LinearAttention or CausalConvWithState, of opset 27.

LinearAttention has the heads packed in the last axis, (batch, time, heads·d); CausalConvWithState has channels before
time. The model's inputs and outputs are float32 in half precisions, and cast inside, because NumPy has no bfloat16.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RecurrenceConfig
from rnn_goldens.implementations.onnx.model import TYPES

Arrays = dict[str, NDArray[Any]]

OPSET, IR_VERSION = 27, 13
"""The first operator set with these operators, and the version of its file format."""

_FIRST = "1.23"
"""The first version of onnx with this operator set."""

ATTENTION, CONVOLUTION = "LinearAttention", "CausalConvWithState"

OUTPUTS = ("output", "present_state")
"""The names of the outputs of both operators, in the order of a golden's outputs."""

_AXES = {ATTENTION: (3, 4), CONVOLUTION: (3, 3)}
"""By operator, the numbers of axes of the outputs."""

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


def operator_of(golden: Inputs) -> str:
    """Return the operator that computes a golden.

    Raises:
        Unsupported: ONNX has no operator for the cell, the operator has no packed sequences, or the installed onnx is
            older than the operator.
    """
    if golden.cell not in (*_RULES, "causal_conv"):
        raise Unsupported(f"ONNX has no operator for {golden.cell}")
    if golden.offsets is not None:
        raise Unsupported("ONNX's operators have no packed sequences")
    operator = CONVOLUTION if golden.cell == "causal_conv" else ATTENTION
    if onnx.defs.onnx_opset_version() < OPSET:
        raise Unsupported(f"onnx {onnx.__version__} has no {operator}; {_FIRST} does")
    return operator


def feeds(golden: Inputs) -> Arrays:
    """Return the model's inputs by ONNX's names. ``past_state`` is absent if the golden gives no initial state."""
    arrays = {**golden.inputs, **golden.weights, **golden.given_states}
    operator = operator_of(golden)
    return {
        name: _to_onnx(operator, name, arrays[ours]).astype(_outside(golden))
        for name, ours in _INPUTS[operator].items()
        if ours in arrays
    }


def _to_onnx(operator: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if name in ("past_state", "bias"):
        return array
    if operator == CONVOLUTION:
        return array[:, None] if name == "weight" else array.swapaxes(1, -1)
    return array.reshape(*array.shape[:2], -1)


def of_model(golden: Inputs, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return arrays of a golden's outputs under the model's names, in its shapes; states have the golden's shape."""
    output, state = arrays.values()
    return dict(zip(OUTPUTS, (_to_onnx(operator_of(golden), "output", output), state), strict=True))


def _outside(golden: Inputs) -> str:
    """Return the type of the model's inputs and outputs."""
    return "float64" if golden.dtype == "float64" else "float32"


def build(golden: Inputs) -> bytes:
    """Return the bytes of the model for a golden in its precision. Raises Unsupported as ``operator_of`` does."""
    shapes = tuple((name, array.shape) for name, array in feeds(golden).items())
    attributes = tuple(_attributes(golden.cell, golden.recurrence).items())
    return _build(operator_of(golden), attributes, shapes, golden.dtype, _outside(golden))


def _attributes(cell: str, config: RecurrenceConfig) -> dict[str, Any]:
    if cell == "causal_conv":
        return {"activation": config.option("activation")}
    attributes = {"update_rule": _RULES[cell], "q_num_heads": config["query_heads"], "kv_num_heads": config["heads"]}
    scale = config.option("scale")
    return attributes if scale is None else {**attributes, "scale": float(scale)}


@lru_cache(maxsize=64)
def _build(
    operator: str,
    attributes: tuple[tuple[str, Any], ...],
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    inside: str,
    outside: str,
) -> bytes:
    given = dict(shapes)
    names = [f"{name}_inside" if name in given else "" for name in _INPUTS[operator]]
    node = helper.make_node(operator, names, [f"{name}_inside" for name in OUTPUTS], **dict(attributes))
    into = [helper.make_node("Cast", [name], [f"{name}_inside"], to=TYPES[inside]) for name in given]
    out = [helper.make_node("Cast", [f"{name}_inside"], [name], to=TYPES[outside]) for name in OUTPUTS]
    graph = helper.make_graph(
        [*into, node, *out],
        "golden",
        [helper.make_tensor_value_info(name, TYPES[outside], shape) for name, shape in given.items()],
        [
            helper.make_tensor_value_info(name, TYPES[outside], [None] * axes)
            for name, axes in zip(OUTPUTS, _AXES[operator], strict=True)
        ],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))


def outputs(golden: Inputs, found: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """Return the output and the last state with the shapes and the precision of the golden, from those of the model."""
    output, state = found
    if golden.cell == "causal_conv":
        output = output.swapaxes(1, -1)
    else:
        output = output.reshape(*output.shape[:2], golden.config["query_heads"], -1)
    return tuple(PRECISIONS[golden.dtype].round(array.astype(np.float64)) for array in (output, state))
