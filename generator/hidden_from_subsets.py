"""Deviations of outputs that subsets of goldens cannot detect: without an initial state, or without last states."""

from collections.abc import Sequence

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.generator.undetected_outputs import undetected
from rnn_goldens.golden.precision import PRECISIONS

GROWS = "a cell from zero grows by at most 1 per step; after so many steps, {} is not checked"


_SUMS = (
    "the errors of sums of 257 inputs from zero are less than twice the tolerance; the errors of sums of 129 given "
    "states exceed that"
)


_STORES = "the errors of a tanh RNN from zero in two steps are less than twice its storage errors in {}"


HIDDEN_FROM_ZERO: Sequence[Undetected] = (
    *undetected(
        ("h_n_reshaped_from_batch_first",), tuple(PRECISIONS), "it has no effect with one layer and one direction"
    ),
    *undetected(("gru_candidate_without_state_if_no_bias",), tuple(PRECISIONS), "it requires a network without biases"),
    *undetected(("lstm_cell_clipped_at_2", "lstm_cell_clipped_at_3"), ("bfloat16",), GROWS.format("bfloat16")),
    *undetected(("lstm_cell_clipped_at_5", "lstm_cell_clipped_at_10"), ("float16",), GROWS.format("float16")),
    *undetected(("float16_accumulation", "tf32_accumulation"), ("bfloat16",), _SUMS, "rnn_tanh"),
    *undetected(("float16_accumulation", "tf32_accumulation"), ("float16",), _SUMS, "rnn_relu", "lstm", "gru"),
    *undetected(("bfloat16_accumulation",), ("bfloat16",), _SUMS, "rnn_relu", "gru"),
    *undetected(
        ("bfloat16_products", "bfloat16_state", "bfloat16_activations"),
        ("float16",),
        _STORES.format("float16"),
        "rnn_tanh",
    ),
    *undetected(
        ("bfloat16_state_truncated",),
        ("float16",),
        "the errors of gated states from zero are less than twice the storage errors in float16",
        "lstm",
        "gru",
    ),
    *undetected(
        ("state_product_beyond_128_dropped",),
        ("bfloat16",),
        "the last of 129 states from zero changes a sum by less than twice the storage error",
        "gru",
    ),
)
"""Further deviations that goldens of one layer that starts from zero do not detect; other goldens detect them."""


HIDDEN_IN_OUT: Sequence[Undetected] = (
    *HIDDEN_FROM_ZERO,
    *undetected(
        ("lstm_cell_clipped_at_10",),
        ("float32",),
        "tanh(10) is 4.2e-9 below 1, and a cell from zero needs at least 10 steps to reach 10",
    ),
)
"""Deviations that the same goldens do not detect by ``out`` alone. Deviations of last states are omitted."""
