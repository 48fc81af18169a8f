"""A user's outputs beside a golden's: read from a file, by step, and where they first differ."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.steps import Step
from rnn_goldens.comparison.array_conversion import NotNumbers, read
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.untrusted_files import OTHER, read_arrays, read_bytes
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.shapes import OUTPUTS

Float64 = NDArray[np.float64]

Outputs = Mapping[str, Float64]
"""``out`` and, if present, last states such as ``h_n`` and ``c_n``."""

_ANSWER = ("answer", "id")
"""Other keys of a program's answer. They are ignored, so that an answer can be read as outputs."""

_NOT_FINITE = {None: np.nan, "NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


@dataclass(frozen=True, eq=False)
class KnownOutput:
    """A state, h or c, at one step, as out, h_n or c_n of the user contains it, and a mask of the wrong values.

    Arrays are (batch, hidden).
    """

    output: str
    state: str
    got: Float64
    want: Float64
    wrong: NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """An element of a state at a step: its step, output, batch row and unit."""

    step: Step
    output: str
    row: int
    unit: int


@dataclass(frozen=True, eq=False)
class ReaderOutputs:
    """A user's outputs beside a golden's."""

    golden: GoldenData
    outputs: Outputs

    def at(self, step: Step) -> list[KnownOutput]:
        """Return the states of a step that the outputs contain: out for the last layer, h_n and c_n for last steps."""
        config, size = self.golden.network, self.golden.network.output_size
        reverse = step.direction == "reverse"
        places: list[tuple[str, str, tuple[Any, ...], NDArray[np.bool_]]] = []
        if step.layer == config.num_layers - 1:
            units = slice(size, None) if reverse and config.bidirectional else slice(0, size)
            places.append(("out", "h", (..., step.time, units), np.array(True)))
        if (last := self.last(step)).any():
            index = (step.layer * config.num_directions + reverse,)
            states = [state for state in self.golden.layout.states if f"{state}_n" in self.outputs]
            places += [(f"{state}_n", state, index, last[..., None]) for state in states]
        want = self.golden.stored.expected
        return [
            KnownOutput(name, state, self.outputs[name][at], want[name][at], self._wrong[name][at] & here)
            for name, state, at, here in places
        ]

    def first_difference(self, steps: Sequence[Step]) -> Place | None:
        """Return the wrong element that is computed first: by layer, order of steps, row, time step, unit."""
        found = (
            Place(step, known.output, int(row), int(unit))
            for step in steps
            for known in self.at(step)
            for row, unit in np.argwhere(np.atleast_2d(known.wrong))
        )
        return min(found, key=self._order, default=None)

    def _order(self, place: Place) -> tuple[int, ...]:
        """Return the sort key. The reverse direction starts at the end of a sequence; padding is in order of time."""
        step, length = place.step, int(np.atleast_1d(self._lengths)[place.row])
        backward = step.direction == "reverse" and step.time < length
        return (step.layer, length - 1 - step.time if backward else step.time, place.row, step.time, place.unit)

    @cached_property
    def _wrong(self) -> dict[str, NDArray[np.bool_]]:
        with np.errstate(invalid="ignore"):
            return {name: self.golden.expected_of().wrong(name, got) for name, got in self.outputs.items()}

    def last(self, step: Step) -> NDArray[np.bool_]:
        """Return, for each sequence, whether this is the last step that the direction computes: (batch,) or ()."""
        return np.asarray(step.time == (0 * self._lengths if step.direction == "reverse" else self._lengths - 1))

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        if self.golden.lengths is not None:
            return self.golden.lengths
        return np.full(self.golden.batch_shape, self.golden.stored.x.shape[-2])


def read_outputs(path: Path, golden: GoldenData) -> Outputs:
    """Read ``out`` and, if present, last states such as ``h_n``, rounded to the golden's precision.

    Raises WrongUse if the file does not exist, has another format, or does not hold numbers of the golden's shapes.
    """
    readers: dict[str, Callable[[Path], dict[str, Any]]] = {".json": _json, ".npz": read_arrays}
    if path.suffix not in readers:
        raise WrongUse(f"{path}: outputs are read from a .json or .npz file")
    try:
        found = readers[path.suffix](path)
    except InvalidFile as error:
        raise WrongUse(str(error)) from None
    names = list(dict.fromkeys([*golden.layout.outputs, *(OUTPUTS if golden.is_network else ())]))
    if unknown := [name for name in found if name not in names]:
        raise WrongUse(f"{path}: has {unknown[0]!r}; expected only {', '.join(names)}")
    if (result := golden.layout.result) not in found:
        others = [name for name in names if name != result]
        raise WrongUse(f"{path}: has no {result!r}, which is required; optional are {' and '.join(others)}")
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
    """Return nested lists with NaN and infinity as numbers, or an array from an object with shape and data."""
    if isinstance(value, dict):
        if set(value) != {"shape", "data"}:
            raise ValueError(f"{name} is an object whose keys are not shape and data")
        return np.reshape(_array(name, value["data"]), value["shape"])
    if isinstance(value, list):
        return [_array(name, part) for part in value]
    if value is None or (isinstance(value, str) and value in _NOT_FINITE):
        return _NOT_FINITE[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{name}: {json.dumps(value)[:40]} is not a number, nor 'NaN', 'Infinity', '-Infinity' or null")


def _checked(path: Path, golden: GoldenData, name: str, value: object) -> Float64:
    want = golden.stored.expected.get(name)
    if want is None:
        raise WrongUse(f"{path}: has {name}, but {golden.id} is a golden for {golden.cell}, which has no {name}")
    try:
        values = read(value).values
    except NotNumbers as error:
        raise WrongUse(f"{path}: {name} {error}") from None
    if values.shape != want.shape:
        raise WrongUse(f"{path}: {name} has shape {values.shape}, {golden.id} has {want.shape}")
    return NUMBER_TYPES[golden.dtype].round(values).astype(np.float64)
