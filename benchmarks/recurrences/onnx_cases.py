"""ONNX's own backend cases of LinearAttention and CausalConvWithState, as cases of recurrences."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.onnx_tests import accepts, node_tests, parts
from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.recurrence_config import RecurrenceConfig, recurrence_config
from rnn_goldens.golden.recurrences import BY_KEY

Arrays = Mapping[str, NDArray[Any]]

CONVOLUTION = "causal_conv"

INPUTS = {
    "LinearAttention": ("q", "k", "v", "S0", "g", "beta"),
    "CausalConvWithState": ("x", "weight", "bias", "window0"),
}
"""Our names of the inputs of both operators, in order."""

RULES = {
    b"linear": "linear_attention",
    b"gated": "gated_linear_attention",
    b"delta": "delta_rule",
    b"gated_delta": "gated_delta",
}
"""The cell of each update rule."""

LEFT_OUT = "test_causal_conv_with_state_kernel_size_one"
"""A kernel of one tap has no past, so its state is empty; a golden always has a state."""


@dataclass(frozen=True, eq=False)
class OnnxCase:
    """A backend case.

    Attributes:
        name: its name in ONNX.
        case: the inputs, in float32; those in float16 are converted.
        expected: the outputs in ONNX's layout and type.
        rtol, atol: ONNX's tolerances.
    """

    name: str
    case: RecurrenceCase
    expected: tuple[NDArray[Any], ...]
    rtol: float
    atol: float

    def accepts(self, outputs: Mapping[str, Array]) -> bool:
        """Return whether ONNX's test runner accepts outputs."""
        output, state = outputs.values()
        of_convolution = self.case.cell == CONVOLUTION
        output = output.swapaxes(1, 2) if of_convolution else output.reshape(*output.shape[:2], -1)
        dtype = self.expected[0].dtype
        with np.errstate(all="ignore"):  # outputs in float16 may overflow
            got = [array.astype(dtype) for array in (output, state)]
        return accepts(self.expected, got, self.rtol, self.atol)


@lru_cache(maxsize=1)
def onnx_cases() -> tuple[OnnxCase, ...]:
    """Return the backend cases of both operators, without those of the functions that define the operators.

    ``LEFT_OUT`` is not returned.
    """
    of_operators = [test for test in node_tests() if test.model.graph.node[0].op_type in INPUTS]
    return tuple(_read(test) for test in of_operators if test.name != LEFT_OUT and not test.name.endswith("_expanded"))


def _read(test: Any) -> OnnxCase:  # noqa: ANN401 - an onnx.backend.test.case.TestCase
    node, attributes, arrays, outputs = parts(test, INPUTS)
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    read = _attention if node.op_type == "LinearAttention" else _convolution
    return OnnxCase(test.name, read(arrays, attributes), tuple(outputs), test.rtol, test.atol)


def _attention(x: Arrays, attributes: Mapping[str, Any]) -> RecurrenceCase:
    batch, time, width = x["k"].shape
    heads = attributes["kv_num_heads"]
    options: dict[str, Any] = {"scale": float(attributes["scale"])} if attributes.get("scale") else {}
    if "g" in x and x["g"].shape[-1] > heads:
        options["decay"] = BY_KEY
    sizes = {"heads": heads, "query_heads": attributes["q_num_heads"], "d_k": width // heads}
    cell = RULES[attributes.get("update_rule", b"gated_delta")]
    config = recurrence_config(cell, {**sizes, "d_v": x["v"].shape[-1] // heads, **options})
    inputs = {
        name: np.broadcast_to(x[name].reshape(shape) if x[name].size == np.prod(shape) else x[name], shape)
        for name, shape in config.array_shapes(batch, time).inputs.items()  # beta may be one number for all heads
    }
    return _case(config, inputs, {}, "S0", x)


def _convolution(x: Arrays, attributes: Mapping[str, Any]) -> RecurrenceCase:
    channels, _, width = x["weight"].shape
    activation = "silu" if attributes.get("activation") in (b"silu", b"swish") else "none"
    sizes = {"channels": channels, "width": width, "past": width - 1, "activation": activation}
    weights = {"weight": x["weight"][:, 0], "bias": x.get("bias", np.zeros(channels, np.float32))}
    return _case(recurrence_config(CONVOLUTION, sizes), {"x": x["x"].swapaxes(1, 2)}, weights, "window0", x)


def _case(config: RecurrenceConfig, inputs: Arrays, weights: Arrays, state: str, x: Arrays) -> RecurrenceCase:
    zeros = np.zeros(config.array_shapes(len(next(iter(inputs.values()))), 1).initial[state], np.float32)
    states = {state: x.get(state, zeros)}
    return RecurrenceCase(config.cell, config, inputs, weights, states, state_given=state in x)
