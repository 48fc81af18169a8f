"""Bugs that appear only at certain sizes: tails of vectors, edges of tiles, full buffers."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.deviations.alteration import (
    REVERSE,
    Alteration,
    Outputs,
    in_lengths,
    in_outputs,
    in_steps,
    in_unrolled,
)
from rnn_goldens.deviations.blocks import only
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.network_parts import EVERY, REVERSED, UPPER, Part, in_weights_of
from rnn_goldens.golden.built_in_cells import CELLS

WIDTHS = (2, 4, 8, 16, 32)
"""Widths of vectors."""

LIMITS = (8, 16, 32, 64, 128)
"""Sizes of tiles and buffers."""

CHUNKS = (8, 16, 32, 35, 64, 128)
"""Steps after which a state is lost; 35 is a common sequence length of language models."""

ROWS = (8, 16, 32, 64, 100, 128)


def _whole_vectors(size: int, width: int) -> int:
    return size - size % width if size > width else size


def _columns_read(of: str, read: Callable[[int], int], part: Part = EVERY) -> Alteration:
    """Set columns to zero, starting at index ``read(columns)``."""
    kind = "weight_hh" if of == "state" else "weight_ih"

    def change(array: Array, _: Case) -> Array:
        return np.where(np.arange(array.shape[-1]) < read(array.shape[-1]), array, 0)

    return in_weights_of(part, only(kind, change))


def _in_both_products(read: Callable[[int], int]) -> Alteration:
    def product(right: Network, v: Array, matrix: Array) -> Array:
        terms = read(v.shape[-1])
        return right.product(v[:, :terms], matrix[:, :terms])

    return in_steps(product=product)


def _rows_not_computed(computed: Callable[[int], int]) -> Alteration:
    """Set batch rows of the outputs to zero, starting at index ``computed(rows)``."""

    def change(_case: Case, outputs: Outputs) -> Outputs:
        out, *last = outputs
        is_computed = (np.arange(len(out)) < computed(len(out)))[:, None]
        return np.where(is_computed[..., None], out, 0), *(np.where(is_computed, part, 0) for part in last)

    return in_outputs(change)


def _reverse_rows_not_computed(limit: int) -> Alteration:
    """Set batch rows of the reverse direction's outputs to zero, starting at index ``limit``."""

    def change(out: Array, last: State, _start: State, _lengths: Array) -> tuple[Array, State]:
        is_computed = (np.arange(len(out)) < limit)[:, None]
        return np.where(is_computed[..., None], out, 0), tuple(np.where(is_computed, part, 0) for part in last)

    return in_unrolled(change, REVERSE)


def _lengths_not_read(limit: int) -> Alteration:
    """Use the padded length for rows, starting at index ``limit``."""
    return in_lengths(lambda lengths, time: np.where(np.arange(len(lengths)) < limit, lengths, time))


