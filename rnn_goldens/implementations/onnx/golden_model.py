"""The ONNX model of a golden, whatever its operators are: with its inputs, and its outputs in the golden's shapes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.implementations.batch_of_one import batched, outputs
from rnn_goldens.implementations.onnx import model, recurrence_model

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class OnnxModel:
    """A golden as a model.

    Attributes:
        operator: the operator that computes the cell: ``LSTM``, ``LinearAttention``.
        opset: the operator set.
        build: returns the bytes of the model.
        feeds: returns the model's inputs by name.
        to_golden: returns the outputs of the model, in order, with the shapes and precision of the golden.
        to_model: returns arrays of the golden's outputs under the model's names and in its shapes.
    """

    operator: str
    opset: int
    build: Callable[[], bytes]
    feeds: Callable[[], Arrays]
    to_golden: Callable[[Sequence[NDArray[Any]]], tuple[NDArray[Any], ...]]
    to_model: Callable[[Mapping[str, NDArray[Any]]], Arrays]


def onnx_model(golden: Inputs, *, stored_weights: bool = True) -> OnnxModel:
    """Return the model of a golden in its precision.

    Args:
        golden: the golden.
        stored_weights: whether the model of a network stores the weights, or has an input for each of them. The model
            of a recurrence has inputs.

    Raises:
        Unsupported: ONNX has no operator for the cell or for packed sequences, or the installed onnx is older than it.
    """
    if golden.cell not in model.ATTRIBUTES:
        return OnnxModel(
            recurrence_model.operator_of(golden),
            recurrence_model.OPSET,
            partial(recurrence_model.build, golden),
            partial(recurrence_model.feeds, golden),
            partial(recurrence_model.outputs, golden),
            partial(recurrence_model.of_model, golden),
        )
    return OnnxModel(
        model.ATTRIBUTES[golden.cell]["op_type"],
        model.OPSET,
        lambda: model.build(golden, stored_weights=stored_weights).SerializeToString(deterministic=True),
        partial(model.feeds, golden, stored_weights=stored_weights),
        partial(outputs, golden),
        lambda arrays: {name: batched(golden, name, array) for name, array in arrays.items()},
    )
