"""What no golden exposes, and why: the honest end of the kill matrix."""

from collections.abc import Iterator

from rnn_goldens.deviations import deviation
from rnn_goldens.generator.adequacy import Hidden

SINGLE_AND_HALF = ("float32", "bfloat16", "float16")
HALF = ("bfloat16", "float16")


def _hidden(
    names: str, precisions: tuple[str, ...], reason: str, *, cells: str = "", allowed: bool = False
) -> Iterator[Hidden]:
    """The same reason for some deviations, in the cells that are named or all that each can befall."""
    for name in names.split():
        yield Hidden(name, tuple(cells.split()) or deviation(name).cells, precisions, reason, allowed)


HIDDEN: tuple[Hidden, ...] = (
    *_hidden(
        "float32_arithmetic float32_products float32_accumulation float32_state float32_tanh float32_exp",
        SINGLE_AND_HALF,
        "float32 is as much as this precision asks for",
        allowed=True,
    ),
    *_hidden(
        "tf32_products float16_products float16_state float16_activations float16_arithmetic",
        HALF,
        "eleven significant bits are as many as this precision has, or more",
        allowed=True,
    ),
    *_hidden(
        "bfloat16_products bfloat16_state bfloat16_activations",
        ("bfloat16",),
        "it is what a bfloat16 implementation stores",
        allowed=True,
    ),
    *_hidden(
        "bfloat16_products bfloat16_state",
        ("float16",),
        "one store to eight bits loses eight times a float16 store's roundoff: less than twice the dozen stores that a "
        "step of a float16 implementation may make",
    ),
    *_hidden(
        "bfloat16_activations",
        ("float16",),
        "likewise: one store to eight bits, where the tolerance admits a dozen to eleven",
        cells="lstm gru",
    ),
    *_hidden(
        "float16_accumulation tf32_accumulation",
        ("bfloat16",),
        "what sums of at most 70 terms lose in eleven bits is less than twice what bfloat16's stores may lose",
    ),
    *_hidden(
        "float16_accumulation tf32_accumulation",
        ("float16",),
        "a cell whose activation or gates flatten what its sums lose, or whose goldens have few terms a sum",
        cells="rnn_relu lstm gru",
    ),
    *_hidden(
        "bfloat16_accumulation",
        ("bfloat16",),
        "a cell whose activation or gates flatten what its sums lose, or whose goldens have few terms a sum",
        cells="rnn_relu lstm gru",
    ),
    *_hidden(
        "bfloat16_accumulation",
        ("float16",),
        "the relu goldens that are checked in float16 have few terms a sum, or are exact in eight bits as well",
        cells="rnn_relu",
    ),
    *_hidden(
        "int8_weights",
        ("bfloat16",),
        "a weight's rounding to 255 levels is as fine as bfloat16's own roundings of the products",
        cells="rnn_relu lstm gru",
    ),
    *_hidden(
        "fast_tanh_3_2",
        ("bfloat16",),
        "off by at most 2.4e-2, six of bfloat16's roundoffs",
    ),
    *_hidden(
        "fast_tanh_5_4 fast_tanh_7_6 tabled_tanh_coarse tabled_tanh_fine",
        HALF,
        "off by at most 2e-3, which is four of float16's roundoffs",
    ),
    *_hidden(
        "fast_exp_sigmoid",
        ("bfloat16",),
        "off by at most 1.5e-2, four of bfloat16's roundoffs",
    ),
    *_hidden(
        "sigmoid_by_fast_tanh",
        HALF,
        "off by at most 1e-3, half the fast tanh's error: two of float16's roundoffs",
    ),
    *_hidden(
        "tabled_tanh_fine",
        ("float32",),
        "off by at most 1.5e-6, 25 units in the last place of 1: correct runtimes' activations reach 5.5 of the 8 that "
        "are allowed, and the sums before the activation may round as well",
    ),
)