def _units_not_computed(limit: int) -> Alteration:
    """Set units of the state to zero after each step, starting at index ``limit``."""

    def step(right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        after = right.step(case, suffix, w, layer_input, t, state)
        return tuple(np.where(np.arange(part.shape[-1]) < limit, part, 0) for part in after)

    return in_steps(step=step)


def _steps_not_visited(limit: int, *, of_both: bool = True) -> Alteration:
    """Visit only the first ``limit`` steps: in each direction if ``of_both``, else only in the reverse direction."""

    def times(right: Network, time: int, *, reverse: bool) -> Iterable[int]:
        visited = list(right.times(time, reverse=reverse))
        return visited[:limit] if reverse or of_both else visited

    return in_steps(times=times)


def _state_lost(steps: int) -> Alteration:
    """Restart each direction from zero after a number of steps."""

    def step(right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        visited = layer_input.shape[1] - 1 - t if suffix.endswith("_reverse") else t
        lost = visited > 0 and visited % steps == 0
        before = tuple(np.zeros_like(part) for part in state) if lost else state
        return right.step(case, suffix, w, layer_input, t, before)

    return in_steps(step=step)


def _tail(width: int) -> Callable[[int], int]:
    return lambda size: _whole_vectors(size, width)


def _first(limit: int) -> Callable[[int], int]:
    return lambda size: min(size, limit)


def _of_products() -> Iterator[Deviation]:
    """Yield deviations in both products, in products with the input or the state, and in one part of a network."""
    for width in WIDTHS:
        terms = f"the terms after the last whole vector of {width}"
        yield Deviation(
            f"product_tail_of_{width}_dropped",
            f"Leaves {terms} out of dot products.",
            _in_both_products(_tail(width)),
        )
        for of in ("input", "state"):
            yield Deviation(
                f"{of}_product_tail_of_{width}_dropped",
                f"Leaves {terms} out of products with the {of}.",
                _columns_read(of, _tail(width)),
            )
    yield Deviation(
        "product_beyond_64_dropped",
        "Sums only the first tile of 64 terms of a dot product.",
        _in_both_products(_first(64)),
    )
    for limit in LIMITS:
        for of in ("input", "state"):
            yield _product_beyond(limit, of)
        yield _product_beyond(limit, "input", UPPER, cells=("rnn_relu",) if limit == LIMITS[-1] else CELLS)
    for limit in LIMITS[:3]:
        yield _product_beyond(limit, "state", UPPER)
        yield _product_beyond(limit, "input", REVERSED)
        yield _product_beyond(limit, "state", REVERSED)


def _product_beyond(limit: int, of: str, part: Part = EVERY, cells: tuple[str, ...] = CELLS) -> Deviation:
    return Deviation(
        f"{part.name}{of}_product_beyond_{limit}_dropped",
        f"Sums only the first {limit} terms of products with the {of}{part.words}.",
        _columns_read(of, _first(limit), part),
        cells=cells,
        needs=part.needs,
    )


def _of_one_direction_or_ragged() -> Iterator[Deviation]:
    """Yield deviations in the reverse direction only, or in sequences of different lengths."""
    for limit in LIMITS:
        yield Deviation(
            f"reverse_rows_beyond_{limit}_not_computed",
            f"Leaves batch rows beyond the first {limit} zero in the reverse direction.",
            _reverse_rows_not_computed(limit),
            needs=REVERSED.needs,
        )
        yield Deviation(
            f"reverse_steps_beyond_{limit}_not_visited",
            f"Ends after {limit} steps in the reverse direction: out is zero for the others.",
            _steps_not_visited(limit, of_both=False),
            needs=REVERSED.needs,
        )
        yield Deviation(
            f"lengths_of_rows_beyond_{limit}_not_read",
            f"Treats batch rows beyond the first {limit} as if they had the full length.",
            _lengths_not_read(limit),
            needs=("lengths",),
        )


DEVIATIONS = (
    *_of_products(),
    *(
        Deviation(
            f"units_beyond_{limit}_not_computed",
            f"Leaves units beyond the first {limit} zero.",
            _units_not_computed(limit),
            stands_for=("FlagGems#5014",) if limit == LIMITS[-1] else (),
        )
        for limit in LIMITS
    ),
    *(
        Deviation(
            f"rows_beyond_{limit}_not_computed",
            f"Leaves batch rows beyond the first {limit} zero.",
            _rows_not_computed(_first(limit)),
            stands_for=("pytorch#177834",) if limit == 100 else (),  # noqa: PLR2004 - the size in pytorch#177834
        )
        for limit in ROWS
    ),
    Deviation(
        "last_odd_row_not_computed",
        "Computes batch rows in pairs and leaves the last row of an odd batch zero.",
        _rows_not_computed(lambda rows: rows - rows % 2 if rows > 1 else rows),
    ),
    *(
        Deviation(
            f"steps_beyond_{limit}_not_visited",
            f"Ends after {limit} steps: out is zero for the others.",
            _steps_not_visited(limit),
        )
        for limit in LIMITS
    ),
    *(
        Deviation(
            f"state_lost_every_{steps}_steps",
            f"Restarts from zero after every {steps} steps, as if a sequence were split into chunks.",
            _state_lost(steps),
        )
        for steps in CHUNKS
    ),
    *_of_one_direction_or_ragged(),
)
