"""An ONNX file in ONNX Runtime, with weights as inputs or stored in the file.

A path that contains ``{id}``, such as ``exported/{id}.onnx``, stands for one file per golden with stored weights; a
golden without a file is refused. Any other path is one file for every golden that fits it; a file that an exporter
unrolled for a number of time steps fits none.

Inputs are matched by name, outputs by order: out, h_n, c_n.

- ``x`` or ``input`` (batch, time, input); or ``X`` (time, batch, input), as in ONNX's operators.
- ``h0`` and ``c0``, or ``initial_h`` and ``initial_c``: (layers·directions, batch, hidden). By default zeros.
- ``lengths`` or ``sequence_lens`` (batch,). By default the number of time steps.
- Weights: PyTorch's names, or ``l0/W``, ``l0/R``, ``l0/B`` and so on; for one layer ``W``, ``R``, ``B``.
- out may also be (time, directions, batch, hidden), as in ONNX's operators.

A golden is refused if the file differs from it in type or a fixed size, or lacks an input for one of its arrays; by a
single file also if operator, activations, clip, input_forget, peepholes, linear_before_reset, number of layers,
direction, hidden size or stored weights differ. An unbatched golden is passed as a batch of one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.implementations.arguments import require_cell
from rnn_goldens.implementations.batch_of_one import batched, outputs
from rnn_goldens.implementations.onnx.model import ATTRIBUTES, TYPES
from rnn_goldens.implementations.onnx.session import open_session
from rnn_goldens.plurals import counted

Array = NDArray[Any]

RECURRENT = ("RNN", "LSTM", "GRU")
LOOPS = ("Loop", "Scan")
X_NAMES, TIME_FIRST = ("x", "input"), "X"
DEFAULT_ACTIVATIONS = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}
PLAIN = ("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus")
PARAMETERS: Mapping[str, tuple[float, ...]] = {
    "Affine": (1.0, 0.0),
    "LeakyRelu": (0.01,),
    "ThresholdedRelu": (1.0,),
    "ScaledTanh": (1.0, 1.0),
    "HardSigmoid": (0.2, 0.5),
    "Elu": (1.0,),
}
"""Activations that take alpha, or alpha and beta, with the defaults of ONNX Runtime."""
PEEPHOLES = 7
"""Index of an LSTM's peephole input."""
ONNX_OUT = 4
"""Number of axes of out in ONNX's operators."""


def wrap(path: str) -> Callable[[Inputs], tuple[Array, ...]]:
    """Return the implementation, which returns out, h_n (and c_n).

    Raises:
        WrongUse: the file does not exist, is not an ONNX model, or is unrolled for a number of time steps.
    """
    opened = lru_cache(maxsize=1)(_open)
    if "{id}" not in path:
        _require_not_unrolled(path, opened(path)[0])
    first: dict[str, Inputs] = {}

    def run(golden: Inputs) -> tuple[Array, ...]:
        required = first.setdefault(golden.id, golden)
        own_path = path.replace("{id}", golden.id)
        if not Path(own_path).is_file():
            raise Unsupported(
                f"there is no file {path} for this golden" if own_path != path else f"there is no file {path}"
            )
        before = required.stored.weights
        changed = any(not np.array_equal(before[name], array) for name, array in golden.stored.weights.items())
        return _run(own_path, *opened(own_path), golden, for_all=own_path == path, changed=changed)

    return run


def _run(
    path: str,
    model: ModelProto,
    session: onnxruntime.InferenceSession,
    golden: Inputs,
    *,
    for_all: bool,
    changed: bool,
) -> tuple[Array, ...]:
    if for_all:
        _require_same_network(model.graph, golden)
        _require_its_weights(model.graph, golden)
    fed = _feeds(model.graph, golden)
    if changed and not golden.weights.keys() & fed.keys() and not {"W", "l0/W"} & fed.keys():
        raise Unsupported(f"{path} stores its weights: they cannot be changed")
    results = session.run(None, fed)
    if len(results) < 1 + len(golden.layout.states):
        names = [output.name for output in model.graph.output]
        raise Unsupported(f"{path} returns {', '.join(names)}: out, h_n (and c_n) are required")
    out, *states = results[: 1 + len(golden.layout.states)]
    if out.ndim == ONNX_OUT:
        out = out.transpose(2, 0, 1, 3).reshape(out.shape[2], out.shape[0], -1)
    elif TIME_FIRST in fed:
        out = out.transpose(1, 0, 2)
    return outputs(golden, [out, *states])


