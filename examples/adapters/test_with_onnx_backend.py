"""Checks my_lstm against the two ONNX backend tests of LSTM that it supports."""

from typing import Any

import numpy as np
from my_lstm import Array, lstm
from onnx import ModelProto
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test import BackendTest
from onnx.helper import get_attribute_value


class MyRep(BackendRep):
    def __init__(self, model: ModelProto) -> None:
        self.model = model

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        (node,) = self.model.graph.node
        arrays = dict(zip((i.name for i in self.model.graph.input), inputs, strict=True))
        tensors = dict(zip(("X", "W", "R", "B"), node.input, strict=False))
        attributes = {a.name: get_attribute_value(a) for a in node.attribute}
        hidden = attributes["hidden_size"]
        x = arrays[tensors["X"]].swapaxes(0, 1)
        w_ih, w_hh = (self.reorder(arrays[tensors[name]][0]) for name in ("W", "R"))
        b = np.zeros(8 * hidden, x.dtype) if "B" not in tensors else arrays[tensors["B"]][0]
        b_ih, b_hh = (self.reorder(part) for part in np.split(b, 2))
        zero = np.zeros((len(x), hidden), x.dtype)
        out, h_n, c_n = lstm(x, zero, zero, w_ih, w_hh, b_ih + b_hh)
        results = {"Y": out.swapaxes(0, 1)[:, None], "Y_h": h_n[None], "Y_c": c_n[None]}
        return tuple(results[output] for output, name in zip(("Y", "Y_h", "Y_c"), node.output, strict=False) if name)

    @staticmethod
    def reorder(stacked: Array) -> Array:
        i, o, f, g = np.split(stacked, 4)
        return np.concatenate([i, f, g, o])


class MyBackend(Backend):
    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> MyRep:
        return MyRep(model)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


backend_test = BackendTest(MyBackend, __name__)
backend_test.include("test_lstm_defaults_cpu")
backend_test.include("test_lstm_with_initial_bias_cpu")
globals().update(backend_test.enable_report().test_cases)
