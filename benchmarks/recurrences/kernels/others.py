"""The kernels of this package in NumPy, and ONNX's operators LinearAttention and CausalConvWithState."""

from collections.abc import Callable

import numpy as np

from benchmarks.recurrences.kernels.contracts import HALF
from benchmarks.recurrences.kernels.forms import ATTENTION
from rnn_goldens import Unsupported
from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase, packed, recurrence_case
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import resolve
from rnn_goldens.implementations.resolution import Implementation

IN_ONNX = (*ATTENTION, "causal_conv")


def in_numpy(compute: Callable[[RecurrenceCase], Arrays]) -> Implementation:
    """Return a function of one sequence as an implementation that rounds once: half precisions compute in float32."""

    def run(golden: Inputs) -> tuple[Array, ...]:
        case = recurrence_case(golden, np.float32 if golden.dtype in HALF else golden.dtype)
        with np.errstate(all="ignore"):  # exp overflows where sigmoid is 0
            found = packed([compute(part) for part in case.sequences()], case.config)
        return tuple(PRECISIONS[golden.dtype].round(found[n].astype(np.float64)) for n in golden.layout.outputs)

    return run


def built_in(name: str) -> Implementation:
    """Return a built-in implementation of the package; its libraries are imported when it is called."""
    return lambda golden: resolve(name)(golden)  # noqa: PLW0108 - resolve imports


def onnxruntime_kernel(golden: Inputs) -> tuple[Array, ...]:
    """Compute by ONNX Runtime's own operators of the same names, which have kernels for CPUs in float32."""
    import onnx

    from rnn_goldens.implementations.onnx_model import onnx_model
    from rnn_goldens.implementations.onnx_runtime import open_session

    if golden.dtype != "float32":
        raise Unsupported("the kernels of ONNX Runtime for CPUs are float32")
    built = onnx_model(golden)
    model = built.proto()
    next(node for node in model.graph.node if node.op_type != "Cast").domain = "com.microsoft"
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    session = open_session(model.SerializeToString())
    return built.to_golden(session.run(None, built.feeds))
