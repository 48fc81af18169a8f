"""Gradients of a function of a golden that computes in JAX, by ``jax.vjp``."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.implementations.jax_compiled import let_go
from rnn_goldens.implementations.jax_precision import in_precision
from rnn_goldens.implementations.traced import Function, arrays_of, traced, untraceable, with_cotangents

Named = dict[str, jax.Array]


def gradients(function: Function, golden: Question) -> Mapping[str, jax.Array]:
    """By name, for a question's cotangents; zeros for an array that no output follows from.

    Raises:
        Unsupported: the function can not be traced.
        TypeError: an output has another shape than its cotangent.
    """
    __tracebackhide__ = True
    with in_precision(golden):

        def forward(arrays: Named) -> Named:
            __tracebackhide__ = True
            return with_cotangents(golden, function(traced(golden, arrays, jnp.asarray)))

        given = {name: jnp.asarray(array) for name, array in arrays_of(golden).items()}
        outputs, back = _vjp(forward, given)
        by_array: Named = back({name: _cotangent(name, golden.cotangents[name], o) for name, o in outputs.items()})[0]
    let_go()
    return by_array


def _vjp(forward: Callable[[Named], Named], given: Named) -> tuple[Named, Callable[[Named], tuple[Named]]]:
    __tracebackhide__ = True
    try:
        found: tuple[Named, Callable[[Named], tuple[Named]]] = jax.vjp(forward, given)
        return found
    except RnnGoldensError:
        raise
    except Exception as error:
        if _is_traceable(forward, given):  # so it is the user's own backward code that failed
            raise
        raise untraceable("JAX", error) from error


def _is_traceable(forward: Callable[[Named], Named], given: Named) -> bool:
    try:
        jax.eval_shape(forward, given)
    except Exception:  # whatever a function raises that expects NumPy's arrays
        return False
    return True


def _cotangent(name: str, cotangent: Any, output: jax.Array) -> jax.Array:  # noqa: ANN401 - an array
    if output.shape != cotangent.shape:
        raise TypeError(f"{COTANGENTS[name]} has shape {output.shape}, want {cotangent.shape}, as {name} is")
    return jnp.asarray(cotangent, output.dtype)
