"""Bugs that appear only at certain sizes: tails of vectors, edges of tiles, full buffers."""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.deviations.alteration import (
    REVERSE,
    Alteration,
    in_lengths,
    in_new_state,
    in_outputs,
    in_steps,
    in_unrolled,
    in_weights,
)
from rnn_goldens.deviations.table_rows import Row, for_each, table
from rnn_goldens.deviations.weights import EVERY, REVERSED, UPPER, Part

WIDTHS = (2, 4, 8, 16, 32)
"""Widths of vectors."""

LIMITS = (8, 16, 32, 64, 128)
"""Sizes of tiles and buffers."""

CHUNKS = (8, 16, 32, 35, 64, 128)
"""Steps after which a state is lost; 35 is a common sequence length of language models."""

ROWS = (8, 16, 32, 64, 100, 128, 256)


def _columns_read(of: str, read: Callable[[int], int], part: Part = EVERY) -> Alteration:
    """Set columns to zero, starting at index ``read(columns)``."""
    return in_weights(
        lambda array, _: np.where(np.arange(array.shape[-1]) < read(array.shape[-1]), array, 0),
        "weight_hh" if of == "state" else "weight_ih",
        where=part.has,
    )


def _in_both_products(read: Callable[[int], int]) -> Alteration:
    def product(right: Network, v: Array, matrix: Array) -> Array:
        terms = read(v.shape[-1])
        return right.product(v[:, :terms], matrix[:, :terms])

    return in_steps(product=product)


def _rows_not_computed(computed: Callable[[int], int]) -> Alteration:
    """Set batch rows of the outputs to zero, starting at index ``computed(rows)``."""

    def change(_case: Case, outputs: State) -> State:
        out, last = _first_rows(outputs[0], outputs[1:], computed(len(outputs[0])))
        return out, *last

    return in_outputs(change)


def _first_rows(out: Array, last: State, limit: int) -> tuple[Array, State]:
    """Return outputs and last states with zero in the batch rows beyond the first ``limit``."""
    is_computed = (np.arange(len(out)) < limit)[:, None]
    return np.where(is_computed[..., None], out, 0), tuple(np.where(is_computed, part, 0) for part in last)


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
    return lambda size: size - size % width if size > width else size


def _first(limit: int) -> Callable[[int], int]:
    return lambda size: min(size, limit)


def _product_tail(of: str) -> Row:
    return (
        f"{of}_product_tail_of_{{}}_dropped",
        f"Leaves the terms after the last whole vector of {{}} out of products with the {of}.",
        lambda width: _columns_read(of, _tail(width)),
    )


def _product_beyond(of: str, part: Part = EVERY) -> Row:
    return (
        f"{part.name}{of}_product_beyond_{{}}_dropped",
        f"Sums only the first {{}} terms of products with the {of}{part.words}.",
        lambda limit: _columns_read(of, _first(limit), part),
        {"needs": part.needs},
    )


DEVIATIONS = table(
    reports={"units_beyond_128_not_computed": ("FlagGems#5014",), "rows_beyond_100_not_computed": ("pytorch#177834",)}
)(
    **for_each(
        WIDTHS,
        (
            "product_tail_of_{}_dropped",
            "Leaves the terms after the last whole vector of {} out of dot products.",
            lambda width: _in_both_products(_tail(width)),
        ),
        _product_tail("input"),
        _product_tail("state"),
    ),
    product_beyond_64_dropped=("Sums only the first tile of 64 terms of a dot product.", _in_both_products(_first(64))),
    **for_each(LIMITS[:-1], _product_beyond("input"), _product_beyond("state"), _product_beyond("input", UPPER)),
    **for_each(LIMITS[-1:], _product_beyond("input"), _product_beyond("state")),
    **for_each((256,), _product_beyond("input")),
    **for_each(LIMITS[-1:], (*_product_beyond("input", UPPER)[:3], {"needs": UPPER.needs, "cells": ("rnn_relu",)})),
    **for_each(
        LIMITS[:3], *(_product_beyond(*of) for of in (("state", UPPER), ("input", REVERSED), ("state", REVERSED)))
    ),
    **for_each(
        LIMITS,
        "units_beyond_{}_not_computed",
        "Leaves units beyond the first {} zero.",
        lambda limit: in_new_state(
            lambda after, _: tuple(np.where(np.arange(part.shape[-1]) < limit, part, 0) for part in after)
        ),
    ),
    **for_each(
        ROWS,
        "rows_beyond_{}_not_computed",
        "Leaves batch rows beyond the first {} zero.",
        lambda limit: _rows_not_computed(_first(limit)),
    ),
    last_odd_row_not_computed=(
        "Computes batch rows in pairs and leaves the last row of an odd batch zero.",
        _rows_not_computed(lambda rows: rows - rows % 2 if rows > 1 else rows),
    ),
    **for_each(
        LIMITS, "steps_beyond_{}_not_visited", "Ends after {} steps: out is zero for the others.", _steps_not_visited
    ),
    **for_each(
        CHUNKS,
        "state_lost_every_{}_steps",
        "Restarts from zero after every {} steps, as if a sequence were split into chunks.",
        _state_lost,
    ),
    **for_each(
        LIMITS,
        (
            "reverse_rows_beyond_{}_not_computed",
            "Leaves batch rows beyond the first {} zero in the reverse direction.",
            lambda limit: in_unrolled(lambda out, last, _start, _lengths: _first_rows(out, last, limit), REVERSE),
            {"needs": REVERSED.needs},
        ),
        (
            "reverse_steps_beyond_{}_not_visited",
            "Ends after {} steps in the reverse direction: out is zero for the others.",
            partial(_steps_not_visited, of_both=False),
            {"needs": REVERSED.needs},
        ),
        (
            "lengths_of_rows_beyond_{}_not_read",
            "Treats batch rows beyond the first {} as if they had the full length.",
            lambda limit: in_lengths(lambda lengths, time: np.where(np.arange(len(lengths)) < limit, lengths, time)),
            {"needs": ("lengths",)},
        ),
    ),
)
