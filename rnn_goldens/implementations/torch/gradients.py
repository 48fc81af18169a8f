"""Gradients of torch's layers and cells, and of classes shaped like them, by ``torch.autograd``."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.gradients import output_of
from rnn_goldens.implementations.arguments import require_cell
from rnn_goldens.implementations.torch import cells, layers, own_class
from rnn_goldens.implementations.traced_inputs import Function, arrays_of, traced, untraceable, with_cotangents

Gradients = Mapping[str, Tensor | None]


def of_layers(golden: Inputs) -> Gradients:
    """Return the gradients of ``torch.nn.RNN``, ``LSTM`` or ``GRU``. Raises Unsupported for cells that torch lacks."""
    require_cell(golden, "torch", layers.WITH_LAYERS)
    network = layers.kept_layer(golden)
    inputs = layers.TorchInputs.of(golden)
    outputs = layers.call_layer(network, inputs.x, inputs.state, golden.lengths)
    return gradients(golden, outputs, {**inputs.leaves, **dict(network.named_parameters())})


def of_cells(golden: Inputs) -> Gradients:
    """Return the gradients of ``RNNCell``, ``LSTMCell`` or ``GRUCell``. Raises Unsupported as ``of_layers`` does."""
    require_cell(golden, "torch")
    made = cells.cells(golden)
    inputs = layers.TorchInputs.of(golden)
    outputs = cells.unrolled(golden, made, inputs.x, inputs.states)
    named = {f"{name}_{suffix}": p for suffix, cell in made.items() for name, p in cell.named_parameters()}
    return gradients(golden, outputs, {**inputs.leaves, **named})


def wrap(kind: type) -> Callable[[Inputs], Gradients]:
    """Return a function that computes the gradients of a user's class; raises WrongUse as ``own_class.wrap`` does."""
    if not issubclass(kind, nn.Module):

        def refuse(_: Inputs) -> Gradients:
            raise Unsupported(
                f"{kind.__name__} is not an nn.Module: give a function of a golden that returns gradients"
            )

        return refuse
    call = own_class.calling(kind)

    def backward(golden: Inputs) -> Gradients:
        __tracebackhide__ = True
        inputs = layers.TorchInputs.of(golden)
        network, outputs = call(golden, inputs)
        named = own_class.parameters(network, list(golden.weights))
        if missing := [name for name in golden.weights if name not in named]:
            raise Unsupported(
                f"{kind.__name__} has no parameter for {', '.join(missing)}, whose gradients were requested"
            )
        return gradients(golden, outputs, {**inputs.leaves, **named})

    return backward


def gradients(golden: Inputs, outputs: Any, leaves: Mapping[str, Tensor]) -> Gradients:  # noqa: ANN401 - of a network
    """Return the gradients of outputs by leaves; None for a leaf that no output depends on."""
    __tracebackhide__ = True
    by_cotangent = with_cotangents(golden, outputs)
    _require_differentiable(by_cotangent)
    used: list[tuple[Tensor, Tensor]] = [(o, _like(n, golden.cotangents[n], o)) for n, o in by_cotangent.items()]
    try:
        by_leaf = torch.autograd.grad(
            [output for output, _ in used],
            list(leaves.values()),
            [cotangent for _, cotangent in used],
            allow_unused=True,
        )
    except RuntimeError as error:
        if "not implemented for" in str(error):
            raise Unsupported(f"torch: {error}") from None
        raise
    return dict(zip(leaves, by_leaf, strict=True))


def _require_differentiable(by_cotangent: Mapping[str, Any]) -> None:
    if constant := [output_of(name) for name, o in by_cotangent.items() if not getattr(o, "requires_grad", False)]:
        raise TypeError(
            f"{', '.join(constant)} cannot be differentiated: they depend on no tensor that requires a gradient; "
            "was it detached, or computed in torch.no_grad() or outside of torch?"
        )


def _like(name: str, cotangent: Any, output: Tensor) -> Tensor:  # noqa: ANN401 - an array
    """Return a cotangent as a tensor of its output's type; raises TypeError if their shapes differ."""
    if tuple(output.shape) != cotangent.shape:
        raise TypeError(
            f"{output_of(name)} has shape {tuple(output.shape)}, want {cotangent.shape}, the shape of {name}"
        )
    return torch.tensor(cotangent, dtype=output.dtype)


def function_gradients(function: Function, golden: Inputs) -> Gradients:
    """Return the gradients of a user's function by name; None for an array that no output depends on.

    Raises:
        Unsupported: the function does not compute with the tensors that it receives.
        TypeError: an output does not depend on any of the tensors, or has another shape than its cotangent.
    """
    __tracebackhide__ = True
    leaves = {name: torch.tensor(array).requires_grad_() for name, array in arrays_of(golden).items()}
    try:
        outputs = function(traced(golden, leaves, lambda array: torch.tensor(np.asarray(array))))
    except RnnGoldensError:
        raise
    except Exception as error:  # the earlier call with NumPy arrays succeeded
        raise untraceable("torch", error) from error
    found = with_cotangents(golden, outputs)
    if not any(getattr(output, "requires_grad", False) for output in found.values()):
        raise Unsupported(
            "torch cannot differentiate the function: no output depends on its input tensors, which torch.tensor, "
            "detach and torch.no_grad detach. To convert arrays: x if torch.is_tensor(x) else torch.tensor(x)"
        )
    return gradients(golden, outputs, leaves)
