"""ONNX Runtime on the CPU, running the golden's ONNX model, or a user's ONNX file.

The runtime computes float16 in float32, and casts back.

A user's file has its weights as inputs or stored. A path that contains ``{id}``, such as ``exported/{id}.onnx``, stands
for one file per golden with stored weights; a golden without a file is refused. Any other path is one file for every
golden that fits it; a file that an exporter unrolled for a number of time steps fits none.

Inputs are matched by name, outputs by order: out, h_n, c_n. docs/implementations.md lists the names, and the goldens
that are refused. out may also be (time, directions, batch, hidden), as in ONNX's operators. An unbatched golden is
passed as a batch of one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, RuntimeException
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.network_construction import batched, outputs
from rnn_goldens.implementations.onnx_model import TYPES, onnx_model
from rnn_goldens.implementations.onnx_nodes import RECURRENT, load, require_same_network
from rnn_goldens.plurals import counted

Array = NDArray[Any]

SILENT = 4
"""Log level at which errors are raised but not written to stderr."""

X_NAMES, TIME_FIRST = ("x", "input"), "X"

ONNX_OUT = 4
"""Number of axes of out in ONNX's operators."""


def run(golden: Inputs) -> tuple[Array, ...]:
    """Return the output at each time step, then the last states.

    ONNX Runtime has no kernels for the operators of recurrences: it computes the functions that define them. Raises
    Unsupported if it has no kernel for the precision (float64, bfloat16), or is older than the operator.
    """
    model, version = onnx_model(golden), onnxruntime.__version__
    try:
        results = _session(model.build()).run(None, model.feeds)
    except (NoKernel, RuntimeException) as error:
        if isinstance(error, RuntimeException) and "does not support" not in str(error):
            raise
        raise Unsupported(f"no {golden.dtype} {model.operator} in onnxruntime {version}: {error}") from error
    except (Fail, InvalidGraph) as error:
        needed = f"{golden.dtype} {model.operator} of operator set {model.opset}"
        raise Unsupported(f"onnxruntime {version} cannot load {needed}") from error
    return model.to_golden(results)


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """Return a session for a file or its bytes, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_session = lru_cache(maxsize=1)(open_session)
"""Returns the same session for the next call with the same bytes."""


def file_implementation(path: str) -> Callable[[Inputs], tuple[Array, ...]]:
    """Return the implementation, which returns out, h_n (and c_n).

    Raises WrongUse if the file does not exist, is not an ONNX model, or is unrolled for a number of time steps.
    """
    opened, is_for_all = lru_cache(maxsize=1)(_open), "{id}" not in path
    if is_for_all:
        _require_not_unrolled(path, opened(path)[0])
    first: dict[str, Inputs] = {}

    def run(golden: Inputs) -> tuple[Array, ...]:
        before = first.setdefault(golden.id, golden).stored.weights
        own_path, count = path.replace("{id}", golden.id), len(golden.layout.outputs)
        if not Path(own_path).is_file():
            raise Unsupported(f"there is no file {path}{'' if is_for_all else ' for this golden'}")
        model, session = opened(own_path)
        if is_for_all:
            require_same_network(model.graph, golden)
        fed = _feeds(model.graph, golden)
        changed = any(not np.array_equal(before[name], array) for name, array in golden.stored.weights.items())
        if changed and not {*golden.weights, "W", "l0/W"} & fed.keys():
            raise Unsupported(f"{own_path} stores its weights: they cannot be changed")
        out, *states = session.run(None, fed)[:count]
        if 1 + len(states) < count:
            names = [output.name for output in model.graph.output]
            raise Unsupported(f"{own_path} returns {', '.join(names)}: out, h_n (and c_n) are required")
        if out.ndim == ONNX_OUT:
            out = out.transpose(2, 0, 1, 3).reshape(out.shape[2], out.shape[0], -1)
        elif TIME_FIRST in fed:
            out = out.transpose(1, 0, 2)
        return outputs(golden, [out, *states])

    return run


def _open(path: str) -> tuple[ModelProto, onnxruntime.InferenceSession]:
    model = load(path)
    try:
        return model, open_session(path)
    except NoKernel as error:
        raise Unsupported(f"ONNX Runtime has no kernel for {path}: {error}") from None
    except Exception as error:  # ONNX Runtime raises several types, none of them public
        raise WrongUse(f"{path} cannot be run by ONNX Runtime: {error}") from None


def _require_not_unrolled(path: str, model: ModelProto) -> None:
    """Raise WrongUse for a file with stored weights, a fixed number of time steps and no operator that repeats."""
    nodes = (*model.graph.node, *(node for function in model.functions for node in function.node))
    inputs = _inputs(model.graph)
    x = next((inputs[name] for name in (*X_NAMES, TIME_FIRST) if name in inputs), None)
    if x is None or _of_weights(inputs) or any(node.op_type in (*RECURRENT, "Loop", "Scan") for node in nodes):
        return
    steps = [size.dim_value for size in x.shape.dim][0 if TIME_FIRST in inputs else -2]
    if steps:
        raise WrongUse(
            f"{path} has no operator RNN, LSTM or GRU and takes {counted(steps, 'time step')} only: its exporter "
            "unrolled the loop, so it fits one golden at most. Export one file per golden, named exported/{id}.onnx; "
            "for layers of torch.nn, torch.onnx.export(…, dynamo=False) writes the operator"
        )


def _feeds(graph: GraphProto, golden: Inputs) -> dict[str, Array]:
    inputs = _inputs(graph)
    known = dict(_known(golden))
    if unknown := [name for name in inputs if name not in known]:
        raise WrongUse(f"the model has an input {unknown[0]!r}; known inputs: {', '.join(known)}")
    _require_inputs(inputs, golden)
    fed = {}
    for name, kind in inputs.items():
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        array = known[name]
        if array.dtype.kind == "f" and kind.elem_type != TYPES[golden.dtype]:
            raise Unsupported(f"the model's {name} is {TensorProto.DataType.Name(kind.elem_type).lower()}")
        fixed = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        fits = [n if f is None else f for n, f in zip(array.shape, fixed, strict=False)] == [*array.shape]
        if kind.HasField("shape") and not (fits and len(fixed) == array.ndim):
            raise Unsupported(f"the model's {name} is {_sizes(fixed)}, the golden's {_sizes(array.shape)}")
        fed[name] = array.astype(dtype)
    return fed


def _inputs(graph: GraphProto) -> dict[str, Any]:
    """Return the types of the inputs by name, without stored arrays, which old files list as inputs."""
    stored = {initializer.name for initializer in graph.initializer}
    return {value.name: value.type.tensor_type for value in graph.input if value.name not in stored}


def _of_weights(inputs: Iterable[str]) -> list[str]:
    """Return the names of the inputs that are weights."""
    return [name for name in inputs if name.rpartition("/")[2] in ("W", "R") or name.startswith("weight_")]


def _known(golden: Inputs) -> Iterator[tuple[str, Array]]:
    """Yield every array of a golden under each name that it can have."""
    x = batched(golden, "x", golden.x)
    yield from ((name, x) for name in X_NAMES)
    yield TIME_FIRST, x.swapaxes(0, 1)
    for name, state in golden.states.items():
        start = batched(golden, name, state)
        yield from ((possible, start) for possible in (name, f"initial_{name.removesuffix('0')}"))
        parts = np.split(start, golden.network.num_layers)  # as `export` names them
        yield from ((f"{name}_l{layer}", part) for layer, part in enumerate(parts))
    lengths = np.full(len(x), x.shape[1]) if golden.lengths is None else golden.lengths
    yield from ((name, lengths) for name in ("lengths", "sequence_lens"))
    yield from golden.weights.items()
    as_onnx = golden.weights_as("onnx")
    yield from as_onnx.items()
    if golden.network.num_layers == 1:
        yield from ((name.removeprefix("l0/"), array) for name, array in as_onnx.items())
        if not golden.network.bias:
            yield "B", np.zeros((golden.network.num_directions, 2 * as_onnx["l0/W"].shape[1]), golden.x.dtype)


def _require_inputs(inputs: Mapping[str, Any], golden: Inputs) -> None:
    """Refuse a golden if the model has no input for one of its arrays."""
    if not any(name in inputs for name in (*X_NAMES, TIME_FIRST)):
        raise WrongUse(f"the model has no input x, input or X, but {', '.join(inputs)}")
    if golden.lengths is not None and not {"lengths", "sequence_lens"} & inputs.keys():
        raise Unsupported("the model has no input lengths or sequence_lens")
    if golden.initial_state is not None and not {"h0", "h0_l0", "initial_h"} & inputs.keys():
        raise Unsupported("the model has no input h0 or initial_h")
    biases = [name for name in inputs if name.rpartition("/")[2] == "B" or name.startswith("bias_")]
    if _of_weights(inputs) and golden.network.bias and not biases:
        raise Unsupported("the model has inputs for weights but none for biases")


def _sizes(sizes: tuple[int, ...] | list[int | None]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in sizes)})"
