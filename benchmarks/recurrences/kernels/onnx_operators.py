"""ONNX's operators LinearAttention and CausalConvWithState: in ONNX's reference evaluator and in ONNX Runtime."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from benchmarks.recurrences.kernels.contracts import HALF, rounded_once
from benchmarks.recurrences.kernels.forms import ATTENTION
from benchmarks.recurrences.kernels.kernel import Kernel, arrays_of
from benchmarks.recurrences.kernels.library import Float64
from rnn_goldens import Unsupported
from rnn_goldens.cells.recurrence import RecurrenceCase

Arrays = Mapping[str, NDArray[Any]]
Evaluate = Callable[[bytes, Arrays], list[NDArray[Any]]]

CELLS = (*ATTENTION, "causal_conv")
OPSET, IR_VERSION = 27, 13
"""The first operator set with these operators, and the version of its file format."""

NAMES = {
    "LinearAttention": ("query", "key", "value", "past_state", "decay", "beta"),
    "CausalConvWithState": ("input", "weight", "bias", "past_state"),
}
RULES = dict(zip(ATTENTION, ("linear", "gated", "delta", "gated_delta"), strict=True))
TYPES = {
    "float64": TensorProto.DOUBLE,
    "float32": TensorProto.FLOAT,
    "bfloat16": TensorProto.BFLOAT16,
    "float16": TensorProto.FLOAT16,
}


def _operator(case: RecurrenceCase) -> tuple[str, dict[str, Any]]:
    """Return the operator and its attributes."""
    if case.cell == "causal_conv":
        return "CausalConvWithState", {"activation": case.config.option("activation")}
    attributes: dict[str, Any] = {
        "update_rule": RULES[case.cell],
        "q_num_heads": case.config["query_heads"],
        "kv_num_heads": case.config["heads"],
    }
    if (scale := case.config.option("scale")) == 0:
        raise Unsupported("a scale of 0 is ONNX's default, 1 / √d_k")
    return "LinearAttention", attributes if scale is None else {**attributes, "scale": float(scale)}


def _in_layout_of_onnx(case: RecurrenceCase, precision: str) -> dict[str, Float64]:
    """Return the inputs of the operator: heads packed in the last axis, or channels before time."""
    x = arrays_of(case, precision)
    if case.cell == "causal_conv":
        found = {"input": x["x"].swapaxes(1, 2), "weight": x["weight"][:, None], "bias": x["bias"]}
        found["past_state"] = x["window0"]
    else:
        names = {"query": "q", "key": "k", "value": "v", "decay": "g", "beta": "beta"}
        found = {name: x[ours].reshape(*x[ours].shape[:2], -1) for name, ours in names.items() if ours in x}
        found["past_state"] = x["S0"]
    return found if case.state_given else {name: array for name, array in found.items() if name != "past_state"}


@lru_cache(maxsize=256)
def _model(
    operator: str, domain: str, attributes: tuple[tuple[str, Any], ...], shapes: tuple[tuple[str, Any], ...],
    precision: str, outside: str,
) -> bytes:  # fmt: skip
    """Return a model of one operator, with inputs and outputs of the type ``outside``."""
    given, outputs = dict(shapes), ("output", "present_state")
    inner = [f"{name}_inside" if name in given else "" for name in NAMES[operator]]
    node = helper.make_node(operator, inner, [f"{name}_inside" for name in outputs], domain=domain, **dict(attributes))
    into = [helper.make_node("Cast", [name], [f"{name}_inside"], to=TYPES[precision]) for name in given]
    out = [helper.make_node("Cast", [f"{name}_inside"], [name], to=TYPES[outside]) for name in outputs]
    graph = helper.make_graph(
        [*into, node, *out],
        operator,
        [helper.make_tensor_value_info(name, TYPES[outside], shape) for name, shape in given.items()],
        [helper.make_tensor_value_info(name, TYPES[outside], None) for name in outputs],
    )
    versions = [helper.make_opsetid("", OPSET), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def _kernel(evaluate: Evaluate, refuse: Callable[[RecurrenceCase, str, str], str | None], domain: str = "") -> Kernel:
    """Return an implementation; ``refuse`` returns the reason if it cannot compute a case by a contract."""

    def run(case: RecurrenceCase, precision: str, contract: str = "float32-inside") -> dict[str, Float64]:
        if case.cell not in CELLS:
            raise Unsupported(f"ONNX has no operator for {case.cell}")
        if case.offsets is not None:
            raise Unsupported("ONNX's operators have no packed sequences")
        if (reason := refuse(case, precision, contract)) is not None:
            raise Unsupported(reason)
        operator, attributes = _operator(case)
        arrays = _in_layout_of_onnx(case, precision)
        shapes = tuple((name, array.shape) for name, array in arrays.items())
        outside = "float32" if precision in HALF else precision  # NumPy has no bfloat16
        model = _model(operator, domain, tuple(attributes.items()), shapes, precision, outside)
        output, state = evaluate(model, {name: array.astype(outside) for name, array in arrays.items()})
        if operator == "CausalConvWithState":
            found = {"y": output.swapaxes(1, 2), "window_n": state}
        else:
            heads = case.config["query_heads"]
            found = {"o": output.reshape(*output.shape[:2], heads, -1), "S_n": state}
        return {name: rounded_once(array, precision) for name, array in found.items()}

    return run


def _in_reference(model: bytes, arrays: Arrays) -> list[NDArray[Any]]:
    return list(_reference(model).run(None, dict(arrays)))


@lru_cache(maxsize=256)
def _reference(model: bytes) -> Any:  # noqa: ANN401 - the class has no annotations
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(onnx.load_from_string(model))


def _in_runtime(model: bytes, arrays: Arrays) -> list[NDArray[Any]]:
    return list(_session(model).run(None, dict(arrays)))


@lru_cache(maxsize=256)
def _session(model: bytes) -> Any:  # noqa: ANN401 - the class has no annotations
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _refused_by_reference(case: RecurrenceCase, precision: str, contract: str) -> str | None:
    if case.cell != "causal_conv":
        if precision == "float64":
            return "ONNX's reference computes LinearAttention in float32"
        return _only("float32-inside", precision, contract)
    if precision == "float64" and case.config.option("activation") == "silu":
        return "ONNX's reference computes SiLU in float32"
    return _only("all-stored", precision, contract)  # it rounds products, the sum with the bias, and SiLU


def _refused_by_runtime(case: RecurrenceCase, precision: str, contract: str) -> str | None:
    if precision == "float64":
        return "ONNX's operators have no float64"
    if precision == "bfloat16" and case.cell == "causal_conv":
        return "ONNX Runtime has no convolution in bfloat16"
    return _only("float32-inside", precision, contract)


def _refused_by_kernels(_: RecurrenceCase, precision: str, __: str) -> str | None:
    return None if precision == "float32" else "the kernels of ONNX Runtime for CPUs are float32"


def _only(supported: str, precision: str, contract: str) -> str | None:
    return f"rounds by the contract {supported}" if precision in HALF and contract != supported else None


onnx_reference = _kernel(_in_reference, _refused_by_reference)
onnxruntime = _kernel(_in_runtime, _refused_by_runtime)
"""ONNX Runtime has no kernel for ONNX's operators: it computes the function that defines each."""
onnxruntime_kernel = _kernel(_in_runtime, _refused_by_kernels, "com.microsoft")
"""The operators of the same names of ONNX Runtime, which have kernels."""
