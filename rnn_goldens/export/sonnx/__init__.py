"""Exports goldens as cases for SONNX, the safety-related profile of ONNX; ``accuracy`` writes its pages.

The layout is that of the working group's ``ops`` folder: ``spec/informal/lstm/lstm_acc.md`` is the accuracy page of an
operator, and ``spec/tests/lstm/`` has its cases and a program that checks ONNX Runtime with them.

A case has one operator, with every input and attribute that SONNX wants to be explicit. Its input is ``X`` (time,
batch, input); all else is stored: ``W``, ``R``, ``B``, ``sequence_lens``, ``initial_h``, for an LSTM ``initial_c`` and
``P``; ``layout`` is 0. The outputs are ``Y`` (time, directions, batch, hidden), ``Y_h`` and ``Y_c``.
``tolerance_N.pb`` is the bound on the introduced error of each element: inputs have no error.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.exported_golden import Exported, about, allowed, by_direction, expected, identifier
from rnn_goldens.export.onnx_test_case import case_folder, rounded
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.network_construction import batched
from rnn_goldens.implementations.onnx_model import ATTRIBUTES, IR_VERSION, OPSET, TYPES

Array = NDArray[Any]

_ACTIVATIONS = (["Sigmoid", "Tanh", "Tanh"], ["Sigmoid", "Tanh"], ["Tanh"], ["Relu"])
"""The activations that the profile admits and the accuracy pages cover: of an LSTM, a GRU, and an RNN."""


def sonnx_case(golden: Golden) -> Exported:
    """Return the case. Raises Unsupported for several layers, or if no operator of the profile computes the golden."""
    why = reason_against(golden.cell, golden.features)
    if why:
        raise Unsupported(why)
    operator = operator_of(golden.cell)
    kind = helper.tensor_dtype_to_np_dtype(TYPES[golden.dtype])
    x = batched(golden, "x", golden.x).swapaxes(0, 1).astype(kind)
    names = ("Y", *(f"Y_{state}" for state in golden.layout.states))
    certified, introduced = (
        dict(zip(names, by_direction(golden, arrays).values(), strict=True))
        for arrays in (expected(golden), allowed(golden))
    )
    outputs, bounds = rounded(certified, introduced, PRECISIONS[golden.dtype], kind)
    model = _model(golden, operator, x, outputs)
    files = case_folder(model, input={"X": x}, output=outputs, tolerance=bounds)
    files |= {"golden.json": json_file.encode(about(golden))}
    return Exported(golden.id, f"spec/tests/{operator.lower()}/cases/{identifier(golden.id)}", files)


def reason_against(cell: str, features: Collection[str]) -> str | None:
    """Return why a golden of a cell, with these features, has no case; None if it has one."""
    if cell not in ATTRIBUTES:
        return f"ONNX has no operator RNN, GRU or LSTM for {cell}"
    if ATTRIBUTES[cell]["activations"] not in _ACTIVATIONS:
        return "the profile restricts the activations to Sigmoid, Tanh and Relu"
    return "a case has one operator, and the golden several layers" if "multilayer" in features else None


def operator_of(cell: str) -> str:
    """Return the operator that computes a cell."""
    return str(ATTRIBUTES[cell]["op_type"])


def _model(golden: Golden, operator: str, x: Array, outputs: Mapping[str, Array]) -> bytes:
    stored = {name: array.astype(x.dtype) for name, array in _stored(golden, operator, x).items()}
    stored["sequence_lens"] = stored["sequence_lens"].astype(np.int32)
    node = helper.make_node(operator, ["X", *stored], list(outputs), **_attributes(golden, operator))
    graph = helper.make_graph(
        [node],
        identifier(golden.id),
        [helper.make_tensor_value_info("X", TYPES[golden.dtype], x.shape)],
        [helper.make_tensor_value_info(name, TYPES[golden.dtype], array.shape) for name, array in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))


def _stored(golden: Golden, operator: str, x: Array) -> dict[str, Array]:
    """Return the operator's further inputs, in order. Absent ones are zeros, as the profile demands."""
    config, weights = golden.network, golden.weights_as("onnx")
    directions, hidden, batch = config.num_directions, config.hidden_size, x.shape[1]
    lengths = np.full(batch, x.shape[0]) if golden.lengths is None else golden.lengths
    states = {
        f"initial_{name.removesuffix('0')}": batched(golden, name, array) for name, array in golden.states.items()
    }
    rows = weights["l0/W"].shape[1]
    peepholes = {"P": weights.get("l0/P", np.zeros((directions, 3 * hidden)))} if operator == "LSTM" else {}
    bias = weights.get("l0/B", np.zeros((directions, 2 * rows)))
    return {"W": weights["l0/W"], "R": weights["l0/R"], "B": bias, "sequence_lens": lengths, **states, **peepholes}


def _attributes(golden: Golden, operator: str) -> dict[str, Any]:
    config, of_cell = golden.network, ATTRIBUTES[golden.cell]
    explicit = {"input_forget": 0} if operator == "LSTM" else {}
    return {
        **explicit,
        **{name: value for name, value in of_cell.items() if name not in ("op_type", "activations")},
        "activations": of_cell["activations"] * config.num_directions,
        "hidden_size": config.hidden_size,
        "direction": config.onnx_direction,
        "layout": 0,
    }


OPERATORS: Mapping[str, str] = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
"""Operators by the name of their folder."""
