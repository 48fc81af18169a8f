"""The deviations of recurrences that no golden detects, and why."""

from collections.abc import Iterator

from rnn_goldens.corpus.kill_matrix import Undetected

HALF = ("bfloat16", "float16")


def _undetected(name: str, reason: str, precisions: tuple[str, ...], *cells: str, allowed: bool = False) -> Undetected:
    return Undetected(name, cells, precisions, reason, allowed)


def _forward() -> Iterator[Undetected]:
    attention = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
    once = "outputs are rounded to this precision once anyway"
    yield _undetected("output_in_float16", once, HALF, *attention, allowed=True)
    eleven = "float16 has three bits more than bfloat16, to which outputs are rounded"
    yield _undetected("decay_in_float16", eleven, ("bfloat16",), "gated_delta", "rg_lru")
    yield _undetected("state_kept_in_float16", eleven, ("bfloat16",), "rg_lru")
    small = "a decay below e^-10 leaves less of the state than the last rounding of outputs"
    yield _undetected("small_decay_flushed_to_zero", small, HALF, "gated_linear_attention")
    exact = "beta is exact in this precision"
    yield _undetected("beta_in_bfloat16", exact, HALF, "delta_rule", "gated_delta", allowed=True)
    once = "a state is rounded once in 64 steps, by less than the tolerance after all of them"
    yield _undetected("chunk_state_in_bfloat16", once, ("bfloat16",), *attention)
    yield _undetected("chunk_state_in_bfloat16", once, ("float16",), "delta_rule", "gated_delta")
    yield _undetected("chunk_state_in_bfloat16", once, ("float32",), "delta_rule")
    yield _undetected("chunk_state_in_float16", once, HALF, *attention)
    yield _undetected("chunk_state_in_float16", once, ("float32",), "delta_rule", "gated_delta")


def _backward() -> Iterator[Undetected]:
    cancelled = "1 - a² cancels where its root is clipped, so the tolerance is as large as the gradient"
    yield _undetected("rg_lru_root_slope_clipped", cancelled, ("float32", *HALF), "rg_lru")


UNDETECTED_RECURRENCES = tuple(_forward())
"""Deviations of the forward pass."""

UNDETECTED_RECURRENCES_BACKWARD = tuple(_backward())
"""Deviations of the backward pass."""
