"""An unbatched golden as a batch of one, for libraries that know no other; and which networks are among those."""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import RnnGoldensError, Unsupported

_LONGEST_REASON = 80
"""Letters."""

BATCHED = 3
"""Axes of x and out with a batch."""

_BATCH_FIRST = ("x", "out", "d_out")
"""Of states and their cotangents the batch is the second axis."""


def batched(golden: Question, name: str, array: Any) -> Any:  # noqa: ANN401 - an array of any library
    """What a golden gives, by its name, with a batch axis; a batch as it is."""
    if golden.batch_shape:
        return array
    return array[None] if name in _BATCH_FIRST else array[:, None]


def unbatched(golden: Question, name: str, array: Any) -> Any:  # noqa: ANN401
    """What a library returns, an output or the gradient of what has this name, as the golden has it: likewise."""
    if golden.batch_shape:
        return array
    return array[0] if name in _BATCH_FIRST else array[:, 0]


def outputs(golden: Question, found: Sequence[Any]) -> tuple[Any, ...]:
    """Out, h_n (and c_n) as the golden has them."""
    return tuple(unbatched(golden, name, array) for name, array in zip(("out", "h_n", "c_n"), found, strict=False))


def called_unbatched(name: str, call: Callable[[Any, Any], Any], x: Any, state: Any) -> Any:  # noqa: ANN401
    """What a network returns for an unbatched input.

    Args:
        name: what it is called in a message.
        call: calls it with an input and an initial state, of arrays of any library.
        x: the input, (time, input).
        state: the initial state, a pair of states or None.

    Raises:
        Unsupported: it takes a batch of one, and no unbatched input: it raises an error, or takes time for the batch.
    """
    __tracebackhide__ = True
    try:
        result = call(x, state)
    except (NotImplementedError, Unsupported, RnnGoldensError):  # a refusal of its own, or a wrong use: they stand
        raise
    except Exception as error:
        if len(_shape_of_one(call, x, state)) != BATCHED:
            raise
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Unsupported(
            f"{name} takes no unbatched input ({textwrap.shorten(said, _LONGEST_REASON, placeholder=' …')})"
        ) from error
    found = _shape(result)
    if len(found) == BATCHED:
        of_one = _shape_of_one(call, x, state)
        if len(of_one) == BATCHED and math.prod(found) != math.prod(of_one):  # else it kept an axis of one
            raise Unsupported(f"{name} takes no unbatched input (it takes the time steps for a batch)")
    return result


def _shape_of_one(call: Callable[[Any, Any], Any], x: Any, state: Any) -> tuple[int, ...]:  # noqa: ANN401
    """The shape of a network's out for the same input as a batch of one; () if it raises an error."""
    try:
        if isinstance(state, tuple):
            state = tuple(part[:, None] for part in state)
        elif state is not None:
            state = state[:, None]
        return _shape(call(x[None], state))
    except Exception:
        return ()


def _shape(result: Any) -> tuple[int, ...]:  # noqa: ANN401
    """That of the first of a network's outputs; () if it is no array."""
    out = result[0] if isinstance(result, tuple | list) and result else result
    return tuple(getattr(out, "shape", ()))
