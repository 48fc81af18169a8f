"""The sizes of each dimension that goldens of recurrences must have: one, and just above the sizes of tiles.

A golden has a size as stored or embedded. It counts only if its last place does: a kernel that loses the last head, key
or step must fail, and for gradients the last place must have one. Whether it does is computed. Sizes that no golden of
the built-in corpus has are listed with the reason.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.coverage.dimensions import JUST, SizeGap
from rnn_goldens.golden.larger_golden import sizes_of
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import BATCH, SEQUENCES, TIME
from rnn_goldens.golden.stored_arrays import Float64, sequence_slices
from rnn_goldens.implementations import numpy_cells

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


SIZES = (1, 5, 9, 17, 33, 65, 129)
"""One, and one more than powers of two."""

GROWN_BY = {"query_heads": "heads"}

Counts = Callable[[Golden, str], bool]
"""Whether the last place of a golden along a dimension counts."""


class Place(NamedTuple):
    """A size of a dimension of a recurrence."""

    cell: str
    dimension: str
    size: int


class Having(NamedTuple):
    """How many goldens have a size as stored, and whether one has it embedded."""

    stored: int
    embedded: bool


def dimensions_of(cell: str) -> tuple[str, ...]:
    """Return the dimensions of a recurrence. What a convolution keeps of the past follows from its width."""
    own = [name for name in RECURRENCES[cell].sizes if name != "past"]
    return (*own, *([GROUP] if "query_heads" in own else []), BATCH, SEQUENCES, TIME)


def sizes_by_dimension(golden: Golden) -> dict[str, int]:
    """Return the sizes of a golden; time is that of its longest sequence."""
    config, steps = golden.config, _longest(golden)
    group = {GROUP: golden.recurrence.queries} if "query_heads" in config else {}
    fixed = {name: config[name] for name in dimensions_of(golden.cell) if name in config}
    return {**fixed, **group, **sizes_of(golden), TIME: steps.stop - steps.start}


def having(goldens: Iterable[Golden], counts: Counts) -> dict[Place, Having]:
    """Return which goldens have each required size, as stored and embedded."""
    of_cells: dict[str, list[Golden]] = {cell: [] for cell in RECURRENCES}
    for golden in sorted(goldens, key=lambda golden: golden.time):
        if golden.cell in of_cells:
            of_cells[golden.cell].append(golden)
    return {
        place: Having(
            sum(
                place.size <= sizes_by_dimension(golden).get(place.dimension, 0) <= place.size * JUST
                and counts(golden, place.dimension)
                for golden in of_cells[place.cell]
            ),
            any(_has_embedded(golden, place, counts) for golden in of_cells[place.cell]),
        )
        for place in places()
    }


def places() -> Iterator[Place]:
    """Yield the required sizes."""
    for cell in RECURRENCES:
        for dimension in dimensions_of(cell):
            yield from (Place(cell, dimension, size) for size in SIZES)


def _has_embedded(golden: Golden, place: Place, counts: Counts) -> bool:
    """Return whether a golden that is embedded in a size really has it, and its last place counts."""
    name, growing = GROWN_BY.get(place.dimension, place.dimension), sizes_of(golden)
    size = place.size // sizes_by_dimension(golden).get(GROUP, 1) if name != place.dimension else place.size
    if not growing.get(name, size) < size:
        return False
    try:
        larger = golden.embedded(**{name: size})
    except Unsupported:  # heads of a key head, or channels of a group, grow together
        return False
    return sizes_by_dimension(larger)[place.dimension] == place.size and counts(larger, place.dimension)


def counts_forward(golden: Golden, dimension: str) -> bool:
    """Return whether outputs are wrong if inputs and weights are zero in the last place of a dimension."""
    stored = golden.stored
    inputs, weights = (
        {name: _without_last(golden, dimension, name, array) for name, array in arrays.items()}
        for arrays in (stored.inputs, stored.weights)
    )
    wrong = replace(golden.for_implementation(), stored=replace(stored, inputs=inputs, weights=weights))
    return not compare(golden, *numpy_cells.run(wrong)).passed


def counts_backward(golden: Golden, dimension: str) -> bool:
    """Return whether a gradient is not zero in the last place of a dimension; for time, in the first step."""
    assert golden.gradients is not None
    return any(
        bool(array[last].any())
        for name, array in golden.gradients.expected.items()
        if (last := _last(golden, dimension, name, backward=True)) is not None
    )


def _without_last(golden: Golden, dimension: str, name: str, array: Float64) -> Float64:
    if (last := _last(golden, dimension, name)) is None:
        return array
    changed = array.copy()
    changed[last] = 0
    return changed


def _last(golden: Golden, dimension: str, name: str, *, backward: bool = False) -> tuple[slice | int, ...] | None:
    """Return the index of the last place of a dimension in an array; None if the array does not have the dimension.

    A packed sequence is its time steps. The backward pass computes the first step last.
    """
    axes = golden.axes(name)
    if dimension == SEQUENCES and golden.offsets is not None:
        axis, place = TIME, sequence_slices(golden.offsets)[-1]
    elif dimension == TIME:
        steps = _longest(golden)
        axis, place = TIME, slice(steps.start, steps.start + 1) if backward else slice(steps.stop - 1, steps.stop)
    elif dimension == GROUP:
        axis, place = "query_heads", slice(-1, None)
    else:
        axis, place = dimension, slice(-1, None)
    return (slice(None),) * axes.index(axis) + (place,) if axis in axes else None


def _longest(golden: Golden) -> slice:
    """Return the time steps of the longest sequence."""
    if golden.offsets is None:
        return slice(0, golden.time)
    return max(sequence_slices(golden.offsets), key=lambda steps: steps.stop - steps.start)


def missing(goldens: Iterable[Golden], *, backward: bool = False) -> Iterator[str]:
    """Yield the sizes that no golden, with gradients if ``backward``, has, unless they are gaps; and covered gaps."""
    gaps, counts = ((*GAPS, *BACKWARD_GAPS), counts_backward) if backward else (GAPS, counts_forward)
    for (cell, dimension, size), of in having(goldens, counts).items():
        known = any(cell in gap.cells and dimension == gap.dimension and size in gap.sizes for gap in gaps)
        if any(of) == known:
            why = f"{size} is listed as a gap, but a golden has it" if known else f"no golden has {size}"
            yield f"{cell}, {dimension}: {why}"
