"""The deviations of the backward pass that no golden with gradients detects, and why."""

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.generator.undetected_outputs import GROWS, HALF, SINGLE_AND_HALF, undetected

TOO_MANY_STEPS = "after so many steps the tolerance exceeds a quarter of any gradient, so gradients are not checked"

TOO_SMALL_A_PART = "the missing part of the gradient is less than twice the tolerance"

FLAT = "if y is rounded to this precision, such a small derivative, computed from 1 - y, may be half as large, or zero"

UNDETECTED_BACKWARD: tuple[Undetected, ...] = (
    *undetected(("lstm_peephole_o_detached_backward",), ("bfloat16",), TOO_SMALL_A_PART),
    *undetected(("hard_sigmoid_not_clipped_backward",), ("bfloat16",), TOO_SMALL_A_PART, "lstm_hard_sigmoid_sixth"),
    *undetected(
        ("gradients_in_float32", "backward_products_in_float32"),
        SINGLE_AND_HALF,
        "float32 is precise enough for this precision",
        allowed=True,
    ),
    *undetected(
        ("gradients_in_bfloat16", "backward_products_in_bfloat16", "gate_gradients_in_bfloat16"),
        ("bfloat16",),
        "a bfloat16 implementation stores the same",
        allowed=True,
    ),
    *undetected(
        ("gradients_in_float16", "backward_products_in_float16", "gate_gradients_in_float16"),
        ("float16",),
        "a float16 implementation stores the same",
        allowed=True,
    ),
    *undetected(
        (
            "gradients_in_float16",
            "backward_products_in_float16",
            "backward_products_in_tf32",
            "gate_gradients_in_float16",
        ),
        ("bfloat16",),
        "this precision has fewer than eleven bits",
        allowed=True,
    ),
    *undetected(("backward_products_in_tf32",), ("float16",), "float16 has eleven significant bits", allowed=True),
    *undetected(
        ("gradients_in_bfloat16", "backward_products_in_bfloat16"),
        ("float16",),
        "eight bits lose at most 8 roundoffs of float16, once; a gradient is a sum of products, each of which may be "
        "stored",
        "rnn_tanh",
        "lstm",
        "gru",
    ),
    *undetected(
        ("gate_gradients_in_bfloat16",),
        ("float16",),
        "eight bits lose at most 8 roundoffs of float16, once; a gradient is a sum of products, each of which may be "
        "stored, and gradients of exact goldens fit into eight bits",
    ),
    *undetected(("backward_truncated_every_8",), ("bfloat16",), TOO_MANY_STEPS, "gru"),
    *undetected(("backward_truncated_every_16",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh", "lstm", "gru"),
    *undetected(("backward_truncated_every_32",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh", "lstm"),
    *undetected(("backward_truncated_every_32",), HALF, TOO_MANY_STEPS, "gru"),
    *undetected(("backward_truncated_every_64",), ("bfloat16",), TOO_MANY_STEPS, "rnn_tanh", "lstm"),
    *undetected(("backward_truncated_every_64",), HALF, TOO_MANY_STEPS, "gru"),
    *undetected(("backward_truncated_every_128",), HALF, TOO_MANY_STEPS, "rnn_tanh", "lstm", "gru"),
    *undetected(
        (
            "lstm_cell_gradient_masked_beyond_3",
            "lstm_cell_gradient_masked_beyond_5",
            "lstm_cell_gradient_masked_beyond_10",
        ),
        ("bfloat16",),
        "the tolerance of a cell beyond 3 exceeds 0.1 in bfloat16, so it is not checked",
    ),
    *undetected(
        ("lstm_cell_gradient_masked_beyond_20",),
        HALF,
        "the tolerance of a cell beyond 20 exceeds 0.1 in half precisions, so it is not checked",
    ),
    *undetected(("tanh_slope_masked_beyond_2",), ("bfloat16",), FLAT, "lstm", "gru"),
    *undetected(
        ("tanh_slope_masked_beyond_4", "sigmoid_slope_masked_beyond_4", "sigmoid_slope_masked_beyond_8"), HALF, FLAT
    ),
    *undetected(
        ("gru_h_through_reset_dropped",),
        ("bfloat16",),
        "the gradient of h through r is a product of two slopes and two weights: less than twice the storage error",
        "gru",
    ),
    *undetected(
        ("weight_hh_gradient_beyond_128_zero", "gradients_of_units_beyond_128_zero"),
        ("bfloat16",),
        "with 129 units the tolerance of a gradient exceeds half of it, so it is not checked",
        "lstm",
    ),
)

_STEPS = "goldens from zero with so many steps are not checked in bfloat16: half of a gradient could be missing"
_TWO_STEPS = "from zero, in two steps, the gradient of h is less than twice the storage error in bfloat16"

HIDDEN_BACKWARD_FROM_ZERO: tuple[Undetected, ...] = (
    *undetected(("lstm_h_through_input_dropped", "lstm_h_through_forget_dropped"), ("bfloat16",), _TWO_STEPS),
    *undetected(("lstm_cell_gradient_masked_beyond_2",), ("bfloat16",), GROWS.format("bfloat16")),
    *undetected(
        ("lstm_cell_gradient_masked_beyond_20",),
        ("float64", "float32"),
        "a cell from zero needs more than 20 steps to grow so large; goldens with an initial state detect it",
    ),
    *undetected(("tanh_slope_masked_beyond_2",), ("bfloat16",), FLAT, "rnn_tanh"),
    *undetected(
        ("lstm_cell_gradient_masked_beyond_5", "lstm_cell_gradient_masked_beyond_10"),
        ("float16",),
        GROWS.format("float16"),
    ),
    *undetected(("backward_truncated_every_2", "backward_truncated_every_4"), ("bfloat16",), _STEPS, "gru"),
    *undetected(
        ("backward_products_in_bfloat16",),
        ("float16",),
        "exact gradients of one layer from zero fit into eight bits, which bfloat16 has; the errors of other gradients "
        "are too small",
        "rnn_relu",
    ),
)
"""Further deviations that goldens of one layer that starts from zero do not detect."""
