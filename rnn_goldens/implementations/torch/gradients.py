"""Gradients of torch's layers and cells, and of classes shaped like them, by ``torch.autograd``."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.implementations.arguments import require_ours
from rnn_goldens.implementations.torch import cells, layers, own_class
from rnn_goldens.implementations.traced import with_cotangents

Gradients = Mapping[str, Tensor | None]


def of_layers(golden: Question) -> Gradients:
    """Of ``torch.nn.RNN``, ``LSTM`` or ``GRU``. Raises Unsupported for a cell of someone's own."""
    require_ours(golden, "torch")
    network = layers.kept_layer(golden)
    given = layers.Given.of(golden)
    outputs = layers.call_layer(network, given.x, given.state, golden.lengths)
    return gradients(golden, outputs, {**given.leaves, **dict(network.named_parameters())})


def of_cells(golden: Question) -> Gradients:
    """Of ``torch.nn.RNNCell``, ``LSTMCell`` or ``GRUCell``, unrolled. Raises Unsupported likewise."""
    require_ours(golden, "torch")
    made = cells.cells(golden)
    given = layers.Given.of(golden)
    outputs = cells.unrolled(golden, made, given.x, given.states)
    named = {f"{name}_{suffix}": p for suffix, cell in made.items() for name, p in cell.named_parameters()}
    return gradients(golden, outputs, {**given.leaves, **named})


def wrap(kind: type) -> Callable[[Question], Gradients]:
    """Of a user's class, made, kept and called as ``own_class`` does; raises WrongUse as that does."""
    if not issubclass(kind, nn.Module):

        def refuse(_: Question) -> Gradients:
            raise Unsupported(f"{kind.__name__} is no nn.Module: give a function of a golden that returns gradients")

        return refuse
    call = own_class.calling(kind)

    def backward(golden: Question) -> Gradients:
        __tracebackhide__ = True
        given = layers.Given.of(golden)
        network, outputs = call(golden, given)
        named = own_class.parameters(network, list(golden.weights))
        if missing := [name for name in golden.weights if name not in named]:
            raise Unsupported(f"{kind.__name__} has no parameter for {', '.join(missing)}, whose gradients were asked")
        return gradients(golden, outputs, {**given.leaves, **named})

    return backward


def gradients(golden: Question, outputs: Any, leaves: Mapping[str, Tensor]) -> Gradients:  # noqa: ANN401 - of a network
    """Those of outputs by leaves, for a golden's cotangents; None of a leaf that no output follows from."""
    __tracebackhide__ = True
    given = with_cotangents(golden, outputs)
    _require_differentiable(given)
    used: list[tuple[Tensor, Tensor]] = [(o, _like(n, golden.cotangents[n], o)) for n, o in given.items()]
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


def _require_differentiable(given: Mapping[str, Any]) -> None:
    if constant := [COTANGENTS[name] for name, o in given.items() if not getattr(o, "requires_grad", False)]:
        raise TypeError(
            f"{', '.join(constant)} can not be differentiated: no tensor that requires a gradient leads there; "
            "was it detached, or computed in torch.no_grad() or outside of torch?"
        )


def _like(name: str, cotangent: Any, output: Tensor) -> Tensor:  # noqa: ANN401 - an array
    """A cotangent as its output is shaped: of another shape it could be broadcast, and say nothing of that."""
    if tuple(output.shape) != cotangent.shape:
        raise TypeError(f"{COTANGENTS[name]} has shape {tuple(output.shape)}, want {cotangent.shape}, as {name} is")
    return torch.tensor(cotangent, dtype=output.dtype)
