"""What layers of Keras hold, by the names that the convention ``keras`` has, and the network they are of."""

import sys
from collections.abc import Sequence
from typing import Any

from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import Config

_KINDS = ("SimpleRNN", "LSTM", "GRU")

_CELLS = {
    "rnn_tanh": ("SimpleRNN", {"activation": "tanh"}),
    "rnn_relu": ("SimpleRNN", {"activation": "relu"}),
    "lstm": ("LSTM", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
    "gru": ("GRU", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
}
"""The layer that each cell is, and the functions that are in its equations."""


def is_of_keras(given: object) -> bool:
    """Whether it is a layer of Keras, or several, one after another. Keras is not imported: who has one, has it."""
    layers = given if isinstance(given, (list, tuple)) and given else [given]
    return all(_is_a(layer, "Layer") for layer in layers)


def weights_of(given: Any) -> dict[str, Any]:  # noqa: ANN401 - a layer of Keras, or several
    """``l0/kernel``, ``l0/recurrent_kernel``, ``l0/bias``, ``l0_reverse/kernel`` and so on. Raises WrongUse."""
    found: dict[str, Any] = {}
    for number, layer in enumerate(_layers(given)):
        for suffix, one in zip(("", "_reverse"), _directions(layer), strict=False):
            for weight in one.weights:
                found[f"l{number}{suffix}/{weight.path.rpartition('/')[2]}"] = weight.value
    return found


def require_of_cell(given: Any, cell: str) -> None:  # noqa: ANN401 - as above
    """Raise WrongUse if a layer computes something else than a cell of ours does, and name what makes it so."""
    if cell not in _CELLS:
        return
    kind, functions = _CELLS[cell]
    for layer in _layers(given):
        for backward, one in enumerate(_directions(layer)):
            if not _is_a(one, kind):
                raise WrongUse(f"{_named(one)} is no {kind}, which the cell {cell} is")
            for attribute, name in functions.items():
                function = getattr(one, attribute)
                if function is not getattr(_keras().activations, name):
                    raise WrongUse(f"{_named(one)} has {attribute}={_function(function)}: {cell} has {name!r}")
            if one.go_backwards != bool(backward):
                raise WrongUse(f"{_named(one)} has go_backwards={one.go_backwards}, which goldens do not have")


def config_of(given: Any) -> Config:  # noqa: ANN401 - as above
    """The network that they are, one after another. Raises WrongUse if goldens ask no such."""
    layers = _layers(given)
    of_each = {_of_layer(layer) for layer in layers}
    if len(of_each) > 1:
        raise WrongUse("the layers of Keras differ in units, directions or biases: those of a golden do not")
    ((hidden, bidirectional, bias),) = of_each
    first = _directions(layers[0])[0].weights[0]
    return Config(int(first.shape[0]), hidden, len(layers), bidirectional, bias)


def _of_layer(layer: Any) -> tuple[int, bool, bool]:  # noqa: ANN401 - a layer of Keras
    directions = _directions(layer)
    return directions[0].units, len(directions) > 1, directions[0].use_bias


def _layers(given: Any) -> Sequence[Any]:  # noqa: ANN401 - as above
    layers: Sequence[Any] = given if isinstance(given, (list, tuple)) else [given]
    for one in (one for layer in layers for one in _directions(layer)):
        if not any(_is_a(one, kind) for kind in _KINDS):
            raise WrongUse(f"a {type(one).__name__} of Keras is no {', '.join(_KINDS)}, nor Bidirectional of one")
        if not one.built:
            raise WrongUse(f"{_named(one)} has no weights yet: call it, or build it, first")
        if _is_a(one, "GRU") and not one.reset_after:
            raise WrongUse(f"{_named(one)} has reset_after=False, which goldens do not have")
    return layers


def _directions(layer: Any) -> list[Any]:  # noqa: ANN401 - as above
    if _is_a(layer, "Bidirectional"):
        if layer.merge_mode != "concat":
            raise WrongUse(f"Bidirectional {layer.name!r} has merge_mode={layer.merge_mode!r}: a golden's is 'concat'")
        return [layer.forward_layer, layer.backward_layer]
    return [layer]


def _named(layer: Any) -> str:  # noqa: ANN401 - as above
    return f"the {type(layer).__name__} {layer.name!r}"


def _function(function: Any) -> str:  # noqa: ANN401 - a function, or a layer that is one
    name = getattr(function, "__name__", type(function).__name__)
    own = getattr(_keras().activations, name, None) is not function
    return f"{name!r} of {function.__module__}" if own else repr(name)


def _is_a(layer: object, kind: str) -> bool:
    layers = getattr(_keras(), "layers", None)
    return layers is not None and isinstance(layer, getattr(layers, kind))


def _keras() -> Any:  # noqa: ANN401 - the module; None if nobody imported it
    return sys.modules.get("keras")
