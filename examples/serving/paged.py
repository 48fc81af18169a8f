"""A runner of the gated delta rule, as a server has it: packed sequences, a pool of states, drafts, snapshots.

rnn-goldens check paged:run --cell gated_delta --calls pool,mixed,drafts,snapshots,padding,empty
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Integers = NDArray[np.int64]


def step(S: Array, scale: float, q: Array, k: Array, v: Array, g: Array, beta: Array) -> tuple[Array, Array]:
    """Return o and the state after one time step of a sequence, in float32 or wider; no array has batch and time."""
    heads, wide = len(v), np.promote_types(S.dtype, np.float32)
    q, k, v, g, beta, S = (array.astype(wide) for array in (q, k, v, g, beta, S))
    k, beta = (np.repeat(array, heads // len(array), 0) for array in (k, beta))
    S = np.exp(g.reshape(heads, -1, 1)) * S
    S = S + k[:, :, None] * (beta[:, None] * (v - np.einsum("hkv,hk->hv", S, k)))[:, None]
    queries = max(len(q), heads)
    q = np.repeat(q, queries // len(q), 0)
    return scale * np.einsum("hkv,hk->hv", np.repeat(S, queries // heads, 0), q), S


def run(
    q: Array, k: Array, v: Array, g: Array, beta: Array, state: Array, scale: float, offsets: Integers | None = None,
    state_indices: Integers | None = None, num_accepted_tokens: Integers | None = None,
    has_initial_state: NDArray[np.bool_] | None = None, snapshot_every: int = 0, mask: NDArray[np.bool_] | None = None,
) -> tuple[Array, ...]:  # fmt: skip
    """Return o, the states, or the pool in their place, and snapshots if asked."""
    rows, time = q.shape[:2]
    tokens = [array.reshape(rows * time, *array.shape[2:]) for array in (q, k, v, g, beta)]
    ends = np.arange(rows + 1) * time if offsets is None else offsets
    pool, snapshots = np.array(state), []
    out = np.zeros((rows * time, max(q.shape[2], v.shape[2]), v.shape[3]), state.dtype)
    for number, (begin, end) in enumerate(pairwise(ends)):
        places = [number] if state_indices is None else np.atleast_1d(state_indices[number])
        if places[0] < 0:
            continue  # padding: no sequence is here
        accepted = 1 if num_accepted_tokens is None else num_accepted_tokens[number]
        begins = has_initial_state is not None and not has_initial_state[number]
        S = np.zeros_like(pool[0]) if begins else pool[places[accepted - 1]].copy()
        for count, token in enumerate(range(begin, end), start=1):
            if mask is None or mask.reshape(-1)[token]:
                out[token], S = step(S, scale, *(array[token] for array in tokens))
            if num_accepted_tokens is not None:
                pool[places[count - 1]] = S  # a state for each draft, of which the next call reads the accepted one
            if snapshot_every and count % snapshot_every == 0:
                snapshots.append(S)
        if num_accepted_tokens is None:
            pool[places[0]] = S
    o = out.reshape(rows, time, *out.shape[1:])
    return (o, pool, np.array(snapshots, pool.dtype)) if snapshot_every else (o, pool)
