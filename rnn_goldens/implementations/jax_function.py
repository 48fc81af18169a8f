"""Functions of a golden that compute in JAX: its settings for a golden, and gradients by ``jax.vjp``."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.gradients import output_of
from rnn_goldens.implementations.traced_inputs import Function, arrays_of, traced, untraceable, with_cotangents

Named = dict[str, jax.Array]

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


def gradients(function: Function, golden: Inputs) -> Mapping[str, jax.Array]:
    """Return the gradients that ``jax.vjp`` computes, by name; zeros for an array that no output depends on.

    Raises:
        Unsupported: the function cannot be traced.
        TypeError: the shape of an output differs from that of its cotangent.
    """
    __tracebackhide__ = True
    with in_precision(golden):

        def forward(arrays: Named) -> Named:
            __tracebackhide__ = True
            return with_cotangents(golden, function(traced(golden, arrays, jnp.asarray)))

        leaves = {name: jnp.asarray(array) for name, array in arrays_of(golden).items()}
        outputs, back = _vjp(forward, leaves)
        by_array: Named = back({name: _cotangent(name, golden.cotangents[name], o) for name, o in outputs.items()})[0]
    limit_cache()
    return by_array


def _vjp(forward: Callable[[Named], Named], leaves: Named) -> tuple[Named, Callable[[Named], tuple[Named]]]:
    __tracebackhide__ = True
    try:
        found: tuple[Named, Callable[[Named], tuple[Named]]] = jax.vjp(forward, leaves)
        return found
    except RnnGoldensError:
        raise
    except Exception as error:
        if _is_traceable(forward, leaves):  # the failure is in the user's own backward code
            raise
        raise untraceable("JAX", error) from error


def _is_traceable(forward: Callable[[Named], Named], leaves: Named) -> bool:
    try:
        jax.eval_shape(forward, leaves)
    except Exception:  # a function that expects NumPy arrays may raise anything
        return False
    return True


def _cotangent(name: str, cotangent: Any, output: jax.Array) -> jax.Array:  # noqa: ANN401 - an array
    if output.shape != cotangent.shape:
        raise TypeError(f"{output_of(name)} has shape {output.shape}, want {cotangent.shape}, the shape of {name}")
    return jnp.asarray(cotangent, output.dtype)
