"""Whether the inputs that an implementation was handed are still what they were: they are its caller's."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.arrays import Asked
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.golden.precision import PRECISIONS

if TYPE_CHECKING:
    from rnn_goldens.golden.data import QuestionData


def written_to(asked: "QuestionData", before: Asked) -> list[str]:
    """The names of the arrays that were written to, though they are read-only to NumPy.

    Args:
        asked: what was handed out: its arrays as they are stored, and those that were rounded when they were looked at.
        before: the arrays as they are stored, in memory that nobody else has.
    """
    was, rounding = dict(_arrays(vars(before))), PRECISIONS[asked.dtype].round
    now = [(name, array, was[name]) for name, array in _arrays(vars(asked.stored))]
    for name, array in _arrays(vars(asked)):
        stored = was[name] if name in was else np.zeros(array.shape)  # states and cotangents, where none is given
        now.append((name, array, rounding(stored)))
    return list(dict.fromkeys(name for name, array, other in now if array.tobytes() != other.tobytes()))


def wrote_into(names: list[str]) -> str:
    """What an implementation did that wrote to these, in words."""
    kinds = "inputs, weights and cotangents" if set(names) & COTANGENTS.keys() else "inputs and weights"
    return f"wrote into {', '.join(names)}: {kinds} are its caller's, and stay as they are"


def _arrays(held: Mapping[str, object]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Those of a question, or of what it stores, that there are: weights and cotangents by their own names."""
    for name in ("x", "h0", "c0", "lengths"):
        if isinstance(value := held.get(name), np.ndarray):
            yield name, value
    for group in ("weights", "cotangents"):
        if isinstance(arrays := held.get(group), Mapping):
            yield from arrays.items()
