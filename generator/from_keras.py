"""Reads weights and configuration from layers of Keras."""

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
"""The layer and activation functions of each cell."""


def is_of_keras(given: object) -> bool:
    """Return whether a value is a layer of Keras or a sequence of layers. Does not import Keras."""
    layers = given if isinstance(given, (list, tuple)) and given else [given]
    return all(_is_a(layer, "Layer") for layer in layers)


def weights_of(given: Any) -> dict[str, Any]:  # noqa: ANN401 - a layer of Keras, or several
    """Return the weights by name: ``l0/kernel``, ``l0_reverse/kernel``, … Raises WrongUse for other layers."""
    weights: dict[str, Any] = {}
    for number, layer in enumerate(_layers(given)):
        for suffix, one in zip(("", "_reverse"), _directions(layer), strict=False):
            for weight in one.weights:
                weights[f"l{number}{suffix}/{weight.path.rpartition('/')[2]}"] = weight.value
    return weights


def require_of_cell(given: Any, cell: str) -> None:  # noqa: ANN401 - as above
    """Raise WrongUse if a layer differs from a built-in cell; the message names the difference."""
    if cell not in _CELLS:
        return
    kind, functions = _CELLS[cell]
    for layer in _layers(given):
        for backward, one in enumerate(_directions(layer)):
            if not _is_a(one, kind):
                raise WrongUse(f"{_named(one)} is not a {kind}, which the cell {cell} requires")
            for attribute, name in functions.items():
                function = getattr(one, attribute)
                if function is not getattr(_keras().activations, name):
                    raise WrongUse(f"{_named(one)} has {attribute}={_function(function)}; {cell} requires {name!r}")
            if one.go_backwards != bool(backward):
                raise WrongUse(f"{_named(one)} has go_backwards={one.go_backwards}: pass its arrays, not the layer")


def config_of(given: Any) -> Config:  # noqa: ANN401 - as above
    """Return the configuration of a network of these layers. Raises WrongUse if goldens do not support it."""
    layers = _layers(given)
    of_each = {(one[0].units, len(one) > 1, one[0].use_bias) for one in map(_directions, layers)}
    if len(of_each) > 1:
        raise WrongUse("the layers of Keras differ in units, directions or biases, which goldens do not support")
    ((hidden, bidirectional, bias),) = of_each
    first = _directions(layers[0])[0].weights[0]
    return Config(int(first.shape[0]), hidden, len(layers), bidirectional, bias)


def _layers(given: Any) -> Sequence[Any]:  # noqa: ANN401 - as above
    layers: Sequence[Any] = given if isinstance(given, (list, tuple)) else [given]
    for one in (one for layer in layers for one in _directions(layer)):
        if not any(_is_a(one, kind) for kind in _KINDS):
            raise WrongUse(f"a {type(one).__name__} of Keras is not one of {', '.join(_KINDS)} or Bidirectional")
        if not one.built:
            raise WrongUse(f"{_named(one)} has no weights yet: call or build it first")
        if _is_a(one, "GRU") and not one.reset_after:
            raise WrongUse(f"{_named(one)} has reset_after=False: pass its arrays, with cell='gru_reset_before'")
    return layers


def _directions(layer: Any) -> list[Any]:  # noqa: ANN401 - as above
    if _is_a(layer, "Bidirectional"):
        if layer.merge_mode != "concat":
            raise WrongUse(f"Bidirectional {layer.name!r} has merge_mode={layer.merge_mode!r}; goldens need 'concat'")
        return [layer.forward_layer, layer.backward_layer]
    return [layer]


def _named(layer: Any) -> str:  # noqa: ANN401 - as above
    return f"the {type(layer).__name__} {layer.name!r}"


def _function(function: Any) -> str:  # noqa: ANN401 - a function or a layer
    name = getattr(function, "__name__", type(function).__name__)
    custom = getattr(_keras().activations, name, None) is not function
    return f"{name!r} of {function.__module__}" if custom else repr(name)


def _is_a(layer: object, kind: str) -> bool:
    layers = getattr(_keras(), "layers", None)
    return layers is not None and isinstance(layer, getattr(layers, kind))


def _keras() -> Any:  # noqa: ANN401 - the module; None if not imported
    return sys.modules.get("keras")
