"""Reads the recurrent nodes of an ONNX file: which cells they compute, and how they differ from a golden's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, helper, numpy_helper

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.implementations.network_construction import require_cell
from rnn_goldens.implementations.onnx_model import ATTRIBUTES

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
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""The inputs of the operators."""


def load(path: str) -> ModelProto:
    """Return the model in a file; raises WrongUse if there is no file, or it is not an ONNX model."""
    if not Path(path).is_file():  # a pipe would block
        raise WrongUse(f"{path} is not a file" if Path(path).exists() else f"there is no file {path}")
    try:
        return onnx.load(path)
    except Exception as error:  # protobuf raises various errors on bytes that are not a model
        raise WrongUse(f"{path} is not an ONNX model: {error}") from None


@dataclass(frozen=True)
class Node:
    """A recurrent node.

    Attributes:
        operator: its operator.
        attributes: its attributes by name.
        has_peepholes: whether an LSTM may have nonzero peepholes.
        stored: ``W`` and ``R``, if they are stored.
    """

    operator: str
    attributes: Mapping[str, Any]
    has_peepholes: bool
    stored: Mapping[str, Array] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        """``forward``, ``reverse`` or ``bidirectional``."""
        return str(self.attributes.get("direction", "forward"))

    def equations(self, directions: int = 1) -> dict[str, object]:
        """Return the properties of the equations by name; the activations for several directions."""
        clip = self.attributes.get("clip")
        found = {
            "activations": ", ".join(directions * activations(self.attributes, self.operator)),
            "clip": "none" if clip is None else f"{clip:g}",
            "input_forget": self.attributes.get("input_forget", 0),
            "input P (peepholes)": "given" if self.has_peepholes else "none",
        }
        of_gru = {"linear_before_reset": self.attributes.get("linear_before_reset", 0)}
        return {**found, **of_gru} if self.operator == "GRU" else found


def _of_cell(cell: str) -> Node:
    return Node(ATTRIBUTES[cell]["op_type"], ATTRIBUTES[cell], bool(LAYOUTS[cell].further))


def nodes_of(graph: GraphProto) -> list[Node]:
    """Return the recurrent nodes of a graph."""
    stored = {initializer.name: numpy_helper.to_array(initializer) for initializer in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type in RECURRENT:
            inputs = dict(zip(INPUTS, node.input, strict=False))
            peepholes = inputs.get("P", "")
            has_peepholes = bool(peepholes) and (peepholes not in stored or bool(stored[peepholes].any()))
            weights = {name: stored[inputs[name]] for name in ("W", "R") if inputs[name] in stored}
            attributes = {attribute.name: _plain(attribute) for attribute in node.attribute}
            found.append(Node(node.op_type, attributes, has_peepholes, weights))
    return found


def _plain(attribute: AttributeProto) -> Any:  # noqa: ANN401 - int, float, text or a list of them
    value = helper.get_attribute_value(attribute)
    if isinstance(value, list):
        return [v.decode() if isinstance(v, bytes) else v for v in value]
    return value.decode() if isinstance(value, bytes) else value


def require_same_network(graph: GraphProto, golden: Inputs) -> None:
    """Raise Unsupported for a golden with another network or other weights, with the first difference.

    A graph without recurrent operators is not inspected. Weights that differ in order or sign are a bug of the file.
    """
    nodes, config = nodes_of(graph), golden.network
    if not nodes:
        return
    require_cell(golden, nodes[0].operator, ATTRIBUTES)
    wanted = _of_cell(golden.cell)
    required = {
        "operator": wanted.operator,
        "number of layers": config.num_layers,
        "hidden_size": config.hidden_size,
        "direction": config.onnx_direction,
        **wanted.equations(config.num_directions),
    }
    for node in nodes:
        own = (node.operator, len(nodes), node.attributes.get("hidden_size"), node.direction)
        has = {**dict(zip(required, own, strict=False)), **node.equations()}
        for what, value in required.items():
            if has.get(what) != value:
                verb = "are" if what == "activations" else "is"
                raise Unsupported(f"the model's {what} {verb} {has.get(what)}, the golden's {value}")
    weights = golden.weights_as("onnx")
    for layer, node in enumerate(nodes):
        for name, array in node.stored.items():
            numbers = (np.sort(abs(one.astype(np.float64)), axis=None) for one in (array, weights[f"l{layer}/{name}"]))
            if not np.array_equal(next(numbers), next(numbers)):
                raise Unsupported(
                    "the model stores other weights than this golden's: export one file per golden, named "
                    "exported/{id}.onnx"
                )


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

    Raises WrongUse if the file does not exist or is not an ONNX model, or no cell has its equations.
    """
    nodes = nodes_of(load(path).graph)
    if not nodes:
        return ()
    found = {cell: [_differences(node, cell) for node in nodes] for cell in ATTRIBUTES}
    of_first = {cell: first for cell, (first, *_) in found.items() if first is not None}
    nearest = min(of_first, key=lambda cell: (len(of_first[cell]), cell not in DIALECTS))
    if differences := of_first[nearest]:
        how = f"the nearest cell is {nearest}, but {' and '.join(differences)}"
        raise WrongUse(f"{path}: no golden has its equations; {how}")
    return tuple(cell for cell, differences in found.items() if not any(one != [] for one in differences))


def _differences(node: Node, cell: str) -> list[str] | None:
    """Return how the equations of a node differ from those of a cell; None for a cell of another operator."""
    if node.operator != ATTRIBUTES[cell]["op_type"]:
        return None
    has, wanted = node.equations(), _of_cell(cell).equations(1 + (node.direction == "bidirectional"))
    direction = DIALECTS[cell].options.get("direction", "forward") if cell in DIALECTS else "forward"
    if "reverse" in (node.direction, direction):
        has["direction"], wanted["direction"] = node.direction, direction
    return [f"{what} is {has[what]}, not {value}" for what, value in wanted.items() if has[what] != value]
