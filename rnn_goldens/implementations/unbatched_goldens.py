"""The batch axis of unbatched goldens: added for a network that needs one, and removed from its outputs."""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.golden.shapes import BATCH

_LONGEST_REASON = 80
"""The largest number of characters of a reason."""


BATCHED = 3
"""The number of axes of x and out with a batch."""


def batched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401 - an array of any library
    """Return an input, state or output of a golden, or a cotangent, by its name, with a batch axis."""
    if golden.batch_shape:
        return array
    return array[:, None] if _batch_axis(golden, name) else array[None]


def unbatched(golden: Inputs, name: str, array: Any) -> Any:  # noqa: ANN401
    """Return such an array or its gradient, by its name, without the batch axis if the golden is unbatched."""
    if golden.batch_shape:
        return array
    return array[:, 0] if _batch_axis(golden, name) else array[0]


def _batch_axis(golden: Inputs, name: str) -> int:
    """Return which axis is the batch: the first one, or the second one of states."""
    return golden.config.axes(name.removeprefix("d_"), golden.layout, batched=True).index(BATCH)


def outputs(golden: Inputs, found: Sequence[Any]) -> tuple[Any, ...]:
    """Return out, h_n (and c_n) shaped as in the golden."""
    return tuple(unbatched(golden, name, array) for name, array in zip(golden.layout.outputs, found, strict=False))


def called_unbatched(name: str, call: Callable[[Any, Any], Any], x: Any, state: Any) -> Any:  # noqa: ANN401
    """Return the result of a network for an unbatched input (time, input), and its initial state: one, a pair or None.

    ``call`` calls the network, named ``name`` in messages. Raises Unsupported if it accepts only batches: it raises an
    error, or treats the time axis as the batch.
    """
    __tracebackhide__ = True

    def shape_of_one() -> tuple[int, ...]:
        """Return the shape of out for the same input as a batch of one; () if the network raises an error."""
        try:
            if isinstance(state, tuple):
                return _shape(call(x[None], tuple(part[:, None] for part in state)))
            return _shape(call(x[None], None if state is None else state[:, None]))
        except Exception:
            return ()

    try:
        result = call(x, state)
    except (NotImplementedError, Unsupported, RnnGoldensError):  # the implementation's own refusal, or wrong use
        raise
    except Exception as error:
        if len(shape_of_one()) != BATCHED:
            raise
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Unsupported(
            f"{name} takes no unbatched input ({textwrap.shorten(reason, _LONGEST_REASON, placeholder=' …')})"
        ) from error
    found = _shape(result)
    if len(found) == BATCHED:
        of_one = shape_of_one()
        if len(of_one) == BATCHED and math.prod(found) != math.prod(of_one):  # equal if it returned a batch of one
            raise Unsupported(f"{name} takes no unbatched input (it treats the time axis as the batch)")
    return result


def _shape(result: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Return the shape of the first output; () if it is not an array."""
    out = result[0] if isinstance(result, tuple | list) and result else result
    return tuple(getattr(out, "shape", ()))
