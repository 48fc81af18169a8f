"""The sizes of recurrences that no golden of the built-in corpus has, and why."""

from collections.abc import Iterator, Mapping

from rnn_goldens.generator.coverage.dimensions import SizeGap
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import BATCH, SEQUENCES, TIME

GROUP = "query heads of a head"
"""A dimension: query heads grow with heads, but not this ratio."""

ATTENTION = tuple(cell for cell, of in RECURRENCES.items() if "d_k" in of.sizes)

FEWER_STEPS = "a longer golden takes as many steps on its way"
MORE_STEPS = "the corpus kernels has goldens of more steps"
_LONG = 129


def _steps(of_cells: Mapping[tuple[str, ...], tuple[int, ...]]) -> Iterator[SizeGap]:
    """Yield the gaps of time, which cannot grow, given the numbers of steps by cells."""
    for cells, steps in of_cells.items():
        if fewer := tuple(size for size in steps if size < _LONG):
            yield SizeGap(TIME, fewer, cells, FEWER_STEPS)
        if _LONG in steps:
            yield SizeGap(TIME, (_LONG,), cells, MORE_STEPS)


GAPS = (
    SizeGap("d_k", (1,), ATTENTION, "kernels take 16 keys or more, and a golden cannot shrink"),
    SizeGap(
        GROUP,
        (5, 9, 17, 33, 65, 129),
        ATTENTION,
        "goldens with 2 and 3 query heads for each head check which state a query head reads, and heads can grow",
    ),
    SizeGap("n", (1,), ("mamba2",), "kernels take 16 or more, and a golden cannot shrink"),
    SizeGap("width", (1,), ("causal_conv", "short_conv"), "it has no state"),
    SizeGap("width", (5,), ("short_conv",), "kernels take a width of 2 to 4"),
    SizeGap("width", (9, 17, 33, 65, 129), ("causal_conv", "short_conv"), "kernels take a width of 2 to 4"),
    SizeGap(SEQUENCES, (1,), tuple(RECURRENCES), "one packed sequence is a batch of one"),
    *_steps(
        {
            ("linear_attention",): (1, 9, 17, 33),
            ("gated_linear_attention",): (1, 9, 17),
            ("delta_rule",): (1, 9, 33),
            ("gated_delta",): (9,),
            ("selective_scan",): (5, 9, 17, 129),
            ("min_gru",): (5, 9, 129),
            ("slstm", "rg_lru", "causal_conv"): (9, 17, 129),
            ("gated_delta_net", "gated_delta_net_2", "mamba2", "mlstm"): (9, 17),
            ("mamba",): (9, 17, 129),
            ("kda",): (9,),
            ("retention", "generalized_delta", "rwkv7", "rwkv6"): (5, 9, 17),
            ("short_conv",): (5, 9, 17, 129),
        }
    ),
)
"""Sizes that no golden has, as stored or embedded."""

COPIES = (
    "copies have no cotangents, and of no golden with gradients the own numbers are in the last place; in "
    "other sizes they are"
)

NOT_LAST = "of no golden with gradients the own numbers are in the last place; in other sizes they are"

BACKWARD_GAPS = (
    SizeGap("width", (5,), ("causal_conv",), "kernels take a width of 2 to 4, and 4 has gradients"),
    SizeGap(
        "d",
        (9, 33),
        ("slstm",),
        "of no golden with gradients the own numbers are in the last place; in 5, 17, 65 and 129 they are",
    ),
    SizeGap(BATCH, (5, 9), ("min_gru",), COPIES),
    SizeGap(BATCH, (17,), ("selective_scan",), COPIES),
    SizeGap(BATCH, (17,), ("rg_lru",), COPIES),
    SizeGap(SEQUENCES, (5, 9), ("rg_lru",), COPIES),
    SizeGap(SEQUENCES, (5, 9, 33), ("linear_attention",), COPIES),
    SizeGap(SEQUENCES, (9,), ("slstm", "min_gru"), COPIES),
    SizeGap(SEQUENCES, (9, 33), ("gated_delta",), COPIES),
    SizeGap(SEQUENCES, (33,), ("causal_conv",), COPIES),
    SizeGap(SEQUENCES, (33,), ("gated_delta_net", "rwkv6"), COPIES),
    SizeGap(SEQUENCES, (9, 33), ("kda", "retention"), COPIES),
    SizeGap(SEQUENCES, (5, 9), ("mamba2", "short_conv"), COPIES),
    SizeGap(BATCH, (17,), ("retention", "mlstm"), COPIES),
    SizeGap(SEQUENCES, (9,), ("mlstm", "gated_delta_net_2"), COPIES),
    SizeGap(SEQUENCES, (5,), ("mamba",), COPIES),
    SizeGap(BATCH, (33,), ("rwkv7",), COPIES),
    SizeGap("d_v", (17,), ("rwkv7",), NOT_LAST),
    SizeGap(BATCH, (33,), ("short_conv",), COPIES),
    SizeGap("d_v", (5,), ("generalized_delta",), NOT_LAST),
    SizeGap("d_k", (9,), ("rwkv6",), NOT_LAST),
    SizeGap("channels", (5,), ("short_conv",), NOT_LAST),
    *_steps(
        {
            ("linear_attention",): (129,),
            ("gated_linear_attention",): (33, 129),
            ("delta_rule",): (17, 129),
            ("gated_delta",): (17, 33, 129),
            ("selective_scan", "rg_lru", "causal_conv"): (1, 33),
            ("slstm",): (1, 5, 33),
            ("min_gru",): (1, 17, 33),
            ("gated_delta_net", "gated_delta_net_2", "retention"): (1, 33, 129),
            ("generalized_delta", "rwkv7", "rwkv6"): (1, 33, 129),
            ("kda",): (1, 17, 33, 129),
            ("mamba", "mamba2", "short_conv"): (1, 33),
            ("mlstm",): (1, 5, 33, 129),
        }
    ),
)
"""Further sizes that no golden with gradients has."""
