"""What layers of Keras hold, by the names that the convention ``keras`` has, and the network they are of."""

from collections.abc import Sequence
from typing import Any

from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import Config

_KINDS = ("SimpleRNN", "LSTM", "GRU")


def is_of_keras(given: object) -> bool:
    """Whether it is a layer of Keras, or several, one after another."""
    layers = given if isinstance(given, (list, tuple)) and given else [given]
    return all(type(layer).__module__.partition(".")[0] == "keras" for layer in layers)


def weights_of(given: Any) -> dict[str, Any]:  # noqa: ANN401 - a layer of Keras, or several
    """``l0/kernel``, ``l0/recurrent_kernel``, ``l0/bias``, ``l0_reverse/kernel`` and so on. Raises WrongUse."""
    found: dict[str, Any] = {}
    for number, layer in enumerate(_layers(given)):
        for suffix, one in zip(("", "_reverse"), _directions(layer), strict=False):
            for weight in one.weights:
                found[f"l{number}{suffix}/{weight.path.rpartition('/')[2]}"] = weight.value
    return found


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
    for layer in layers:
        for one in _directions(layer):
            kind = type(one).__name__
            if kind not in _KINDS:
                raise WrongUse(f"a {kind} of Keras is no {', '.join(_KINDS)}, nor Bidirectional of one")
            if not one.built:
                raise WrongUse(f"the {kind} {one.name!r} has no weights yet: call it, or build it, first")
            if kind == "GRU" and not one.reset_after:
                raise WrongUse(f"the GRU {one.name!r} has reset_after=False, which goldens do not have")
    return layers


def _directions(layer: Any) -> list[Any]:  # noqa: ANN401 - as above
    if type(layer).__name__ == "Bidirectional":
        if layer.merge_mode != "concat":
            raise WrongUse(f"Bidirectional {layer.name!r} has merge_mode={layer.merge_mode!r}: a golden's is 'concat'")
        return [layer.forward_layer, layer.backward_layer]
    return [layer]
