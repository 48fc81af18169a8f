"""What no golden exposes, and why: the honest end of the kill matrix."""

from collections.abc import Iterator, Sequence

from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.generator.adequacy import Hidden
from rnn_goldens.golden.precision import PRECISIONS

SINGLE_AND_HALF = ("float32", "bfloat16", "float16")
HALF = ("bfloat16", "float16")


def hidden(
    names: tuple[str, ...], precisions: tuple[str, ...], reason: str, *cells: str, allowed: bool = False
) -> Iterator[Hidden]:
    """The same reason for some deviations, in the cells that are named or all that each applies to."""
    for name in names:
        yield Hidden(name, cells or deviation(name).cells, precisions, reason, allowed)


def _casts_to(name: str, *kinds: str) -> tuple[str, ...]:
    return tuple(f"{kind}_cast_to_{name}" for kind in kinds or ("matrices", "biases", "inputs", "initial_states"))


def _bands(activation: str, but: int) -> tuple[str, ...]:
    """The deviations that are off in a band of an activation, but for so many bands near zero."""
    return tuple(d.name for d in DEVIATIONS if d.name.startswith(f"{activation}_off_from_"))[but:]


FEW_STORES = (
    "what sums lose in eleven bits is less than twice what a few stores in bfloat16 may, in each of some hundred "
    "drawn networks of up to 193 units"
)
NO_ROOM_FOR_1E_4 = "off by 1e-4, a fifth of float16's roundoff near 1; a stored activation is allowed more"

HIDDEN: tuple[Hidden, ...] = (
    *hidden(_casts_to("float32"), SINGLE_AND_HALF, "float32 is as much as this precision asks for", allowed=True),
    *hidden(_casts_to("float16"), ("float16",), "they are float16 numbers", allowed=True),
    *hidden(_casts_to("bfloat16"), ("bfloat16",), "they are bfloat16 numbers", allowed=True),
    *hidden(
        _casts_to("float16", "biases"),
        ("bfloat16",),
        "float16 has every bias that neither saturates the activation nor is too small to count",
        "rnn_tanh",
        "lstm",
        "gru",
    ),
    *hidden(
        _casts_to("bfloat16"),
        ("float16",),
        "eight bits move a sum by at most 4 of float16's roundoffs of it; what is stored on the way may lose as much",
        "rnn_tanh",
        "lstm",
        "gru",
    ),
    *hidden(_bands("tanh", 2), ("bfloat16",), NO_ROOM_FOR_1E_4),
    *hidden(_bands("tanh", 3), ("float16",), NO_ROOM_FOR_1E_4),
    *hidden(_bands("sigmoid", 0), HALF, NO_ROOM_FOR_1E_4),
    *hidden(
        ("lstm_cell_clipped_at_5", "lstm_cell_clipped_at_10"),
        ("bfloat16",),
        "a cell beyond 4 may be off by more than 0.1 in bfloat16, where nothing is checked",
    ),
    *hidden(
        (
            "float32_arithmetic",
            "float32_products",
            "float32_accumulation",
            "float32_state",
            "float32_tanh",
            "float32_exp",
        ),
        SINGLE_AND_HALF,
        "float32 is as much as this precision asks for",
        allowed=True,
    ),
    *hidden(
        ("tf32_products", "float16_activations"),
        HALF,
        "eleven significant bits are as many as this precision has, or more",
        allowed=True,
    ),
    *hidden(
        ("float16_products", "float16_state", "float16_arithmetic"),
        ("float16",),
        "it is what a float16 implementation stores",
        allowed=True,
    ),
    *hidden(
        ("float16_state",),
        ("bfloat16",),
        "eleven bits are more than this precision has, and a state that float16 lacks is too small to count",
        "rnn_tanh",
        "lstm",
        "gru",
        allowed=True,
    ),
    *hidden(
        ("bfloat16_products", "bfloat16_state", "bfloat16_activations"),
        ("bfloat16",),
        "it is what a bfloat16 implementation stores",
        allowed=True,
    ),
    *hidden(
        ("bfloat16_products", "bfloat16_state", "bfloat16_activations"),
        ("float16",),
        "a store of eight bits is off by at most 8 of float16's roundoffs; a gate shrinks what is lost, and the "
        "products of gates may be stored as well",
        "lstm",
        "gru",
    ),
    *hidden(
        ("gates_clipped_at_10",),
        HALF,
        "off by at most 4.6e-5, a tenth of float16's roundoff",
        "rnn_tanh",
        "gru",
    ),
    *hidden(
        ("gates_clipped_at_10",),
        ("float16",),
        "off by at most 4.6e-5, a tenth of float16's roundoff",
        "lstm",
    ),
    *hidden(
        ("gates_clipped_at_10",),
        ("float32",),
        "a tanh is off by at most 4.2e-9, a fourteenth of float32's roundoff",
        "rnn_tanh",
    ),
    *hidden(
        ("gates_clipped_at_5",),
        HALF,
        "a tanh is off by at most 9.1e-5, a fifth of float16's roundoff",
        "rnn_tanh",
    ),
    *hidden(
        ("gates_clipped_at_3",),
        ("bfloat16",),
        "a tanh is off by at most 5e-3, 1.3 of bfloat16's roundoffs, where a stored activation is allowed 2.2",
        "rnn_tanh",
    ),
    *hidden(
        ("tf32_accumulation",),
        ("bfloat16",),
        FEW_STORES,
        "rnn_relu",
        "lstm",
        "gru",
    ),
    *hidden(
        ("float16_accumulation",),
        ("bfloat16",),
        FEW_STORES,
        "lstm",
        "gru",
    ),
    *hidden(
        ("fast_tanh_3_2",),
        ("bfloat16",),
        "off by at most 2.4e-2, 6 of bfloat16's roundoffs, where tanh is 0.9; there a stored activation is allowed "
        "2.2, and the sum before it some more",
    ),
    *hidden(
        ("fast_tanh_5_4", "fast_tanh_7_6", "tabled_tanh_coarse", "tabled_tanh_fine"),
        HALF,
        "off by at most 1.4e-3, less than 3 of float16's roundoffs, where a stored activation near 1 is allowed 2.5",
    ),
    *hidden(
        ("fast_exp_sigmoid",),
        ("bfloat16",),
        "off by at most 1.5e-2, 4 of bfloat16's roundoffs; a stored sigmoid of 1/2 is allowed 2.4",
    ),
    *hidden(
        ("sigmoid_by_fast_tanh",),
        HALF,
        "off by at most 7e-4, 1.4 of float16's roundoffs, where the sigmoid is near 0 and is allowed 0.75 or more",
    ),
    *hidden(
        ("tabled_tanh_fine",),
        ("float32",),
        "off by at most 1.5e-6, 25 of float32's roundoffs; each activation is allowed 8, there are two or more on the "
        "way to an output, and a gate shrinks what the tanh is off by",
        "lstm",
        "gru",
    ),
)

