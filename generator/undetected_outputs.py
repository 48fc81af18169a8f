"""Lists of the deviations of outputs that no golden detects, or that some kinds of goldens do not, with reasons."""

from collections.abc import Iterator, Sequence

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.golden.precision import PRECISIONS

SINGLE_AND_HALF = ("float32", "bfloat16", "float16")
HALF = ("bfloat16", "float16")


def undetected(
    names: tuple[str, ...], precisions: tuple[str, ...], reason: str, *cells: str, allowed: bool = False
) -> Iterator[Undetected]:
    """Yield an entry with this reason for each deviation, for these cells or all cells that it applies to."""
    for name in names:
        yield Undetected(name, cells or deviation(name).cells, precisions, reason, allowed)


def _casts_to(name: str, *kinds: str) -> tuple[str, ...]:
    return tuple(f"{kind}_cast_to_{name}" for kind in kinds or ("matrices", "biases", "inputs", "initial_states"))


def _bands(activation: str, skipped: int) -> tuple[str, ...]:
    """Return the deviations with an error in a band of an activation, except the first ones, which are near zero."""
    return tuple(d.name for d in DEVIATIONS if d.name.startswith(f"{activation}_off_from_"))[skipped:]


FEW_STORES = (
    "the errors of sums in eleven bits are less than twice those of a few stores in bfloat16, in each of about a "
    "hundred random networks of up to 193 units"
)
A_TENTH_OF_FLOAT16 = "the error is at most 4.6e-5, a tenth of float16's roundoff"
NO_ROOM_FOR_1E_4 = (
    "the error is 1e-4, a fifth of float16's roundoff near 1; the tolerance of a stored activation is larger"
)

