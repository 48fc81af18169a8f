"""Functions of a recurrence's arrays in torch and in JAX, as users write them, with the roundings of a contract."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF, OPERANDS, TF32
from benchmarks.recurrences.kernels.forms import Array, Form, Library, Step
from rnn_goldens.golden.recurrences import BUILT_IN, RECURRENCES
from rnn_goldens.golden.rounding_profile import TF32_BITS

Forms = Mapping[str, Form]
"""By cell."""

Function = Callable[..., Any]
"""A user's function of a recurrence's arrays."""


def torch_function(forms: Forms, cell: str, precision: str, contract: str, *, native: bool = False) -> Function:
    """Return a cell's form in torch. If ``native``, each operation rounds to a half precision.

    By tf32, operands have 11 bits; gradients pass through their rounding.
    """
    import torch
    from torch.nn.functional import softplus

    def scan(step: Step, state: Any, x: Mapping[str, torch.Tensor]) -> tuple[Any, torch.Tensor]:  # noqa: ANN401
        outputs = []
        for t in range(next(iter(x.values())).shape[1]):
            state, out = step(state, {name: array[:, t] for name, array in x.items()})
            outputs.append(out)
        return state, torch.stack(outputs, 1)

    def stored(x: torch.Tensor) -> torch.Tensor:
        if contract != TF32:
            return x.to(getattr(torch, precision)).to(x.dtype)
        fraction, exponent = torch.frexp(x.detach())
        rounded = torch.ldexp(torch.round(torch.ldexp(fraction, torch.tensor(TF32_BITS))), exponent - TF32_BITS)
        return x + (rounded - x.detach())

    level = CONTRACTS.index(OPERANDS if contract == TF32 else contract)
    library = Library(torch, torch.sigmoid, softplus, scan, stored, level)
    inside = torch.float32 if precision in HALF and not native else getattr(torch, precision)

    def function(**given: torch.Tensor) -> dict[str, torch.Tensor]:
        wide, options = _divided(cell, given, lambda array: array.to(inside))
        found = _by_sequence(cell, partial(forms[cell], library, **options), wide, given["offsets"], torch.concatenate)
        return {name: array.to(getattr(torch, precision)) for name, array in found.items()}

    return function


def jax_function(forms: Forms, cell: str, precision: str, contract: str) -> Function:
    """Return a cell's form in JAX, compiled, with ``lax.scan`` and ``lax.associative_scan``."""
    import jax
    from jax import numpy as jnp

    def function(**given: jax.Array) -> dict[str, jax.Array]:
        wide, options = _divided(cell, given, lambda array: array.astype("float32" if precision in HALF else precision))
        compiled = _compiled(forms[cell], precision, contract, tuple(options.items()))
        found = _by_sequence(cell, compiled, wide, given["offsets"], jnp.concatenate)
        return {name: array.astype(precision) for name, array in found.items()}

    return function


@lru_cache(maxsize=1024)
def _compiled(form: Form, precision: str, contract: str, options: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    import jax
    from jax import numpy as jnp

    def scan(step: Step, state: Any, x: Mapping[str, jax.Array]) -> tuple[Any, jax.Array]:  # noqa: ANN401
        last, out = jax.lax.scan(step, state, {name: jnp.moveaxis(array, 1, 0) for name, array in x.items()})
        return last, jnp.moveaxis(out, 0, 1)

    def stored(x: jax.Array) -> jax.Array:
        """Round to the precision. Without the barrier, XLA omits a conversion to a narrower type and back."""
        narrow: jax.Array = jax.lax.optimization_barrier(x.astype(precision))  # type: ignore[no-untyped-call]
        return narrow.astype(x.dtype)

    library = Library(jnp, jax.nn.sigmoid, jax.nn.softplus, scan, stored, CONTRACTS.index(contract))
    return jax.jit(partial(form, library, **dict(options)))


def jax_associative(_: Library, a: Array, __: Array, b: Array, h: Array) -> Array:
    """Return h' = a h + b after each step, by an associative operation: (a, b) then (a', b') is (a a', a' b + b')."""
    import jax
    from jax import numpy as jnp

    def then(first: tuple[Array, ...], second: tuple[Array, ...]) -> tuple[Array, ...]:
        return first[0] * second[0], second[0] * first[1] + second[1]

    b = jnp.concatenate([(a[:, 0] * h + b[:, 0])[:, None], b[:, 1:]], 1)
    return jax.lax.associative_scan(then, (a, b), axis=1)[1]


def _divided(
    cell: str, given: Mapping[str, Any], converted: Callable[[Array], Array]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays, converted, and the options of a recurrence."""
    recurrence = RECURRENCES[cell]
    names = (*recurrence.inputs, *recurrence.weights, *BUILT_IN[cell].initial)
    arrays = {name: converted(given[name]) for name in names if name in given}
    return arrays, {name: given[name] for name in recurrence.options}


def _by_sequence(
    cell: str, form: Callable[..., Any], x: Mapping[str, Array], offsets: Array | None, joined: Callable[..., Array]
) -> dict[str, Array]:
    """Return the outputs and last states of packed sequences, each computed alone."""
    if offsets is None:
        return dict(form(x))
    recurrence, found = RECURRENCES[cell], []
    for k, (start, stop) in enumerate(pairwise(map(int, offsets))):
        inputs = {name: x[name][:, start:stop] for name in recurrence.inputs if name in x}
        states = {name: x[name][k : k + 1] for name in BUILT_IN[cell].initial}
        found.append(form({**x, **inputs, **states}))
    return {name: joined([one[name] for one in found], 1 if name in recurrence.outputs else 0) for name in found[0]}