_GROWS = "a cell that starts from zero needs a step for each 1 it grows; after so many, nothing is checked in {}"
_SUMS = "sums of 257 inputs from zero are off by less than twice the tolerance; those of 129 given states by more"
_STORES = "what a tanh RNN from zero adds up on two steps is less than twice what its stores may lose in {}"

HIDDEN_FROM_ZERO: Sequence[Hidden] = (
    *hidden(
        ("h_n_reshaped_from_batch_first",), tuple(PRECISIONS), "with one layer in one direction it changes nothing"
    ),
    *hidden(("gru_candidate_without_state_if_no_bias",), tuple(PRECISIONS), "it needs a network without biases"),
    *hidden(("lstm_cell_clipped_at_2", "lstm_cell_clipped_at_3"), ("bfloat16",), _GROWS.format("bfloat16")),
    *hidden(("lstm_cell_clipped_at_5", "lstm_cell_clipped_at_10"), ("float16",), _GROWS.format("float16")),
    *hidden(("float16_accumulation", "tf32_accumulation"), ("bfloat16",), _SUMS, "rnn_tanh"),
    *hidden(("float16_accumulation", "tf32_accumulation"), ("float16",), _SUMS, "rnn_relu", "lstm", "gru"),
    *hidden(("bfloat16_accumulation",), ("bfloat16",), _SUMS, "rnn_relu", "gru"),
    *hidden(
        ("bfloat16_products", "bfloat16_state", "bfloat16_activations"),
        ("float16",),
        _STORES.format("float16"),
        "rnn_tanh",
    ),
    *hidden(
        ("state_product_beyond_128_dropped",),
        ("bfloat16",),
        "the last of 129 states that start from zero moves a sum by less than twice what storing loses",
        "gru",
    ),
)
"""What one layer that starts from zero is not shown besides, and why; other goldens show it."""

HIDDEN_IN_OUT: Sequence[Hidden] = (
    *HIDDEN_FROM_ZERO,
    *hidden(
        ("lstm_cell_clipped_at_10",),
        ("float32",),
        "tanh(10) is 4.2e-9 below 1, and a cell that starts from zero reaches 10 in no fewer than 10 steps",
    ),
)
"""What it is not shown if it returns out alone, besides what only last states show."""