UNDETECTED: tuple[Undetected, ...] = (
    *undetected(_casts_to("float32"), SINGLE_AND_HALF, "float32 is precise enough for this precision", allowed=True),
    *undetected(_casts_to("float16"), ("float16",), "the numbers are exact in float16", allowed=True),
    *undetected(_casts_to("bfloat16"), ("bfloat16",), "the numbers are exact in bfloat16", allowed=True),
    *undetected(
        _casts_to("float16", "biases"),
        ("bfloat16",),
        "float16 represents every bias that neither saturates the activation nor is negligible",
        "rnn_tanh",
        "lstm",
        "gru",
    ),
    *undetected(
        _casts_to("bfloat16"),
        ("float16",),
        "eight bits change a sum by at most 4 of its roundoffs in float16; stored intermediate results may lose as "
        "much",
        "rnn_tanh",
        "lstm",
        "gru",
    ),
    *undetected(_bands("tanh", 2), ("bfloat16",), NO_ROOM_FOR_1E_4),
    *undetected(_bands("tanh", 3), ("float16",), NO_ROOM_FOR_1E_4),
    *undetected(_bands("sigmoid", 0), HALF, NO_ROOM_FOR_1E_4),
    *undetected(
        ("lstm_cell_clipped_at_5", "lstm_cell_clipped_at_10"),
        ("bfloat16",),
        "the tolerance of a cell beyond 4 exceeds 0.1 in bfloat16, so it is not checked",
    ),
    *undetected(
        (
            "float32_arithmetic",
            "float32_products",
            "float32_accumulation",
            "float32_state",
            "float32_tanh",
            "float32_exp",
        ),
        SINGLE_AND_HALF,
        "float32 is precise enough for this precision",
        allowed=True,
    ),
    *undetected(
        ("tf32_products", "float16_activations"),
        HALF,
        "this precision has at most eleven significant bits",
        allowed=True,
    ),
    *undetected(
        ("float16_products", "float16_state", "float16_arithmetic"),
        ("float16",),
        "a float16 implementation stores the same",
        allowed=True,
    ),
    *undetected(
        ("float16_state",),
        ("bfloat16",),
        "this precision has fewer than eleven bits, and states outside the range of float16 are negligible",
        "rnn_tanh",
        "lstm",
        "gru",
        allowed=True,
    ),
    *undetected(
        ("bfloat16_products", "bfloat16_state", "bfloat16_activations"),
        ("bfloat16",),
        "a bfloat16 implementation stores the same",
        allowed=True,
    ),
    *undetected(
        ("bfloat16_products", "bfloat16_state", "bfloat16_activations"),
        ("float16",),
        "storing eight bits loses at most 8 roundoffs of float16; a gate reduces the loss, and products of gates may "
        "be stored as well",
        "lstm",
        "gru",
    ),
    *undetected(("gates_clipped_at_10",), HALF, A_TENTH_OF_FLOAT16, "rnn_tanh", "gru"),
    *undetected(("gates_clipped_at_10",), ("float16",), A_TENTH_OF_FLOAT16, "lstm"),
    *undetected(
        ("gates_clipped_at_10",),
        ("float32",),
        "the error of a tanh is at most 4.2e-9, a fourteenth of float32's roundoff",
        "rnn_tanh",
    ),
    *undetected(
        ("gates_clipped_at_5",),
        HALF,
        "the error of a tanh is at most 9.1e-5, a fifth of float16's roundoff",
        "rnn_tanh",
    ),
    *undetected(
        ("gates_clipped_at_3",),
        ("bfloat16",),
        "the error of a tanh is at most 5e-3, 1.3 roundoffs of bfloat16; the tolerance of a stored activation is 2.2",
        "rnn_tanh",
    ),
    *undetected(("tf32_accumulation",), ("bfloat16",), FEW_STORES, "rnn_relu", "lstm", "gru"),
    *undetected(("float16_accumulation",), ("bfloat16",), FEW_STORES, "lstm", "gru"),
    *undetected(
        ("fast_tanh_3_2",),
        ("bfloat16",),
        "the error is at most 2.4e-2, 6 roundoffs of bfloat16, where tanh is 0.9; the tolerance of a stored "
        "activation is 2.2 there, plus that of the sum before it",
    ),
    *undetected(
        ("fast_tanh_5_4", "fast_tanh_7_6", "tabled_tanh_coarse", "tabled_tanh_fine"),
        HALF,
        "the error is at most 1.4e-3, less than 3 roundoffs of float16; the tolerance of a stored activation near 1 "
        "is 2.5",
    ),
    *undetected(
        ("fast_exp_sigmoid",),
        ("bfloat16",),
        "the error is at most 1.5e-2, 4 roundoffs of bfloat16; the tolerance of a stored sigmoid of 1/2 is 2.4",
    ),
    *undetected(
        ("sigmoid_by_fast_tanh",),
        HALF,
        "the error is at most 7e-4, 1.4 roundoffs of float16, near 0, where the tolerance of a sigmoid is 0.75 or more",
    ),
    *undetected(
        ("tabled_tanh_fine",),
        ("float32",),
        "the error is at most 1.5e-6, 25 roundoffs of float32; the tolerance of each activation is 8, an output "
        "depends on two or more, and a gate reduces the error of the tanh",
        "lstm",
        "gru",
    ),
    *undetected(
        ("lstm_tabled_tanh_of_cell", "lstm_tabled_tanh_of_candidate"),
        SINGLE_AND_HALF,
        "the error is at most 1.5e-6, 25 roundoffs of float32; the tolerance of each activation is 8, and an output "
        "depends on two or more",
    ),
    *undetected(
        (
            *(f"lstm_peephole_{gate}_by_{tanh}_tanh" for gate in "ifog" for tanh in ("fast", "tabled")),
            "gru_reset_before_fast_sigmoid_of_reset_gate",
        ),
        HALF,
        "the error is at most 1.4e-3, less than 3 roundoffs of float16, and an output depends on two or more "
        "activations, each with a tolerance of 2.2",
    ),
    *undetected(
        ("gru_reset_before_input_of_reset_gate_in_tf32",),
        HALF,
        "this precision has at most eleven significant bits",
        allowed=True,
    ),
    *undetected(
        ("gru_hidden_product_of_update_gate_flushed",),
        HALF,
        "the error of the gate is at most 1.6e-5, a thirtieth of float16's roundoff",
    ),
    *undetected(
        ("bfloat16_products_truncated", "bfloat16_state_truncated"),
        ("bfloat16",),
        "a state is off by at most two roundoffs; a bfloat16 implementation may store several results in a step",
    ),
    *undetected(
        ("bfloat16_products_truncated",),
        ("float16",),
        "eight bits lose at most 16 roundoffs of float16; a gate reduces the loss, and products of gates may be stored",
        "lstm",
        "gru",
    ),
)

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
