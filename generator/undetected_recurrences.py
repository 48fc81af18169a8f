"""The deviations of recurrences that no golden detects, and why."""

from collections.abc import Iterator

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES

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
    unit = "an output is off by at most one unit, and rounding by half of one: it fails, but with a margin below two"
    yield _undetected("output_truncated_to_bfloat16", unit, ("bfloat16",), *RECURRENCES)
    yield from _chunk_states()
    short = "no golden has three chunks of 64 steps; one of 129 steps would detect it"
    yield _undetected("middle_chunks_not_in_state", short, tuple(PRECISIONS), *attention[:3])
    packed = "no golden has packed sequences of several chunks; offsets [0, 66, 70] would detect it"
    for name in ("", "_in_chunks_of_16", "_in_chunks_of_32"):
        yield _undetected(f"chunk_states_indexed_by_sequence{name}", packed, tuple(PRECISIONS), *attention)


def _chunk_states() -> Iterator[Undetected]:
    attention = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
    deltas, small = (
        ("delta_rule", "gated_delta"),
        "a state is rounded once in {} steps, by less than the tolerance after all of them",
    )
    of_16, of_32, of_64 = map(small.format, (16, 32, 64))
    bfloat16, float16 = "chunk_state_in_bfloat16", "chunk_state_in_float16"
    yield _undetected(bfloat16, of_64, ("bfloat16",), *attention)
    yield _undetected(bfloat16, of_64, ("float16",), *deltas)
    yield _undetected(bfloat16, of_64, ("float32",), "delta_rule")
    yield _undetected(float16, of_64, HALF, *attention)
    yield _undetected(float16, of_64, ("float32",), *deltas)
    yield _undetected(f"{bfloat16}_in_chunks_of_32", of_32, ("bfloat16",), "gated_linear_attention")
    yield _undetected(f"{bfloat16}_in_chunks_of_32", of_32, ("float32", *HALF), "delta_rule")
    yield _undetected(f"{float16}_in_chunks_of_32", of_32, HALF, *attention)
    yield _undetected(f"{float16}_in_chunks_of_32", of_32, ("float32",), "delta_rule")
    yield _undetected(f"{float16}_in_chunks_of_16", of_16, ("bfloat16",), *attention)
    yield _undetected(f"{float16}_in_chunks_of_16", of_16, ("float16",), "gated_linear_attention", *deltas)


def _backward() -> Iterator[Undetected]:
    cancelled = "1 - a² cancels where its root is clipped, so the tolerance is as large as the gradient"
    yield _undetected("rg_lru_root_slope_clipped", cancelled, ("float32", *HALF), "rg_lru")


UNDETECTED_RECURRENCES = tuple(_forward())
"""Deviations of the forward pass."""

UNDETECTED_RECURRENCES_BACKWARD = tuple(_backward())
"""Deviations of the backward pass."""
