"""Reads a user's outputs from a file: JSON or NumPy's .npz."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.outputs import NotNumbers, read
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.encoding.npz_file import read_arrays
from rnn_goldens.encoding.size_limits import OTHER
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import OUTPUTS

Outputs = Mapping[str, NDArray[np.float64]]
"""``out`` and, if present, last states such as ``h_n`` and ``c_n``."""

_ANSWER = ("answer", "id")
"""Other keys of a program's answer. They are ignored, so that an answer can be read as outputs."""

_NOT_FINITE = {None: np.nan, "NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


def read_outputs(path: Path, golden: GoldenData) -> Outputs:
    """Read ``out`` and, if present, last states such as ``h_n``, rounded to the golden's precision.

    Raises:
        WrongUse: the file does not exist, has another format, or its content is not numbers of the golden's shapes.
    """
    readers: dict[str, Callable[[Path], dict[str, Any]]] = {".json": _json, ".npz": read_arrays}
    if path.suffix not in readers:
        raise WrongUse(f"{path}: outputs are read from a .json or .npz file")
    try:
        found = readers[path.suffix](path)
    except InvalidFile as error:
        raise WrongUse(str(error)) from None
    names = list(dict.fromkeys([*golden.layout.outputs, *OUTPUTS]))
    if unknown := [name for name in found if name not in names]:
        raise WrongUse(f"{path}: has {unknown[0]!r}; expected only {', '.join(names)}")
    if "out" not in found:
        raise WrongUse(f"{path}: has no 'out', which is required; optional are {' and '.join(names[1:])}")
    return {name: _checked(path, golden, name, value) for name, value in found.items()}


def _json(path: Path) -> dict[str, Any]:
    document = json_file.decode(read_bytes(path, OTHER.size), path, not_finite=True)
    if not isinstance(document, dict):
        raise InvalidFile(path, ['it is not an object, such as {"out": [[[0.5, 1.0]]]}'])
    try:
        return {name: _array(name, value) for name, value in document.items() if name not in _ANSWER}
    except ValueError as error:
        raise InvalidFile(path, [str(error)]) from None


def _array(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return an array from nested lists, or from an object with shape and data."""
    if not isinstance(value, dict):
        return _numbers(value)
    if set(value) != {"shape", "data"}:
        raise ValueError(f"{name} is an object whose keys are not shape and data")
    return np.reshape(_numbers(value["data"]), value["shape"])


def _numbers(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return nested lists with NaN and infinity as numbers, which JSON does not have."""
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    if value is None or (isinstance(value, str) and value in _NOT_FINITE):
        return _NOT_FINITE[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{json.dumps(value)[:40]} is not a number, nor 'NaN', 'Infinity', '-Infinity' or null")


def _checked(path: Path, golden: GoldenData, name: str, value: object) -> NDArray[np.float64]:
    want = golden.stored.expected.get(name)
    if want is None:
        raise WrongUse(f"{path}: has {name}, but {golden.id} is a golden for {golden.cell}, which has no {name}")
    try:
        values = read(value).values
    except NotNumbers as error:
        raise WrongUse(f"{path}: {name} {error}") from None
    if values.shape != want.shape:
        raise WrongUse(f"{path}: {name} has shape {values.shape}, {golden.id} has {want.shape}")
    return PRECISIONS[golden.dtype].round(values).astype(np.float64)
