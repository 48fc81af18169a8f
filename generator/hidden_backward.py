"""What no golden with gradients exposes, and why."""

from rnn_goldens.generator.adequacy import Hidden
from rnn_goldens.generator.hidden import HALF, SINGLE_AND_HALF, hidden

TOO_MANY_STEPS = "after so many steps the tolerance is more than a quarter of any gradient, where nothing is checked"

FLAT = "1 - y of a y that is rounded to this precision may be half of so small a derivative, or zero"

HIDDEN_BACKWARD: tuple[Hidden, ...] = (
    *hidden(
        ("gradients_in_float32", "backward_products_in_float32"),
        SINGLE_AND_HALF,
        "float32 is as much as this precision asks for",
        allowed=True,
    ),
    *hidden(
        ("gradients_in_bfloat16", "backward_products_in_bfloat16", "gate_gradients_in_bfloat16"),
        ("bfloat16",),
        "it is what a bfloat16 implementation stores",
        allowed=True,
    ),
    *hidden(
        ("gradients_in_float16", "backward_products_in_float16", "gate_gradients_in_float16"),
        ("float16",),
        "it is what a float16 implementation stores",
        allowed=True,
    ),
    *hidden(
        (
            "gradients_in_float16",
            "backward_products_in_float16",
            "backward_products_in_tf32",
            "gate_gradients_in_float16",
        ),
        ("bfloat16",),
        "eleven bits are more than this precision has",
        allowed=True,
    ),
    *hidden(
        ("backward_products_in_tf32",), ("float16",), "eleven significant bits are as many as it has", allowed=True
    ),
    *hidden(
        ("gradients_in_bfloat16", "backward_products_in_bfloat16"),
        ("float16",),
        "eight bits are off by at most 8 of float16's roundoffs, once; a gradient is a sum of products, each of which "
        "may be stored",
        "rnn_tanh",
        "lstm",
        "gru",
    ),
    *hidden(
        ("gate_gradients_in_bfloat16",),
        ("float16",),
        "eight bits are off by at most 8 of float16's roundoffs, once; a gradient is a sum of products, each of which "
        "may be stored, and exact goldens have gradients that fit eight bits",
    ),
    *hidden(("backward_truncated_every_8",), ("bfloat16",), TOO_MANY_STEPS, "gru"),
    *hidden(("backward_truncated_every_16",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh", "lstm", "gru"),
    *hidden(("backward_truncated_every_32",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh", "lstm"),
    *hidden(("backward_truncated_every_32",), HALF, TOO_MANY_STEPS, "gru"),
    *hidden(("backward_truncated_every_64",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh", "lstm"),
    *hidden(("backward_truncated_every_64",), HALF, TOO_MANY_STEPS, "gru"),
    *hidden(("backward_truncated_every_128",), HALF, TOO_MANY_STEPS, "rnn_tanh", "lstm", "gru"),
    *hidden(
        (
            "lstm_cell_gradient_masked_beyond_3",
            "lstm_cell_gradient_masked_beyond_5",
            "lstm_cell_gradient_masked_beyond_10",
        ),
        ("bfloat16",),
        "a cell beyond 3 may be off by more than 0.1 in bfloat16, where nothing is checked",
    ),
    *hidden(
        ("lstm_cell_gradient_masked_beyond_20",),
        HALF,
        "a cell beyond 20 may be off by more than 0.1 in half precisions, where nothing is checked",
    ),
    *hidden(("tanh_slope_masked_beyond_2",), ("bfloat16",), FLAT, "lstm", "gru"),
    *hidden(
        ("tanh_slope_masked_beyond_4", "sigmoid_slope_masked_beyond_4", "sigmoid_slope_masked_beyond_8"), HALF, FLAT
    ),
    *hidden(
        ("gru_h_through_reset_dropped",),
        ("bfloat16",),
        "what goes back to h through r is a product of two slopes and two weights: less than twice what storing loses",
        "gru",
    ),
    *hidden(
        ("weight_hh_gradient_beyond_128_zero", "gradients_of_units_beyond_128_zero"),
        ("bfloat16",),
        "with 129 units the tolerance of some gradient is more than half of it, where nothing is checked",
        "lstm",
    ),
)

_GROWS = "a cell that starts from zero needs a step for each 1 it grows; after so many, nothing is checked in {}"
_STEPS = "from zero, goldens of so many steps are not checked in bfloat16: half of some gradient could be missing there"
_TWO_STEPS = "from zero, in two steps, what goes back to h is less than twice what storing loses in bfloat16"

HIDDEN_BACKWARD_FROM_ZERO: tuple[Hidden, ...] = (
    *hidden(("lstm_h_through_input_dropped", "lstm_h_through_forget_dropped"), ("bfloat16",), _TWO_STEPS),
    *hidden(("lstm_cell_gradient_masked_beyond_2",), ("bfloat16",), _GROWS.format("bfloat16")),
    *hidden(
        ("lstm_cell_gradient_masked_beyond_20",),
        ("float64", "float32"),
        "a cell that starts from zero needs more than 20 steps to grow so large; a given state shows it",
    ),
    *hidden(("tanh_slope_masked_beyond_2",), ("bfloat16",), FLAT, "rnn_tanh"),
    *hidden(
        ("lstm_cell_gradient_masked_beyond_5", "lstm_cell_gradient_masked_beyond_10"),
        ("float16",),
        _GROWS.format("float16"),
    ),
    *hidden(("backward_truncated_every_2", "backward_truncated_every_4"), ("bfloat16",), _STEPS, "gru"),
    *hidden(
        ("backward_products_in_bfloat16",),
        ("float16",),
        "exact gradients of one layer from zero fit eight bits, which bfloat16 has; others are off by too little",
        "rnn_relu",
    ),
)
"""What one layer that starts from zero is not shown besides, and why."""
