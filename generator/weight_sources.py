"""Reads weights from mappings, state_dicts, files and layers."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.conventions import flat
from rnn_goldens.encoding.untrusted_files import read_arrays
from rnn_goldens.errors import InvalidFile, WrongUse, not_readable
from rnn_goldens.generator import from_keras
from rnn_goldens.golden.shapes import Config

_FIRST = "weight_ih_l0"
_MAX_LISTED = 8
_LAYER = re.compile(r"weight_ih_l(\d+)")
_STORED = re.compile("([FIUC])(8|16|32|64)")  # dtypes in .safetensors that NumPy supports


def named_weights(given: object, prefix: str = "") -> Mapping[str, Any]:
    """Return weights by name.

    Args:
        given: a mapping, possibly nested; a ``.npz`` or ``.safetensors`` file; or one or more layers of Keras.
        prefix: the beginning of the names, which is removed; names without it are left out. Names in nested mappings
            are joined by slashes: ``params/cell/``.

    Raises InvalidFile if the file cannot be read, and WrongUse if there are no weights, or none with the prefix.
    """
    weights = from_keras.weights_of(given) if from_keras.is_of_keras(given) else _mapping(given)
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
    """Infer the configuration of a network from weights with PyTorch's names. Raises WrongUse if it is impossible.

    ``prefix`` is the removed beginning of their names, for error messages.
    """
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
