"""ONNX's own backend cases of LinearAttention and CausalConvWithState, as cases of recurrences."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels.onnx_operators import NAMES, RULES
from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.recurrences import RecurrenceConfig, recurrence_config

Arrays = Mapping[str, NDArray[Any]]

CONVOLUTION = "causal_conv"

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
        from onnx.backend.test.runner import Runner

        output, state = outputs.values()
        if self.case.cell == CONVOLUTION:
            in_onnx = [output.swapaxes(1, 2), state]
        else:
            in_onnx = [output.reshape(*output.shape[:2], -1), state]
        dtype = self.expected[0].dtype
        try:
            with np.errstate(all="ignore"):  # outputs in float16 may overflow
                got = [array.astype(dtype) for array in in_onnx]
            Runner.assert_similar_outputs(list(self.expected), got, self.rtol, self.atol)
        except AssertionError:
            return False
        return True


@lru_cache(maxsize=1)
def onnx_cases() -> tuple[OnnxCase, ...]:
    """Return the backend cases of both operators, without those of the functions that define the operators.

    ``LEFT_OUT`` is not returned.
    """
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # load_model_tests creates the tests of every operator, and some overflow
        found = [test for test in load_model_tests(kind="node") if not test.name.endswith("_expanded")]
    of_operators = [test for test in found if test.model and test.model.graph.node[0].op_type in NAMES]
    return tuple(_read(test) for test in of_operators if test.name != LEFT_OUT)


def _read(test: Any) -> OnnxCase:  # noqa: ANN401 - an onnx.backend.test.case.TestCase
    from onnx import helper

    (node,), ((inputs, outputs),) = test.model.graph.node, test.data_sets
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    given = [name for name, used in zip(NAMES[node.op_type], node.input, strict=False) if used]
    arrays = {name: np.asarray(array, np.float32) for name, array in zip(given, inputs, strict=True)}
    read = _attention if node.op_type == "LinearAttention" else _convolution
    return OnnxCase(test.name, read(arrays, attributes), tuple(outputs), test.rtol, test.atol)


def _attention(arrays: Arrays, attributes: Mapping[str, Any]) -> RecurrenceCase:
    rule = attributes.get("update_rule", b"gated_delta").decode()
    cell = next(ours for ours, theirs in RULES.items() if theirs == rule)
    batch, time, width = arrays["key"].shape
    queries, heads = attributes["q_num_heads"], attributes["kv_num_heads"]
    sizes = {"heads": heads, "query_heads": queries, "d_k": width // heads, "d_v": arrays["value"].shape[-1] // heads}
    options: dict[str, Any] = {"scale": float(attributes["scale"])} if attributes.get("scale") else {}
    if "decay" in arrays and arrays["decay"].shape[-1] > heads:
        options["decay"] = "key"
    config = recurrence_config(cell, {**sizes, **options})
    names = {"q": "query", "k": "key", "v": "value", "g": "decay", "beta": "beta"}
    inputs = {
        name: np.broadcast_to(_by_head(arrays[names[name]], shape), shape)  # beta may be one number for all heads
        for name, shape in config.input_shapes(batch, time).items()
    }
    return _case(config, inputs, {}, {"S0": arrays.get("past_state")})


def _by_head(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    return array.reshape(shape) if array.size == np.prod(shape) else array


def _convolution(arrays: Arrays, attributes: Mapping[str, Any]) -> RecurrenceCase:
    channels, _, width = arrays["weight"].shape
    activation = "silu" if attributes.get("activation") in (b"silu", b"swish") else "none"
    sizes = {"channels": channels, "width": width, "past": width - 1, "activation": activation}
    config = recurrence_config(CONVOLUTION, sizes)
    bias = arrays.get("bias", np.zeros(channels, np.float32))
    weights = {"weight": arrays["weight"][:, 0], "bias": bias}
    return _case(config, {"x": arrays["input"].swapaxes(1, 2)}, weights, {"window0": arrays.get("past_state")})


def _case(
    config: RecurrenceConfig, inputs: Arrays, weights: Arrays, states: Mapping[str, NDArray[Any] | None]
) -> RecurrenceCase:
    shapes = config.initial_shapes(len(next(iter(inputs.values()))))
    (given,) = states.values()
    filled = {name: np.zeros(shapes[name], np.float32) if a is None else a for name, a in states.items()}
    return RecurrenceCase(config.cell, config, inputs, weights, filled, state_given=given is not None)
