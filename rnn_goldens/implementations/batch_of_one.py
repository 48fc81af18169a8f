"""Adds and removes the batch axis of unbatched goldens, and refuses them for networks that accept only batches."""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import RnnGoldensError, Unsupported

_LONGEST_REASON = 80
"""The largest number of characters of a reason."""

BATCHED = 3
"""The number of axes of x and out with a batch."""

_BATCH_FIRST = ("x", "out", "d_out")
"""The arrays whose first axis is the batch. In states and their cotangents it is the second axis."""


def batched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401 - an array of any library
    """Return an array of a golden, by its name, with a batch axis."""
    if golden.batch_shape:
        return array
    return array[None] if name in _BATCH_FIRST else array[:, None]


def unbatched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401
    """Return an output or gradient, by its name, without the batch axis if the golden is unbatched."""
    if golden.batch_shape:
        return array
    return array[0] if name in _BATCH_FIRST else array[:, 0]


def outputs(golden: Inputs, found: Sequence[Any]) -> tuple[Any, ...]:
    """Return out, h_n (and c_n) shaped as in the golden."""
    return tuple(unbatched(golden, name, array) for name, array in zip(golden.layout.outputs, found, strict=False))


def called_unbatched(name: str, call: Callable[[Any, Any], Any], x: Any, state: Any) -> Any:  # noqa: ANN401
    """Return the result of a network for an unbatched input.

    Args:
        name: the network's name for messages.
        call: calls the network with an input and an initial state, as arrays of any library.
        x: the input, (time, input).
        state: the initial state, a pair of states or None.

    Raises:
        Unsupported: the network accepts only batches: it raises an error, or treats the time axis as the batch.
    """
    __tracebackhide__ = True
    try:
        result = call(x, state)
    except (NotImplementedError, Unsupported, RnnGoldensError):  # the implementation's own refusal, or wrong use
        raise
    except Exception as error:
        if len(_shape_of_one(call, x, state)) != BATCHED:
            raise
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Unsupported(
            f"{name} takes no unbatched input ({textwrap.shorten(reason, _LONGEST_REASON, placeholder=' …')})"
        ) from error
    found = _shape(result)
    if len(found) == BATCHED:
        of_one = _shape_of_one(call, x, state)
        if len(of_one) == BATCHED and math.prod(found) != math.prod(of_one):  # equal if it returned a batch of one
            raise Unsupported(f"{name} takes no unbatched input (it treats the time axis as the batch)")
    return result


def _shape_of_one(call: Callable[[Any, Any], Any], x: Any, state: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Return the shape of out for the same input as a batch of one; () if the network raises an error."""
    try:
        if isinstance(state, tuple):
            state = tuple(part[:, None] for part in state)
        elif state is not None:
            state = state[:, None]
        return _shape(call(x[None], state))
    except Exception:
        return ()


def _shape(result: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Return the shape of the first output; () if it is not an array."""
    out = result[0] if isinstance(result, tuple | list) and result else result
    return tuple(getattr(out, "shape", ()))
