"""Bugs of linear attention that is computed in chunks of 64 steps, and the same bugs in smaller chunks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import log
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.chunked import Chunk, Chunked, Value
from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.recurrence import RecurrenceCase, from_lanes, in_lanes, packed, states_in_lanes
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.needs import LONGER_THAN
from rnn_goldens.deviations.recurrences.attention_inside import inside
from rnn_goldens.deviations.recurrences.edits import (
    ATTENTION,
    CHUNK,
    DELTA,
    GATED,
    GATED_DELTA,
    SMALLER,
    Edit,
    Forward,
    Outputs,
    Wrong,
    for_each_chunk_size,
    in_chunks_of,
)
from rnn_goldens.deviations.table_rows import table


class ChunkKernel(Chunked):
    """The chunked form, which is certified, on arrays. Matrices of a chunk have a column for each time step."""

    of = NUMPY

    def __init__(self, case: RecurrenceCase, size: int = Chunked.size) -> None:
        self.case, self.config, self.time, self.size = case, case.config, case.time, size

    def columns(self, name: str, start: int, stop: int, query: int = 0) -> Array:
        """Return an input at some time steps."""
        config = self.case.config
        lanes = in_lanes(self.case.inputs[name][:, start:stop], config.inputs[name], config)
        return lanes[..., query].transpose(0, 2, 3, 1)

    def run(self) -> Outputs:
        """Return o and S_n."""
        S, outputs = self.first, []
        for x in self.chunks():
            of_queries, S = self.step(x, S)
            outputs.append(np.stack(of_queries, axis=-1))
        S_n = from_lanes(S, self.config.recurrence.states["S"], self.config)
        return {"o": self.arranged(np.concatenate(outputs, axis=2)), "S_n": S_n}

    @property
    def first(self) -> Array:
        """The state before the first chunk."""
        return states_in_lanes(self.case)["S"]

    def states(self) -> Iterator[Array]:
        """Yield the state before each chunk."""
        S = self.first
        for x in self.chunks():
            yield S
            _, S = self.step(x, S)

    def arranged(self, o: Array) -> Array:
        """Return outputs in lanes, (batch, heads, time, d_v, queries), as they are named."""
        return from_lanes(np.moveaxis(o, 2, 0), self.config.outputs["o"], self.config).swapaxes(0, 1)


@dataclass(frozen=True, eq=False)
class Replaced(Forward):
    """The chunked form with other methods, by name, and with this number of steps in a chunk.

    The methods take the right form before their arguments.
    """

    methods: Mapping[str, Callable[..., Any]]
    size: int = Chunked.size

    def __post_init__(self) -> None:
        """Refuse methods that replace nothing."""
        assert all(hasattr(ChunkKernel, name) for name in self.methods)

    def __call__(self, case: RecurrenceCase) -> Outputs:
        """Return the wrong outputs."""
        if case.cell not in ATTENTION:
            return inside(case, self)
        changed, right = ChunkKernel(case, self.size), ChunkKernel(case, self.size)
        for name, method in self.methods.items():
            setattr(changed, name, partial(method, right))
        return changed.run()


def replaced(**methods: Callable[..., Any]) -> Replaced:
    """Return the chunked form with other methods, which take the right form before their arguments."""
    return Replaced(methods)


OF_SHORT_CHUNKS = ("short_chunk_decayed_as_full", "short_chunk_decay_zero")
"""Bugs of a chunk that is not full, for which the size matters in the first chunk, too."""


def in_smaller_chunks(of_64: Iterable[Deviation]) -> Iterator[Deviation]:
    """Yield bugs of chunks of 64 steps with smaller chunks, which need sequences that are longer than one chunk."""
    for one in of_64:
        assert isinstance(one.wrong, Replaced)
        for size in SMALLER:
            yield replace(
                one,
                name=in_chunks_of(size, one.name),
                sentence=f"With chunks of {size} steps, {one.sentence[0].lower()}{one.sentence[1:]}",
                wrong=replace(one.wrong, size=size),
                needs=one.needs if one.name in OF_SHORT_CHUNKS else _needs_in_chunks_of(size, one.needs),
                stands_for=(),
            )


def _needs_in_chunks_of(size: int, needs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the needs of a bug with smaller chunks: as many chunks as in its needs, at least one and a step."""
    steps = {name: steps for steps, name in LONGER_THAN.items()}
    longest = max((steps[need] * size // CHUNK for need in needs if need in steps), default=0)
    return (*(need for need in needs if need not in steps), LONGER_THAN[max(size, longest)])


def _padded(right: ChunkKernel, o: Array) -> Array:
    o = right.arranged(o)
    return np.concatenate([o, np.zeros_like(o[:, : right.case.time - o.shape[1]])], axis=1)


BORDERS = table(cells=ATTENTION, needs=("several_chunks",))(
    short_chunk_dropped=(
        "Drops the last chunk if it is short: its outputs are zero and the state does not see it.",
        replaced(
            chunks=lambda right: (x for x in right.chunks() if x.start == 0 or x.steps == right.size), arranged=_padded
        ),
    ),
    short_chunk_not_in_last_state=(
        "Returns the state before the last chunk if that is short.",
        replaced(
            next_state=lambda right, x, new, S: S if x.start and x.steps < right.size else right.next_state(x, new, S)
        ),
    ),
    middle_chunks_not_in_state=(
        "Adds only the first and the last chunk to the state, not those between, which also leave it undecayed.",
        replaced(
            next_state=lambda right, x, new, S: (
                S if 0 < x.start < right.case.time - x.steps else right.next_state(x, new, S)
            )
        ),
        {"needs": ("three_chunks",)},
    ),
    past_state_read_by_all_chunks=(
        "Starts every chunk from the initial state.",
        replaced(step=lambda right, x, _S: right.step(x, right.first)),
    ),
    state_not_read_by_later_chunks=(
        "Leaves out what the state holds for the queries of all chunks but the first.",
        replaced(of_state=lambda right, q, x, S: right.of_state(q, x, np.zeros_like(S) if x.start else S)),
    ),
)


def _indexed_by_sequence(size: int) -> Wrong:
    def wrong(case: RecurrenceCase) -> Outputs:
        sequences, stored, found = case.sequences(), dict[int, Array](), list[Outputs]()
        for first, one in enumerate(sequences):
            stored.update(enumerate(ChunkKernel(one, size).states(), first))
        for first, one in enumerate(sequences):
            read = partial(_of_stored_state, {k - first: S for k, S in stored.items()})
            found.append(Replaced({"of_state": read}, size)(one))
        return packed(found, case.config)

    return wrong


def _of_stored_state(stored: Mapping[int, Array], right: ChunkKernel, q: Array, x: Chunk, _S: Array) -> Value:
    return right.of_state(q, x, stored[x.start // right.size])


PACKED = table(make=lambda wrong: Edit(wrong=wrong, takes_packed=True), cells=ATTENTION)(
    **for_each_chunk_size(
        "chunk_states_indexed_by_sequence",
        "Stores the states before chunks of {} steps as if each packed sequence had one chunk, so that later "
        "sequences overwrite those of earlier ones, which queries read.",
        _indexed_by_sequence,
        lambda size: {"needs": ("packed", LONGER_THAN[size])},
    )
)


class _MaskedByLess(ChunkKernel):
    """Takes zero for a decay of one."""

    def decay(self, later: Value, earlier: Value, causal: Array) -> Value:
        return super().decay(later, earlier, causal) * (later < earlier)


def _gram_masked_by_less(right: ChunkKernel, x: Chunk) -> Value:
    return right.gram(x._replace(between=_MaskedByLess(right.case, right.size).between(right.sums(x), x.causal)))


DECAYS = table(cells=GATED)(
    decay_sums_not_restarted=(
        "Sums log-decays from the start of the sequence instead of the start of the chunk.",
        replaced(sums=lambda right, x: right.sums(x) + right.columns("g", 0, x.start).sum(axis=-1, keepdims=True)),
        {"needs": ("several_chunks",)},
    ),
    short_chunk_decayed_as_full=(
        "Decays the state over a short chunk as over a full one, with the last decay for the missing steps.",
        replaced(end=lambda right, x, sums: right.end(x, sums) + (right.size - x.steps) * x.g[..., -1:]),
    ),
    short_chunk_decay_zero=(
        "Takes zero for the sum of the log-decays of a short chunk, from the padding behind its last step.",
        replaced(end=lambda right, x, sums: right.end(x, sums) * (x.steps == right.size)),
        {"stands_for": ("sparkinfer PR604",)},
    ),
    decay_from_start_without_own_step=(
        "Leaves out the decay of a step itself where it reads the state before the chunk.",
        replaced(from_start=lambda right, x, sums: right.from_start(x, sums - x.g)),
    ),
    decay_to_end_with_own_step=(
        "Includes the decay of a step itself in the decay from that step to the end of the chunk.",
        replaced(to_end=lambda right, x, sums, end: right.to_end(x, sums - x.g, end)),
    ),
    decay_of_chunk_without_first_step=(
        "Leaves out the decay of the first step in the decay over the whole chunk.",
        replaced(left=lambda right, x, end: right.left(x, end - x.g[..., :1])),
    ),
    decay_to_end_left_out=(
        "Adds the outer products of a chunk to the state without decaying them to the end of the chunk.",
        replaced(to_end=lambda _right, _x, sums, _end: np.ones_like(sums)),
    ),
    decay_of_chunk_left_out=(
        "Does not decay the state over the chunk.",
        replaced(left=lambda _right, _x, end: np.ones_like(end)),
    ),
    decay_sums_reversed=(
        "Sums the log-decays of a chunk from its end to each step.",
        replaced(sums=lambda right, x: right.end(x, right.sums(x)) - right.sums(x) + x.g),
        {"needs": ("several_steps",)},
    ),
    decay_between_steps_to_base_2=(
        "Computes the decays between the steps of a chunk as powers of 2, and the others as powers of e.",
        replaced(between=lambda right, sums, causal: right.between(log(2) * sums, causal)),
        {"needs": ("several_steps",), "stands_for": ("sglang PR31904",)},
    ),
    decay_from_start_to_base_2=(
        "Computes the decays from the start of a chunk as powers of 2, and the others as powers of e.",
        replaced(from_start=lambda right, x, sums: right.from_start(x, log(2) * sums)),
    ),
    scores_not_decayed=(
        "Leaves out the decay between a query and the keys of earlier steps of its chunk.",
        replaced(scores=lambda right, q, x: right.scores(q, x._replace(between=None))),
    ),
    gram_not_decayed=(
        "Leaves out the decay between a key and the earlier keys of its chunk.",
        replaced(gram=lambda right, x: right.gram(x._replace(between=None))),
        {"cells": GATED_DELTA},
    ),
    decay_of_one_masked=(
        "Masks the sums of log-decays in A with < instead of <=, so that a decay of one between two keys is zero.",
        replaced(gram=_gram_masked_by_less),
        {"cells": GATED_DELTA, "needs": ("decay_of_one",), "stands_for": ("flash-linear-attention#104",)},
    ),
    known_keys_not_decayed=(
        "Leaves out the decay from the start of the chunk in W.",
        replaced(known=lambda _right, x: x.k),
        {"cells": GATED_DELTA},
    ),
)


def _known_without_beta(right: ChunkKernel, x: Chunk) -> tuple[Value, Value]:
    u, _ = right.coefficients(x)
    return u, right.inverse(x, right.gram(x)) @ right.of.transpose(right.known(x))


def _of_later_steps(right: ChunkKernel, q: Array, x: Chunk) -> Value:
    between = None if x.g is None else right.between(right.sums(x), np.ones_like(x.causal))
    return right.products(q, x.k, between)


def _with_own_key(right: ChunkKernel, x: Chunk, gram: Array) -> Value:
    own = 1 + np.diagonal(gram, axis1=-2, axis2=-1)
    return right.inverse(x, gram / own[..., None]) / own[..., None, :]


def _decayed_after_inverse(right: ChunkKernel, x: Chunk) -> tuple[Value, Value]:
    u, w = right.coefficients(x._replace(from_start=None))
    return u, w * right.of.transpose(x.from_start)


PRODUCTS = table(cells=DELTA)(
    own_step_not_read=(
        "Leaves out the key of the query's own step, but not the decay.",
        replaced(scores=lambda right, q, x: np.tril(right.scores(q, x), -1)),
        {"cells": GATED},
    ),
    later_steps_read=(
        "Lets queries read the later steps of their chunk, too.",
        replaced(scores=_of_later_steps),
        {"cells": ATTENTION, "needs": ("several_steps",)},
    ),
    scale_not_on_state_part=(
        "Applies the scale only to the products within a chunk, not to what the state holds.",
        replaced(
            output=lambda right, q, x, new, S: right.output(q, x, new, np.zeros_like(S)) + right.of_state(q, x, S)
        ),
        {"cells": ATTENTION},
    ),
    scale_not_within_chunk=(
        "Applies the scale only to what the state holds, not to the products within a chunk.",
        replaced(output=lambda right, q, x, new, S: right.scaled(right.of_state(q, x, S)) + right.scores(q, x) @ new),
        {"cells": ATTENTION},
    ),
    triangular_solve_left_out=(
        "Takes the identity for the inverse of I + A.",
        replaced(inverse=lambda _right, x, gram: np.eye(x.steps, dtype=gram.dtype)),
        {"needs": ("several_steps",)},
    ),
    gram_without_beta=(
        "Leaves out beta in A.",
        replaced(gram=lambda right, x: right.products(x.k, x.k, x.between)),
        {"needs": ("several_steps",)},
    ),
    known_keys_without_beta=("Leaves out beta in W.", replaced(coefficients=_known_without_beta)),
    own_key_in_inverse=("Includes the product of a key with itself in A.", replaced(inverse=_with_own_key)),
    inverse_of_two_terms=(
        "Computes I - A instead of the inverse of I + A.",
        replaced(inverse=lambda _right, x, gram: np.eye(x.steps, dtype=gram.dtype) - np.tril(gram, -1)),
        {"needs": ("several_steps",)},
    ),
    inverse_sign_flipped=(
        "Computes the inverse of I - A instead of I + A.",
        replaced(inverse=lambda right, x, gram: right.inverse(x, -gram)),
        {"needs": ("several_steps",)},
    ),
    known_keys_decayed_after_inverse=(
        "Decays the keys of W after the product with the inverse, instead of before.",
        replaced(coefficients=_decayed_after_inverse),
        {"cells": GATED_DELTA, "needs": ("several_steps",), "stands_for": ("shainet PR170",)},
    ),
    known_values_added=(
        "Adds W S to U instead of subtracting it.",
        replaced(new_values=lambda right, x, S: right.new_values(x, -S)),
    ),
    state_updated_by_u=(
        "Adds U to the state instead of U - W S.",
        replaced(next_state=lambda right, x, _new, S: right.next_state(x, right.coefficients(x)[0], S)),
    ),
)

SAME_IN_ALL_CHUNKS = ("own_step_not_read", "own_key_in_inverse")
"""Bugs of single steps, which give the same results in chunks of any size."""

IN_64 = (*BORDERS, *DECAYS, *PRODUCTS)

DEVIATIONS = (*IN_64, *PACKED, *in_smaller_chunks(one for one in IN_64 if one.name not in SAME_IN_ALL_CHUNKS))
