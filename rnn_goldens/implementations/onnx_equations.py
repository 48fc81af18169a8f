"""The equations of the recurrent nodes of an ONNX file: which cells have them, and how they differ from a golden's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, helper, numpy_helper

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.implementations.onnx_model import ATTRIBUTES
from rnn_goldens.implementations.own_class import require_cell

Array = NDArray[Any]

RECURRENT = ("RNN", "LSTM", "GRU")
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


def load(path: str) -> ModelProto:
    """Return the model in a file; raises WrongUse if there is no file, or it is not an ONNX model."""
    if not Path(path).is_file():  # a pipe would block
        raise WrongUse(f"{path} is not a file" if Path(path).exists() else f"there is no file {path}")
    try:
        return onnx.load(path)
    except Exception as error:  # protobuf raises various errors on bytes that are not a model
        raise WrongUse(f"{path} is not an ONNX model: {error}") from None


def require_same_network(graph: GraphProto, golden: Inputs) -> None:
    """Refuse a golden with another network or other weights; a graph without recurrent operators is not inspected.

    Raises:
        Unsupported: the message names the first difference.
    """
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
    _require_its_weights(graph, golden)


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
    graph = load(path).graph
    nodes = _recurrent(graph)
    return tuple(cell for cell in ATTRIBUTES if nodes and all(_is(graph, node, cell) for node in nodes))


def nearest_cell(path: str) -> str:
    """Return the cell that is nearest to the first recurrent node of a file, and how the node differs; "" if none."""
    graph = load(path).graph
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
