"""Reads weights from mappings, state_dicts, files and layers of Keras."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.conventions import flat
from rnn_goldens.encoding.untrusted_files import read_arrays
from rnn_goldens.errors import InvalidFile, WrongUse, not_readable
from rnn_goldens.golden.shapes import Config

_FIRST = "weight_ih_l0"
_MAX_LISTED = 8
_LAYER = re.compile(r"weight_ih_l(\d+)")
_STORED = re.compile("([FIUC])(8|16|32|64)")  # dtypes in .safetensors that NumPy supports

_KINDS = ("SimpleRNN", "LSTM", "GRU")

_CELLS = {
    "rnn_tanh": ("SimpleRNN", {"activation": "tanh"}),
    "rnn_relu": ("SimpleRNN", {"activation": "relu"}),
    "lstm": ("LSTM", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
    "gru": ("GRU", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
}
"""The layer and activation functions of each cell."""


def named_weights(given: object, prefix: str = "") -> Mapping[str, Any]:
    """Return weights by name from a mapping, a ``.npz`` or ``.safetensors`` file, or one or more layers of Keras.

    The prefix is removed from names; names without it are left out. Names in nested mappings are joined by slashes:
    ``params/cell/``. Raises InvalidFile if the file cannot be read, and WrongUse if no weights are found.
    """
    weights = _weights_of(given) if is_of_keras(given) else _mapping(given)
    if odd := [name for name in weights if not isinstance(name, str)]:
        raise WrongUse(f"names of weights must be text, such as {_FIRST}, not {odd[0]!r}")
    if not prefix:
        return weights
    weights = dict(flat(weights))
    inner = {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
    if not inner:
        raise WrongUse(f"no weight's name begins with {prefix!r}; the names are {_some(weights)}")
    return inner


def config_of(weights: Mapping[str, Any], prefix: str = "") -> Config:
    """Infer the configuration from weights with PyTorch's names after a prefix. Raises WrongUse if impossible."""
    if _FIRST not in weights:
        names = [f"{prefix}{name}" for name, _ in flat(weights)]
        raise WrongUse(f"the weights have no {prefix}{_FIRST} (names: {_some(names)}); {_remedy(names)}")
    shapes = {name: _shape(name, array) for name, array in weights.items()}
    if len(shapes[_FIRST]) != 2 or len(shapes.get("weight_hh_l0", ())) != 2:  # noqa: PLR2004 - a matrix
        raise WrongUse(f"{_FIRST} and weight_hh_l0 are not two matrices, so set config explicitly")
    return Config(
        input_size=shapes[_FIRST][1],
        hidden_size=shapes.get("weight_hr_l0", shapes["weight_hh_l0"])[1],
        num_layers=1 + max(int(layer[1]) for name in weights if (layer := _LAYER.match(name))),
        bidirectional=f"{_FIRST}_reverse" in weights,
        bias="bias_ih_l0" in weights,
        proj_size=shapes.get("weight_hr_l0", (0,))[0],
    )


def _remedy(names: Iterable[str]) -> str:
    """Suggest a prefix that selects a network, or other fields."""
    prefixes = [repr(name.removesuffix(_FIRST)) for name in names if name.endswith((f".{_FIRST}", f"/{_FIRST}"))]
    return f"set prefix={' or '.join(prefixes)}" if prefixes else "set config or convention"


def _shape(name: str, array: object) -> tuple[int, ...]:
    try:
        return read(array).values.shape
    except NotNumbers as reason:
        raise WrongUse(f"{name} {reason}") from None


def _some(weights: Iterable[str]) -> str:
    names = list(weights)
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return (", ".join(names[:_MAX_LISTED]) or "none") + more


def _mapping(given: object) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, (str, PathLike)):
        modules = sys.modules.get("torch.nn")  # without importing torch
        is_module = modules is not None and isinstance(given, modules.Module)
        remedy = "; pass its state_dict(), or use Scenario.from_torch" if is_module else ""
        raise WrongUse(
            f"weights are of type {type(given).__name__}; expected a mapping of names to arrays, a file or a layer of "
            f"Keras{remedy}"
        )
    path = Path(given)
    readers: dict[str, Callable[[Path], Mapping[str, Any]]] = {".npz": read_arrays, ".safetensors": _safetensors}
    if path.suffix not in readers:
        raise InvalidFile(path, [f"a file of weights ends in {' or '.join(readers)}"])
    if not path.is_absolute() and not path.exists():
        raise InvalidFile(
            path,
            [
                f"{path.absolute()} does not exist: paths are relative to the working directory; "
                f"for a file beside the file of scenarios use Path(__file__).parent / {str(path)!r}"
            ],
        )
    try:
        return readers[path.suffix](path)
    except (OSError, ValueError) as error:
        raise not_readable(path, error) from None


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        import safetensors
    except ImportError:
        raise WrongUse(f"{path}: reading it needs safetensors: pip install safetensors") from None
    tensors: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize  # it has no type hints
    try:
        return {name: _array(name, **stored) for name, stored in sorted(tensors(path.read_bytes()))}
    except safetensors.SafetensorError as error:
        raise ValueError(error) from None


def _array(name: str, dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    if dtype == "BF16":  # NumPy has no bfloat16: it is the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype == "BOOL":
        return np.frombuffer(data, bool).reshape(shape)
    if not (parts := _STORED.fullmatch(dtype)):
        raise ValueError(f"{name} is {dtype}, which NumPy does not support: read it with torch and pass the state_dict")
    return np.frombuffer(data, f"<{parts[1].lower()}{int(parts[2]) // 8}").reshape(shape)


def is_of_keras(given: object) -> bool:
    """Return whether a value is a layer of Keras or a sequence of layers. Does not import Keras."""
    layers = given if isinstance(given, (list, tuple)) and given else [given]
    return all(_is_a(layer, "Layer") for layer in layers)


def _weights_of(given: Any) -> dict[str, Any]:  # noqa: ANN401 - a layer of Keras, or several
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


def config_of_layers(given: Any) -> Config:  # noqa: ANN401 - as above
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
