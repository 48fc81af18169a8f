"""The stored arrays of a golden. They are float64 for every precision that the golden is checked in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class LazyArrays(Mapping[str, Float64]):
    """Arrays by name that are read when the first of them is used: a check of outputs does not use the weights."""

    def __init__(self, read: Callable[[], Mapping[str, Float64]], names: Iterable[str] = ()) -> None:
        """Store the function that returns read-only arrays, and their names in order; those it returns if empty."""
        self._read, self._names = read, tuple(names)

    def named(self, names: Iterable[str]) -> "LazyArrays":
        """Return the arrays of these names, in this order."""
        return LazyArrays(self._read, names)

    @cached_property
    def _arrays(self) -> Mapping[str, Float64]:
        return self._read()

    def __getitem__(self, name: str) -> Float64:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names or self._arrays)

    def __len__(self) -> int:
        return len(self._names or self._arrays)

    def __getstate__(self) -> dict[str, Any]:
        return {"_read": self._read, "_names": self._names}  # copies of read-only arrays are writable


@dataclass(frozen=True, eq=False, kw_only=True)
class InputArrays:
    """Model inputs as stored: float64 (lengths int64), read-only; None where the scenario defines none."""

    weights: Mapping[str, Float64]  # by name; PyTorch's names for a network
    inputs: Mapping[str, Float64]  # by name. A network has x, (batch, time, input), or (time, input) if unbatched
    # the initial states by name, such as ``h0`` and ``c0``: (layers·directions, batch, hidden), without the batch axis
    # if unbatched; empty where the scenario defines none
    states: Mapping[str, Float64] = field(default_factory=dict)
    lengths: NDArray[np.int64] | None = None  # (batch,), the number of time steps of each sequence
    # (sequences + 1,), where each packed sequence of a recurrence starts, and the end of the last one
    offsets: NDArray[np.int64] | None = None

    @property
    def x(self) -> Float64:
        """The input of a network."""
        return self.inputs["x"]

    @property
    def h0(self) -> Float64 | None:
        """The initial hidden state."""
        return self.states.get("h0")

    @property
    def c0(self) -> Float64 | None:
        """The initial cell state of an LSTM."""
        return self.states.get("c0")

    def __post_init__(self) -> None:
        """Store read-only views; the caller's own arrays stay writable."""
        given = {name: value for name, value in vars(self).items() if not isinstance(value, LazyArrays)}
        vars(self).update({name: _each(value, read_only) for name, value in given.items()})

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()  # copies of read-only arrays are writable

    def copied(self) -> Self:
        """Return a deep copy: ``torch.from_numpy`` can write even to a read-only array."""
        copies = {f.name: _each(getattr(self, f.name), np.copy) for f in fields(self)}
        return type(self)(**copies)


@dataclass(frozen=True, eq=False, kw_only=True)
class BackwardInputArrays(InputArrays):
    """Model inputs and cotangents."""

    cotangents: Mapping[str, Float64]  # that the scenario defines, by name: ``d_out``, ``d_h_n`` and so on


@dataclass(frozen=True, eq=False, kw_only=True)
class GoldenArrays(InputArrays):
    """Model inputs and expected outputs."""

    expected: Mapping[str, Float64]  # ``out``, (batch, time, directions·hidden); ``h_n`` and ``c_n`` like ``h0``

    @property
    def out(self) -> Float64:
        """The expected output of the last layer at every step."""
        return self.expected["out"]

    @property
    def h_n(self) -> Float64:
        """The expected last hidden state."""
        return self.expected["h_n"]

    @property
    def c_n(self) -> Float64 | None:
        """The expected last cell state of an LSTM."""
        return self.expected.get("c_n")


def _each(value: Any, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:  # noqa: ANN401 - array, arrays or None
    if isinstance(value, np.ndarray):
        return change(value)
    return value if value is None else {name: change(array) for name, array in value.items()}


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view; an array that is read-only itself."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


_EMPTY_SEQUENCE = "a sequence of no time steps is not supported: leave it out"

# Lengths and offsets: the time steps of each sequence of a batch, and where each packed sequence begins.


def sequence_slices(offsets: Iterable[int]) -> list[slice]:
    """Return the time steps of each packed sequence: offsets [0, 3, 7] are steps 0 to 2 and 3 to 6."""
    ends = [int(offset) for offset in offsets]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def emptiness(batch: int | None, time: int) -> str:
    """Return what is empty, and what to do, given the sequences, None without a batch, and time steps of an input."""
    missing = "sequence" if batch == 0 else "time step" if time == 0 else ""
    return f"no {missing}, so there is nothing to check: give at least one" if missing else ""


def length_problems(lengths: NDArray[np.integer], batch: int | None, time: int, of: str) -> Iterator[str]:
    """Yield what is wrong with lengths, given the sequences, None without a batch, and time steps of an input."""
    if batch is None:
        yield f"lengths is given, but {of} is unbatched"
    elif lengths.shape != (batch,):
        yield f"lengths has shape {lengths.shape}; expected {(batch,)}: (batch)"
    elif (empty := np.flatnonzero(lengths == 0)).size:
        yield f"lengths {lengths.tolist()}: lengths[{empty[0]}] is 0, and {_EMPTY_SEQUENCE}"
    elif not ((lengths >= 1) & (lengths <= time)).all():
        yield f"lengths {lengths.tolist()} must be between 1 and {time}, the time steps of {of}"


def offset_problems(offsets: NDArray[np.integer], batch: int | None, time: int, of: str) -> Iterator[str]:
    """Yield what is wrong with offsets, given the sequences, None without a batch, and time steps of an input."""
    steps = np.diff(offsets) if offsets.ndim == 1 else None
    if steps is None or not steps.size:
        yield f"offsets {offsets.tolist()} hold no sequence: list where each begins, and {time}, the end of the last"
    elif [offsets[0], offsets[-1]] != [0, time] or (steps < 0).any():
        yield f"offsets {offsets.tolist()} must increase from 0 to {time}, the time steps of {of}"
    elif (empty := np.flatnonzero(steps == 0)).size:
        where = f"offsets[{empty[0]}] and offsets[{empty[0] + 1}] are equal"
        yield f"offsets {offsets.tolist()}: {where}, and {_EMPTY_SEQUENCE}"
    if batch != 1:
        yield f"packed sequences have a batch of 1, not of {batch}"