def _load(path: str) -> ModelProto:
    if not Path(path).is_file():  # a pipe would block
        raise WrongUse(f"{path} is not a file" if Path(path).exists() else f"there is no file {path}")
    try:
        return onnx.load(path)
    except Exception as error:  # protobuf raises various errors on bytes that are not a model
        raise WrongUse(f"{path} is not an ONNX model: {error}") from None


def _open(path: str) -> tuple[ModelProto, onnxruntime.InferenceSession]:
    model = _load(path)
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
    if x is None or _of_weights(inputs) or any(node.op_type in (*RECURRENT, *LOOPS) for node in nodes):
        return
    steps = [size.dim_value for size in x.shape.dim][0 if TIME_FIRST in inputs else -2]
    if steps:
        raise WrongUse(
            f"{path} has no operator RNN, LSTM or GRU and takes {counted(steps, 'time step')} only: its exporter "
            "unrolled the loop, so it fits one golden at most. Export one file per golden, named exported/{id}.onnx; "
            "for layers of torch.nn, torch.onnx.export(…, dynamo=False) writes the operator"
        )


def _require_same_network(graph: GraphProto, golden: Inputs) -> None:
    """Refuse a golden whose network differs from the graph's; a graph without recurrent operators is not inspected."""
    nodes = _recurrent(graph)
    if not nodes:
        return
    require_cell(golden, nodes[0].op_type, ATTRIBUTES)
    config, wanted = golden.network, ATTRIBUTES[golden.cell]
    first = _attributes(nodes[0])
    required = {
        "operator": (nodes[0].op_type, wanted["op_type"]),
        "number of layers": (len(nodes), config.num_layers),
        "hidden_size": (first.get("hidden_size"), config.hidden_size),
        "direction": (first.get("direction", "forward"), config.onnx_direction),
    }
    for node in nodes:
        required |= _equations(graph, node, golden.cell, config.num_directions)
        for what, (has, wanted_value) in required.items():
            if has != wanted_value:
                verb = "are" if what == "activations" else "is"
                raise Unsupported(f"the model's {what} {verb} {has}, the golden's {wanted_value}")


def _recurrent(graph: GraphProto) -> list[NodeProto]:
    return [node for node in graph.node if node.op_type in RECURRENT]


def _equations(graph: GraphProto, node: NodeProto, cell: str, directions: int) -> dict[str, tuple[object, object]]:
    """Return the properties of a node's equations, each with the value that the cell requires."""
    has, wanted = _attributes(node), ATTRIBUTES[cell]
    peepholes = "given" if _has_peepholes(graph, node) else "none"
    found: dict[str, tuple[object, object]] = {
        "activations": (
            ", ".join(activations(has, node.op_type)),
            ", ".join(directions * activations(wanted, str(wanted["op_type"]))),
        ),
        "clip": (_number(has.get("clip")), _number(wanted.get("clip"))),
        "input_forget": (has.get("input_forget", 0), wanted.get("input_forget", 0)),
        "input P (peepholes)": (peepholes, "given" if LAYOUTS[cell].further else "none"),
    }
    if "linear_before_reset" in wanted:
        found["linear_before_reset"] = (has.get("linear_before_reset", 0), wanted["linear_before_reset"])
    return found


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def activations(attributes: Mapping[str, Any], operator: str) -> list[str]:
    """Return the activations of a node in all its directions, with their parameters: "HardSigmoid(0.2, 0.5)".

    Alphas and betas are assigned in order to the activations that take them; the defaults are used after the last.
    """
    alphas, betas = iter(attributes.get("activation_alpha", ())), iter(attributes.get("activation_beta", ()))
    directions = 1 + (attributes.get("direction") == "bidirectional")
    found = []
    for given in attributes.get("activations", directions * DEFAULT_ACTIVATIONS[operator]):
        name = next((known for known in (*PARAMETERS, *PLAIN) if known.lower() == given.lower()), given)
        defaults = PARAMETERS.get(name, ())
        values = [next(source, default) for source, default in zip((alphas, betas), defaults, strict=False)]
        found.append(f"{name}({', '.join(f'{value:g}' for value in values)})" if values else name)
    return found


