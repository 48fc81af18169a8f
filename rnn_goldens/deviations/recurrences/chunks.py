"""Bugs of linear attention that is computed in chunks."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.chunk_kernel import Chunk, ChunkKernel, solved
from rnn_goldens.deviations.recurrences.deviation import ATTENTION, DELTA, GATED, RecurrenceDeviation
from rnn_goldens.deviations.recurrences.kernel import replaced

GATED_DELTA = ("gated_delta",)


def of_chunks(
    cells: tuple[str, ...],
    name: str,
    sentence: str,
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    """Return the deviation with replaced methods of the chunked kernel."""
    return RecurrenceDeviation(name, sentence, replaced(ChunkKernel, **methods), cells, needs, stands_for)


def _is_short(right: ChunkKernel, chunk: Chunk) -> bool:
    return chunk.steps < right.size


# The border of chunks.


def _padded(right: ChunkKernel, o: Array) -> Array:
    missing = right.case.time - o.shape[3]
    return right.arranged(np.concatenate([o, np.zeros_like(o[:, :, :, :missing])], axis=3))


def _complete(right: ChunkKernel) -> list[Chunk]:
    return [chunk for chunk in right.chunks() if chunk.start == 0 or not _is_short(right, chunk)]


def _state_not_read(right: ChunkKernel, chunk: Chunk, sums: Array, S: Array) -> Array:
    return right.of_state(chunk, sums, S if chunk.start == 0 else np.zeros_like(S))


def _state_before_short_chunk(right: ChunkKernel, chunk: Chunk, sums: Array, new: Array, S: Array) -> Array:
    return S if chunk.start and _is_short(right, chunk) else right.next_state(chunk, sums, new, S)


BORDERS = (
    of_chunks(
        ATTENTION,
        "short_chunk_dropped",
        "Drops the last chunk if it is short: its outputs are zero and the state does not see it.",
        ("several_chunks",),
        chunks=_complete,
        arranged=_padded,
    ),
    of_chunks(
        ATTENTION,
        "short_chunk_not_in_last_state",
        "Returns the state before the last chunk if that is short.",
        ("several_chunks",),
        next_state=_state_before_short_chunk,
    ),
    of_chunks(
        ATTENTION,
        "past_state_read_by_all_chunks",
        "Starts every chunk from the initial state.",
        ("several_chunks",),
        entering=lambda right, _chunk, _S: right.initial_state(),
    ),
    of_chunks(
        ATTENTION,
        "state_not_read_by_later_chunks",
        "Leaves out what the state holds for the queries of all chunks but the first.",
        ("several_chunks",),
        of_state=_state_not_read,
    ),
)

# Decays.


def _sums_of_all_chunks(right: ChunkKernel, chunk: Chunk) -> Array:
    g = right.log_decays()
    assert g is not None
    return np.cumsum(g, axis=-2, dtype=right.dtype)[..., chunk.start : chunk.start + chunk.steps, :]


def _end_of_full_chunk(right: ChunkKernel, chunk: Chunk, sums: Array) -> Array:
    return np.asarray(right.end(chunk, sums) + (right.size - chunk.steps) * chunk.g[..., -1:, :])


def _end_of_padding(right: ChunkKernel, chunk: Chunk, sums: Array) -> Array:
    end = right.end(chunk, sums)
    return np.zeros_like(end) if _is_short(right, chunk) else end


DECAYS = (
    of_chunks(
        GATED,
        "decay_sums_not_restarted",
        "Sums log-decays from the start of the sequence instead of the start of the chunk.",
        ("several_chunks",),
        sums=_sums_of_all_chunks,
    ),
    of_chunks(
        GATED,
        "short_chunk_decayed_as_full",
        "Decays the state over a short chunk as over a full one, with the last decay for the missing steps.",
        end=_end_of_full_chunk,
    ),
    of_chunks(
        GATED,
        "short_chunk_decay_zero",
        "Takes zero for the sum of the log-decays of a short chunk, from the padding behind its last step.",
        stands_for=("sparkinfer PR604",),
        end=_end_of_padding,
    ),
    of_chunks(
        GATED,
        "decay_from_start_without_own_step",
        "Leaves out the decay of a step itself where it reads the state before the chunk.",
        from_start=lambda right, chunk, sums: right.from_start(chunk, sums - chunk.g),
    ),
    of_chunks(
        GATED,
        "decay_to_end_with_own_step",
        "Includes the decay of a step itself in the decay from that step to the end of the chunk.",
        to_end=lambda right, chunk, sums: np.asarray(right.to_end(chunk, sums) * np.exp(chunk.g)),
    ),
    of_chunks(
        GATED,
        "decay_of_chunk_without_first_step",
        "Leaves out the decay of the first step in the decay over the whole chunk.",
        left=lambda right, chunk, sums: right.left(chunk, sums - chunk.g[..., :1, :]),
    ),
    of_chunks(
        GATED,
        "decay_to_end_left_out",
        "Adds the outer products of a chunk to the state without decaying them to the end of the chunk.",
        to_end=lambda right, chunk, sums: np.ones_like(right.to_end(chunk, sums)),
    ),
    of_chunks(
        GATED,
        "decay_of_chunk_left_out",
        "Does not decay the state over the chunk.",
        left=lambda right, chunk, sums: np.ones_like(right.left(chunk, sums)),
    ),
    of_chunks(
        GATED,
        "scores_not_decayed",
        "Leaves out the decay between a query and the keys of earlier steps of its chunk.",
        scores=lambda right, chunk, sums: right.scores(chunk, np.zeros_like(sums)),
    ),
    of_chunks(
        GATED_DELTA,
        "gram_not_decayed",
        "Leaves out the decay between a key and the earlier keys of its chunk.",
        gram=lambda right, chunk, beta, sums: right.gram(chunk, beta, np.zeros_like(sums)),
    ),
    of_chunks(
        GATED_DELTA,
        "known_keys_not_decayed",
        "Leaves out the decay from the start of the chunk in W.",
        known=lambda _right, chunk, _sums: chunk.k,
    ),
)

# Masks and the inverse.


def _of_later_steps(right: ChunkKernel, chunk: Chunk, sums: Array) -> Array:
    gaps = sums[..., :, None, :] - sums[..., None, :, :]
    return right.products(chunk.q, chunk.k[:, :, None], np.exp(gaps)[:, :, None])


def _with_own_key(right: ChunkKernel, gram: Array) -> Array:
    identity = np.eye(gram.shape[-1], dtype=right.dtype)
    return solved(identity + np.tril(gram), identity)


def _two_terms(right: ChunkKernel, gram: Array) -> Array:
    return np.asarray(np.eye(gram.shape[-1], dtype=right.dtype) - np.tril(gram, -1))


def _decayed_after_inverse(right: ChunkKernel, chunk: Chunk, beta: Array, sums: Array) -> tuple[Array, Array]:
    u, _ = right.coefficients(chunk, beta, sums)
    inverse = right.inverse(right.gram(chunk, beta, sums))
    return u, right.from_start(chunk, sums) * (inverse @ (beta * chunk.k))


def _sign_of_w(right: ChunkKernel, chunk: Chunk, beta: Array, sums: Array) -> tuple[Array, Array]:
    u, w = right.coefficients(chunk, beta, sums)
    return u, -w


def _state_of_u(right: ChunkKernel, chunk: Chunk, sums: Array, _new: Array, S: Array) -> Array:
    assert chunk.beta is not None
    u, _ = right.coefficients(chunk, chunk.beta, sums)
    return right.next_state(chunk, sums, u, S)


def _state_part_not_scaled(right: ChunkKernel, chunk: Chunk, sums: Array, new: Array, S: Array) -> Array:
    return right.output(chunk, sums, new, np.zeros_like(S)) + right.of_state(chunk, sums, S)


PRODUCTS = (
    of_chunks(
        GATED,
        "own_step_not_read",
        "Leaves out the key of the query's own step, but not the decay.",
        scores=lambda right, chunk, sums: np.tril(right.scores(chunk, sums), -1),
    ),
    of_chunks(
        ATTENTION,
        "later_steps_read",
        "Lets queries read the later steps of their chunk, too.",
        ("several_steps",),
        scores=_of_later_steps,
    ),
    of_chunks(
        ATTENTION,
        "scale_not_on_state_part",
        "Applies the scale only to the products within a chunk, not to what the state holds.",
        output=_state_part_not_scaled,
    ),
    of_chunks(
        DELTA,
        "own_key_in_inverse",
        "Includes the product of a key with itself in A.",
        inverse=_with_own_key,
    ),
    of_chunks(
        DELTA,
        "inverse_of_two_terms",
        "Computes I - A instead of the inverse of I + A.",
        ("several_steps",),
        inverse=_two_terms,
    ),
    of_chunks(
        DELTA,
        "inverse_sign_flipped",
        "Computes the inverse of I - A instead of I + A.",
        ("several_steps",),
        inverse=lambda right, gram: right.inverse(-gram),
    ),
    of_chunks(
        GATED_DELTA,
        "known_keys_decayed_after_inverse",
        "Decays the keys of W after the product with the inverse, instead of before.",
        ("several_steps",),
        ("shainet PR170",),
        coefficients=_decayed_after_inverse,
    ),
    of_chunks(
        DELTA,
        "known_values_added",
        "Adds W S to U instead of subtracting it.",
        coefficients=_sign_of_w,
    ),
    of_chunks(
        DELTA,
        "state_updated_by_u",
        "Adds U to the state instead of U - W S.",
        next_state=_state_of_u,
    ),
)

DEVIATIONS = (*BORDERS, *DECAYS, *PRODUCTS)
