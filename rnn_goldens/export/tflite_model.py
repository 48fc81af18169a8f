"""Exports an integer LSTM as a model of TensorFlow Lite: one operator, UNIDIRECTIONAL_SEQUENCE_LSTM.

LiteRT and TensorFlow Lite Micro derive multipliers from the scales of tensors; those of the golden must be the same.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.exported_golden import Exported, path_of
from rnn_goldens.golden.integer_config import DOUBLE, IntegerConfig, multipliers
from rnn_goldens.golden.recurrences import INTEGER_GATES

ABSENT = -1
"""The place of a tensor that an operator does not have."""


def tflite(golden: Golden) -> Exported:
    """Return ``model.tflite``, and ``x.bin`` and ``out.bin``: flat, little-endian, of the type of inputs and outputs.

    Raises Unsupported as ``model``.
    """
    files = {"model.tflite": model(golden), "x.bin": golden.x.tobytes(), "out.bin": golden.out.tobytes()}
    return Exported(golden.id, path_of(golden.id), files)


def model(inputs: Inputs) -> bytes:
    """Return the bytes of a model.

    Raises Unsupported for another cell, given states, which a model cannot have, or numbers that scales do not give.
    """
    config = inputs.config
    if not isinstance(config, IntegerConfig):
        raise Unsupported(f"{inputs.cell} is not an LSTM of integers")
    if inputs.given_states:
        raise Unsupported("a model begins with h at its zero point and c = 0: this golden has other states")
    if config.get("rounding", DOUBLE) != DOUBLE:
        raise Unsupported("single rounding is an option of a build, not of a model")
    scales = (config[name] for name in ("x_scale", "h_scale", "W_scale", "R_scale"))
    if any(config[name] != value for name, value in multipliers(inputs.cell, *scales).items()):
        raise Unsupported("its multipliers are not those that an engine derives from its scales")
    return _Model(inputs, config).encoded()


class _Model:
    """A model with one subgraph and one operator, as it grows."""

    def __init__(self, golden: Inputs, config: IntegerConfig) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema, self.golden, self.config = schema, golden, config
        self.buffers, self.tensors = [schema.BufferT()], list[Any]()

    def encoded(self) -> bytes:
        """Return the bytes of the model."""
        import flatbuffers

        schema, graph, model, code = (
            self.schema,
            self.schema.SubGraphT(),
            self.schema.ModelT(),
            self.schema.OperatorCodeT(),
        )
        operator = self.operator()
        graph.tensors, graph.operators = self.tensors, [operator]
        graph.inputs, graph.outputs = operator.inputs[:1], operator.outputs
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
        code.version = 3
        model.version, model.buffers, model.operatorCodes, model.subgraphs = 3, self.buffers, [code], [graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def operator(self) -> Any:  # noqa: ANN401 - flatbuffers has no types
        """Return the operator, and add its tensors."""
        of, golden, width = self.config, self.golden, self.config.width
        batch, (units,) = golden.x.shape[:2], golden.h0.shape[1:]
        x = self.tensor("x", golden.x.shape, width, of["x_scale"], of["x_zero"])
        matrices = [
            self.tensor(f"{matrix}_{gate}", *self.stored(f"{matrix}_{gate}"), scale)
            for matrix in "WR"
            for gate, scale in zip(INTEGER_GATES, of[f"{matrix}_scale"], strict=True)
        ]
        biases = [
            self.tensor(f"b_{gate}", *self.stored(f"b_{gate}"), float(np.float32(scale * of["x_scale"])))
            for gate, scale in zip(INTEGER_GATES, of["W_scale"], strict=True)
        ]
        of_h, of_c = (of["h_scale"], of["h_zero"]), (2.0 ** of["cell_power"], 0)
        h = self.tensor("h", golden.h0.shape, width, *of_h, variable=True)
        c = self.tensor("c", golden.c0.shape, "int16", *of_c, variable=True)
        out = self.tensor("out", (*batch, units), width, *of_h)
        gates = [self.tensor(f"gate_{gate}", (0,), "int16", 2.0**-12) for gate in INTEGER_GATES]
        operator, options = self.schema.OperatorT(), self.schema.UnidirectionalSequenceLSTMOptionsT()
        peepholes, projection = [ABSENT] * 3, [ABSENT] * 2
        operator.inputs = [x, *matrices, *peepholes, *biases, *projection, h, c, *[ABSENT] * 4]
        operator.outputs, operator.intermediates = [out], [*gates, self.tensor("hidden", (0,), width, *of_h)]
        options.fusedActivationFunction = self.schema.ActivationFunctionType.TANH
        options.cellClip = of["cell_clip"] * 2.0 ** of["cell_power"]
        operator.builtinOptionsType = self.schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
        operator.builtinOptions = options
        return operator

    def stored(self, name: str) -> tuple[tuple[int, ...], NDArray[Any]]:
        """Return the shape and the numbers of a weight."""
        array = self.golden.weights[name]
        return array.shape, array

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        kind: str | NDArray[Any],
        scale: float,
        zero: int = 0,
        *,
        variable: bool = False,
    ) -> int:
        """Add a tensor of a type, or with numbers; return its place."""
        tensor, buffer = self.schema.TensorT(), self.schema.BufferT()
        tensor.name, tensor.shape, tensor.isVariable, tensor.buffer = name, list(shape), variable, 0
        tensor.quantization = self.schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero]
        if not isinstance(kind, str):
            buffer.data = np.frombuffer(np.ascontiguousarray(kind).tobytes(), np.uint8)
            self.buffers.append(buffer)
            tensor.buffer, kind = len(self.buffers) - 1, kind.dtype.name
        tensor.type = getattr(self.schema.TensorType, kind.upper())
        self.tensors.append(tensor)
        return len(self.tensors) - 1
