"""LiteRT's operator UNIDIRECTIONAL_SEQUENCE_LSTM, one for each layer and direction, without a converter.

The operator has peepholes, a projection, coupled gates (without the weights of the input gate, i = 1 - f) and a clip of
the cell, which LiteRT's converter makes from no Keras layer. Its inputs are listed in TensorFlow's
tensorflow/lite/kernels/unidirectional_sequence_lstm.cc.
"""

import flatbuffers
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.network_construction import batched, outputs, require_cell

Array = NDArray[np.float32]

CELLS = (
    "lstm",
    "lstm_peephole",
    "lstm_projection",
    "lstm_projection_clip",
    "lstm_coupled_input",
    "lstm_cell_clip",
    "lstm_reverse",
)


def run(golden: Inputs) -> tuple[Array, ...]:
    """Return out, h_n and c_n. Raises Unsupported for gradients, lengths, and cells and precisions without a kernel."""
    require_cell(golden, "LiteRT's LSTM operator", CELLS)
    if golden.dtype != "float32" or golden.has_cotangents:
        raise Unsupported("LiteRT's LSTM operator computes outputs in float32")
    if golden.lengths is not None:
        raise Unsupported("LiteRT's LSTM operator takes no lengths")
    below, last = batched(golden, "x", golden.x), []
    starts = zip(*(batched(golden, name, state) for name, state in golden.states.items()), strict=True)
    for suffixes in golden.network.layers:
        outs = []
        for suffix in suffixes:
            turn = slice(None, None, -1 if suffix.endswith("_reverse") else 1)
            out, *states = _layer(golden, suffix, below[:, turn], next(starts))
            outs.append(out[:, turn])
            last.append(states)
        below = np.concatenate(outs, axis=-1)
    return outputs(golden, (below, *(np.stack(states) for states in zip(*last, strict=True))))


def _layer(golden: Inputs, suffix: str, x: Array, start: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return out, h and c of one layer in one direction."""
    content, variables = _model(golden, suffix, x, start)
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for index, state in zip(variables, start, strict=True):
        interpreter.set_tensor(index, state)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(x))
    interpreter.invoke()
    (out,) = interpreter.get_output_details()
    return tuple(interpreter.get_tensor(index) for index in (out["index"], *variables))


def _model(golden: Inputs, suffix: str, x: Array, start: tuple[Array, ...]) -> tuple[bytes, list[int]]:
    """Return the bytes of a model of one operator, and the places of its two variables, h and c."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs, graph.tensors = 3, [schema.BufferT()], [graph], []

    def tensor(shape: tuple[int, ...], data: Array | None = None, *, is_variable: bool = False) -> int:
        added = schema.TensorT()
        added.shape, added.type, added.isVariable = list(shape), schema.TensorType.FLOAT32, is_variable
        added.name, added.buffer = f"tensor {len(graph.tensors)}".encode(), 0
        if data is not None:
            stored = schema.BufferT()
            stored.data = np.frombuffer(np.ascontiguousarray(data, np.float32).tobytes(), np.uint8)
            model.buffers.append(stored)
            added.buffer = len(model.buffers) - 1
        graph.tensors.append(added)
        return len(graph.tensors) - 1

    given = tensor(x.shape)
    weights = [-1 if array is None else tensor(array.shape, array) for array in _weights(golden, suffix)]
    variables = [tensor(state.shape, is_variable=True) for state in start]
    out = tensor((*x.shape[:2], golden.network.output_size))
    operator, options, code = schema.OperatorT(), schema.UnidirectionalSequenceLSTMOptionsT(), schema.OperatorCodeT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    options.projClip = float(golden.options.get("proj_clip", 0))
    options.cellClip = float(golden.options.get("cell_clip", 0))
    operator.builtinOptionsType = schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
    operator.builtinOptions = options
    no_normalization = [-1] * 4
    operator.inputs, operator.outputs = [given, *weights, *variables, *no_normalization], [out]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
    graph.operators, graph.inputs, graph.outputs, model.operatorCodes = [operator], [given], [out], [code]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()), variables


def _weights(golden: Inputs, suffix: str) -> list[Array | None]:
    """Return the operator's weights in its order; None for those that the cell does not have."""
    weights, gates = golden.weights, golden.layout.gates

    def by_gate(name: str) -> dict[str, Array]:
        return dict(zip(gates, np.split(weights[f"{name}_{suffix}"], len(gates)), strict=True))

    of_x, of_h = by_gate("weight_ih"), by_gate("weight_hh")
    zeros = dict.fromkeys(gates, np.zeros(golden.network.hidden_size, np.float32))
    b_ih, b_hh = (by_gate(name) if golden.network.bias else zeros for name in ("bias_ih", "bias_hh"))
    return [
        *(of_x.get(gate) for gate in "ifgo"),
        *(of_h.get(gate) for gate in "ifgo"),
        *(weights.get(f"p_{gate}_{suffix}") for gate in "ifo"),
        *(b_ih[gate] + b_hh[gate] if gate in gates else None for gate in "ifgo"),
        weights.get(f"weight_hr_{suffix}"),
        None,  # the bias of the projection
    ]