def cells_of(path: str) -> tuple[str, ...]:
    """Return the cells whose equations the recurrent nodes of a file have; () without such nodes.

    Raises:
        WrongUse: the file does not exist or is not an ONNX model.
    """
    graph = _load(path).graph
    nodes = _recurrent(graph)
    return tuple(cell for cell in ATTRIBUTES if nodes and all(_is(graph, node, cell) for node in nodes))


def nearest_cell(path: str) -> str:
    """Return the cell that is nearest to the first recurrent node of a file, and how the node differs; "" if none."""
    graph = _load(path).graph
    for node in _recurrent(graph)[:1]:
        cells = [cell for cell, attributes in ATTRIBUTES.items() if attributes["op_type"] == node.op_type]
        differences = {cell: _differences(graph, node, cell) for cell in cells}
        nearest = min(cells, key=lambda cell: (len(differences[cell]), cell not in DIALECTS))
        if differences[nearest]:
            return f"{nearest}, but {' and '.join(differences[nearest])}"
    return ""


def _is(graph: GraphProto, node: NodeProto, cell: str) -> bool:
    return node.op_type == ATTRIBUTES[cell]["op_type"] and not _differences(graph, node, cell)


def _differences(graph: GraphProto, node: NodeProto, cell: str) -> list[str]:
    """Return how the equations of a node differ from those of a cell of the same operator."""
    direction = _attributes(node).get("direction", "forward")
    wanted = (DIALECTS[cell].options if cell in DIALECTS else {}).get("direction", "forward")
    properties = _equations(graph, node, cell, 1 + (direction == "bidirectional"))
    if "reverse" in (direction, wanted):
        properties["direction"] = (direction, wanted)
    return [f"{what} is {has}, not {of_cell}" for what, (has, of_cell) in properties.items() if has != of_cell]


def _has_peepholes(graph: GraphProto, node: NodeProto) -> bool:
    """Return whether an LSTM may have nonzero peepholes."""
    if len(node.input) <= PEEPHOLES or not node.input[PEEPHOLES]:
        return False
    stored = _stored_arrays(graph).get(node.input[PEEPHOLES])
    return stored is None or bool(stored.any())


def _stored_arrays(graph: GraphProto) -> dict[str, Array]:
    return {initializer.name: numpy_helper.to_array(initializer) for initializer in graph.initializer}


def _require_its_weights(graph: GraphProto, golden: Inputs) -> None:
    """Refuse a golden with other weights than the stored ones. Weights that differ only in order or sign are a bug."""
    stored, wanted = _stored_arrays(graph), golden.weights_as("onnx")
    for layer, node in enumerate(_recurrent(graph)):
        for name, position in (("W", 1), ("R", 2)):
            weights = stored.get(node.input[position])
            if weights is not None and not _are_the_same_numbers(weights, wanted[f"l{layer}/{name}"]):
                raise Unsupported(
                    "the model stores other weights than this golden's: export one file per golden, named "
                    "exported/{id}.onnx"
                )


def _are_the_same_numbers(one: Array, other: Array) -> bool:
    """Return whether the numbers are equal in any order and with any signs."""
    first, second = (np.sort(abs(array.astype(np.float64)), axis=None) for array in (one, other))
    return np.array_equal(first, second)


def _attributes(node: NodeProto) -> dict[str, Any]:
    def plain(attribute: AttributeProto) -> Any:  # noqa: ANN401 - int, float, text or a list of them
        value = helper.get_attribute_value(attribute)
        if isinstance(value, list):
            return [v.decode() if isinstance(v, bytes) else v for v in value]
        return value.decode() if isinstance(value, bytes) else value

    return {attribute.name: plain(attribute) for attribute in node.attribute}


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
        if kind.HasField("shape") and not _fits(array.shape, fixed):
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


def _fits(shape: tuple[int, ...], fixed: list[int | None]) -> bool:
    return len(shape) == len(fixed) and all(f in (None, n) for n, f in zip(shape, fixed, strict=True))


def _sizes(sizes: tuple[int, ...] | list[int | None]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in sizes)})"
