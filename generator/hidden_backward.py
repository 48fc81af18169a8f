"""What no golden with gradients exposes, and why."""

from collections.abc import Iterator

from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.generator.adequacy import Hidden
from rnn_goldens.generator.hidden import HALF, SINGLE_AND_HALF

_CELLS = {deviation.name: deviation.cells for deviation in BACKWARD_DEVIATIONS}


def _hidden(
    names: tuple[str, ...], precisions: tuple[str, ...], reason: str, *cells: str, allowed: bool = False
) -> Iterator[Hidden]:
    """The same reason for some deviations, in the cells that are named or all that each can befall."""
    for name in names:
        yield Hidden(name, cells or _CELLS[name], precisions, reason, allowed)


TOO_MANY_STEPS = "after so many steps the tolerance is more than a quarter of any gradient, where nothing is checked"

HIDDEN_BACKWARD: tuple[Hidden, ...] = (
    *_hidden(
        ("gradients_in_float32", "backward_products_in_float32"),
        SINGLE_AND_HALF,
        "float32 is as much as this precision asks for",
        allowed=True,
    ),
    *_hidden(
        ("gradients_in_bfloat16", "backward_products_in_bfloat16"),
        ("bfloat16",),
        "it is what a bfloat16 implementation stores",
        allowed=True,
    ),
    *_hidden(
        ("gradients_in_float16", "backward_products_in_float16"),
        ("float16",),
        "it is what a float16 implementation stores",
        allowed=True,
    ),
    *_hidden(
        ("gradients_in_float16", "backward_products_in_float16", "backward_products_in_tf32"),
        ("bfloat16",),
        "eleven bits are more than this precision has",
        allowed=True,
    ),
    *_hidden(
        ("backward_products_in_tf32",), ("float16",), "eleven significant bits are as many as it has", allowed=True
    ),
    *_hidden(
        ("gradients_in_bfloat16", "backward_products_in_bfloat16"),
        ("float16",),
        "eight bits are off by at most 8 of float16's roundoffs, once; a gradient is a sum of products, each of which "
        "may be stored",
    ),
    *_hidden(("backward_truncated_every_8",), HALF, TOO_MANY_STEPS, "gru"),
    *_hidden(("backward_truncated_every_8",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh"),
    *_hidden(("backward_truncated_every_16", "backward_truncated_every_32"), HALF, TOO_MANY_STEPS, "lstm", "gru"),
    *_hidden(("backward_truncated_every_16", "backward_truncated_every_32"), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh"),
    *_hidden(
        ("gru_h_through_reset_dropped",),
        ("bfloat16",),
        "what goes back to h through r is a product of two slopes and two weights: less than twice what storing loses",
        "gru",
    ),
)
