"""JAX's settings for a golden: float64 where it is needed, and caches of limited size."""

from contextlib import AbstractContextManager, nullcontext
from itertools import count

import jax

from rnn_goldens.checkable_golden import Inputs

_CALLS = count(1)
_CALLS_BETWEEN_CLEARS = 50
"""Programs compiled for one golden are not reused for another. They take about 150 memory maps for each golden, and XLA
fails with "Failed to materialize symbols" when a process has more than ``vm.max_map_count``, by default 65,530."""


def in_precision(golden: Inputs) -> AbstractContextManager[object]:
    """Return a context that enables float64 if the golden needs it, regardless of JAX's own setting."""
    context: AbstractContextManager[object] = jax.enable_x64(True) if golden.dtype == "float64" else nullcontext()
    return context


def limit_cache() -> None:
    """Clear JAX's compilation cache every 50 calls; called after each golden with gradients."""
    if not next(_CALLS) % _CALLS_BETWEEN_CLEARS:
        jax.clear_caches()  # type: ignore[no-untyped-call] # JAX has no types for it
