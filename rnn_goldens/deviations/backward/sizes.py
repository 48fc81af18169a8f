"""Gradients that are cut off at certain sizes: edges of tiles, full buffers."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.cells import Array, Backward, Case
from rnn_goldens.cells.backward import Factors
from rnn_goldens.deviations.alteration import REVERSE, Alteration, direction
from rnn_goldens.deviations.backward.alterations import in_gradient, in_steps_back
from rnn_goldens.deviations.backward.directions_and_layers import handed_down
from rnn_goldens.deviations.backward.sums import first_rows, summing
from rnn_goldens.deviations.sizes import LIMITS
from rnn_goldens.deviations.table_rows import Row, for_each, table

_MATRICES = (
    ("weight_ih", "the first {} columns, those of the input"),
    ("weight_hh", "the first {} columns, those of the state"),
)


def _columns_beyond(limit: int) -> Callable[[Array, Case], Array]:
    return lambda array, _: np.where(np.arange(array.shape[-1]) < limit, array, 0)


def _units_beyond(limit: int) -> Alteration:
    """Set rows to zero in each gate's block of every weight's gradient, starting at index ``limit``."""

    def changed(array: Array, case: Case) -> Array:
        is_within = np.arange(len(array)) % case.config.hidden_size < limit
        return np.where(is_within.reshape(-1, *[1] * (array.ndim - 1)), array, 0)

    return in_gradient("weight_ih|weight_hh|bias", changed)


def _reverse_rows_beyond(limit: int) -> Alteration:
    """Sum only over the first ``limit`` rows of the batch, in the reverse direction."""

    def share(right: Backward, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:
        g, v = right.share(suffix, t, weight, g, v)
        return (g[:limit], None if v is None else v[:limit]) if direction(suffix) == REVERSE else (g, v)

    return in_steps_back(share=share)


def _gradient_beyond(prefix: str, words: str, **attributes: tuple[str, ...]) -> Row:
    return (
        f"{prefix}_gradient_beyond_{{}}_zero",
        f"Returns zero for the gradient of {prefix} beyond {words}.",
        lambda limit: in_gradient(prefix, _columns_beyond(limit)),
        attributes,
    )


def _reverse_gradient_beyond(weight: str, words: str) -> Row:
    return (
        f"reverse_{weight}_gradient_beyond_{{}}_zero",
        f"Returns zero for the reverse direction's gradient of {weight} beyond {words}.",
        lambda limit: in_gradient(f"{weight}.*_reverse", _columns_beyond(limit)),
        {"needs": ("bidirectional",)},
    )


DEVIATIONS = table()(
    **for_each(
        LIMITS,
        *(_gradient_beyond(*matrix) for matrix in _MATRICES),
        _gradient_beyond("x", "its first {} features"),
        (
            "gradients_of_units_beyond_{}_zero",
            "Returns zero for the weights' gradients of units beyond the first {}.",
            _units_beyond,
        ),
        (
            "gradients_without_rows_beyond_{}",
            "Sums the weights' gradients only over the first {} sequences of a batch.",
            lambda limit: summing(first_rows(limit)),
        ),
        (
            "reverse_gradients_without_rows_beyond_{}",
            "Sums the reverse direction's gradients only over the first {} sequences of a batch.",
            _reverse_rows_beyond,
            {"needs": ("bidirectional",)},
        ),
    ),
    **for_each(
        LIMITS[:3],
        _gradient_beyond("h0", "the first {} units", needs=("state",)),
        _gradient_beyond("c0", "the first {} units", cells=("lstm",), needs=("state",)),
        (
            "handed_down_beyond_{}_zero",
            "Passes zero to units of the layer below beyond the first {}.",
            lambda limit: handed_down(lambda part: np.where(np.arange(part.shape[-1]) < limit, part, 0)),
            {"needs": ("multilayer",)},
        ),
        *(_reverse_gradient_beyond(*matrix) for matrix in _MATRICES),
    ),
)
