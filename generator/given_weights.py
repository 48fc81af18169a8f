"""Weights from where people have them: mappings, state_dicts, files."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens.conventions.conversion import flat
from rnn_goldens.encoding.npz_file import read_arrays
from rnn_goldens.errors import InvalidFile, WrongUse, not_readable
from rnn_goldens.generator import from_keras
from rnn_goldens.golden.shapes import Config
from rnn_goldens.judging.outputs import NotNumbers, read

_FIRST = "weight_ih_l0"
_A_FEW = 8
_LAYER = re.compile(r"weight_ih_l(\d+)")
_STORED = re.compile("([FIUC])(8|16|32|64)")  # how .safetensors names what NumPy has too


def named_weights(given: object, prefix: str = "") -> Mapping[str, Any]:
    """Arrays by name.

    Args:
        given: a mapping, nested perhaps; a ``.npz`` or ``.safetensors`` file; a layer of Keras, or several.
        prefix: what the names have to begin with, and is left out; what does not is left out altogether. Of nested
            mappings the names have slashes: ``params/cell/``.

    Raises:
        InvalidFile: a file that can not be read, or is of another kind.
        WrongUse: nothing that holds weights, or no name that begins so.
    """
    weights = from_keras.weights_of(given) if from_keras.is_of_keras(given) else _mapping(given)
    if odd := [name for name in weights if not isinstance(name, str)]:
        raise WrongUse(f"weights have names, such as {_FIRST}; {odd[0]!r} is none")
    if not prefix:
        return weights
    weights = dict(flat(weights))
    inner = {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
    if not inner:
        raise WrongUse(f"no weight's name begins with {prefix!r}; there are {_some(weights)}")
    return inner


def config_of(weights: Mapping[str, Any], prefix: str = "") -> Config:
    """The configuration of a network whose weights have PyTorch's names; WrongUse if it does not follow.

    ``prefix`` is what their names began with: errors name them with it.
    """
    if _FIRST not in weights:
        names = [f"{prefix}{name}" for name, _ in flat(weights)]
        raise WrongUse(f"the weights hold no {prefix}{_FIRST}, but {_some(names)}; {_remedy(names)}")
    shapes = {name: _shape(name, array) for name, array in weights.items()}
    if len(shapes[_FIRST]) != 2 or len(shapes.get("weight_hh_l0", ())) != 2:  # noqa: PLR2004 - a matrix
        raise WrongUse(f"{_FIRST} and weight_hh_l0 are no two matrices, so no configuration follows: say config")
    return Config(
        input_size=shapes[_FIRST][1],
        hidden_size=shapes["weight_hh_l0"][1],
        num_layers=1 + max(int(found[1]) for name in weights if (found := _LAYER.match(name))),
        bidirectional=f"{_FIRST}_reverse" in weights,
        bias="bias_ih_l0" in weights,
    )


def _remedy(names: Iterable[str]) -> str:
    """Which prefixes would find a network."""
    found = [repr(name.removesuffix(_FIRST)) for name in names if name.endswith((f".{_FIRST}", f"/{_FIRST}"))]
    return f"say prefix={' or '.join(found)}" if found else "say config, or in which convention they are"


def _shape(name: str, array: object) -> tuple[int, ...]:
    try:
        return read(array).values.shape
    except NotNumbers as reason:
        raise WrongUse(f"{name} {reason}") from None


def _some(weights: Iterable[str]) -> str:
    names = list(weights)
    more = f" and {len(names) - _A_FEW} more" if len(names) > _A_FEW else ""
    return (", ".join(names[:_A_FEW]) or "none") + more


def _mapping(given: object) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, (str, PathLike)):
        remedy = "; give its state_dict(), or ask it as a whole: Scenario.from_torch" if _is_module(given) else ""
        raise WrongUse(
            f"weights are of type {type(given).__name__}: no mapping of names to arrays, file of them or layer of Keras"
            f"{remedy}"
        )
    path = Path(given)
    readers: dict[str, Callable[[Path], Mapping[str, Any]]] = {".npz": read_arrays, ".safetensors": _safetensors}
    if path.suffix not in readers:
        raise InvalidFile(path, [f"a file of weights ends in {' or '.join(readers)}"])
    try:
        return readers[path.suffix](path)
    except FileNotFoundError as error:
        if path.is_absolute():
            raise not_readable(path, error) from None
        raise InvalidFile(
            path,
            [
                f"there is no {path.absolute()}: a path starts at the working directory; "
                f"beside the file of scenarios it is Path(__file__).parent / {str(path)!r}"
            ],
        ) from None
    except (OSError, ValueError) as error:
        raise not_readable(path, error) from None


def _is_module(given: object) -> bool:
    """Whether it is of torch's ``nn.Module``; torch is not imported: who has one, has it."""
    modules = sys.modules.get("torch.nn")
    return modules is not None and isinstance(given, modules.Module)


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        import safetensors
    except ImportError:
        raise WrongUse(f"{path}: to read it, pip install safetensors") from None
    tensors: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize  # which has no types
    try:
        return {name: _array(name, **stored) for name, stored in sorted(tensors(path.read_bytes()))}
    except safetensors.SafetensorError as error:
        raise ValueError(error) from None


def _array(name: str, dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    if dtype == "BF16":  # NumPy knows no bfloat16 of its own: it is the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype == "BOOL":
        return np.frombuffer(data, bool).reshape(shape)
    if not (found := _STORED.fullmatch(dtype)):
        raise ValueError(f"{name} is {dtype}; what NumPy has no type for, read with torch, and give the state_dict")
    return np.frombuffer(data, f"<{found[1].lower()}{int(found[2]) // 8}").reshape(shape)
