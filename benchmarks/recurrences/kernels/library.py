"""Libraries of arrays, and the roundings of the three contracts."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels.contracts import CONTRACTS, HALF, rounded_once

Array = Any
"""An array of a library."""

Float64 = NDArray[np.float64]
Step = Callable[[Any, Mapping[str, Array]], tuple[Any, Array]]
Function = Callable[[Mapping[str, Array]], dict[str, Array]]


def _same(x: Array) -> Array:
    return x


def _loop(step: Step, state: Array, x: Mapping[str, Array], stack: Callable[..., Array]) -> tuple[Any, Array]:
    outputs = []
    for t in range(next(iter(x.values())).shape[1]):
        state, out = step(state, {name: array[:, t] for name, array in x.items()})
        outputs.append(out)
    return state, stack(outputs, 1)


@dataclass(frozen=True)
class Library:
    """A library of arrays.

    Attributes:
        xp: the module with its functions, which have the names of NumPy's.
        array: converts from float64 to a type, by its name.
        numpy: converts to float64.
        stored: rounds to a precision, and keeps the type.
        sigmoid, softplus: its functions.
        scan: calls a step for each step of time, axis 1; returns the last state and the stacked outputs.
        associative_scan: returns h of h' = a h + b after all steps, from a and b.
        vjp: returns the gradients of the sum of cotangents times outputs.
        compiled: compiles a function; the arguments after it name what it computes.
        enabled: a context in which the library has float64.
        operand: rounds an operand of a product of matrices.
        state: rounds a state that is carried to the next step or chunk.
    """

    xp: Any
    array: Callable[[Float64, str], Array]
    numpy: Callable[[Array], Float64]
    stored: Callable[[Array, str], Array]
    sigmoid: Callable[[Array], Array]
    softplus: Callable[[Array], Array]
    scan: Callable[[Step, Any, Mapping[str, Array]], tuple[Any, Array]]
    associative_scan: Callable[[Array, Array], Array]
    vjp: Callable[[Function, Mapping[str, Array], Mapping[str, Array]], Mapping[str, Array]] | None = None
    compiled: Callable[[Function], Function] = _same
    enabled: Callable[[], AbstractContextManager[Any]] = nullcontext
    operand: Callable[[Array], Array] = _same
    state: Callable[[Array], Array] = _same

    def rounding(self, precision: str, contract: str) -> "Library":
        """Return the library with the roundings of a contract."""
        if contract not in CONTRACTS:
            raise ValueError(f"contract is {contract!r}, but must be one of {', '.join(CONTRACTS)}")
        level = CONTRACTS.index(contract) if precision in HALF else 0

        def rounded(x: Array) -> Array:
            return self.stored(x, precision)

        return replace(self, operand=rounded if level else _same, state=rounded if level > 1 else _same)


def _doubling(a: Array, b: Array) -> Array:
    distance = 1
    while distance < a.shape[1]:
        new_b = a[:, distance:] * b[:, :-distance] + b[:, distance:]
        new_a = a[:, distance:] * a[:, :-distance]
        a, b = np.concatenate([a[:, :distance], new_a], 1), np.concatenate([b[:, :distance], new_b], 1)
        distance *= 2
    return b


NUMPY = Library(
    xp=np,
    array=lambda array, dtype: array.astype(dtype),
    numpy=lambda array: array.astype(np.float64),
    stored=lambda array, precision: rounded_once(array, precision).astype(array.dtype),
    sigmoid=lambda z: 1 / (1 + np.exp(-z)),
    softplus=lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
    scan=lambda step, state, x: _loop(step, state, x, np.stack),
    associative_scan=_doubling,
)


@cache
def in_torch() -> Library:
    """Return torch."""
    import torch
    from torch.nn.functional import softplus

    def vjp(
        function: Function, x: Mapping[str, torch.Tensor], cotangents: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        leaves = {name: array.requires_grad_() for name, array in x.items()}
        outputs = function(leaves)
        torch.autograd.backward([outputs[name] for name in cotangents], list(cotangents.values()))
        return {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()}

    return Library(
        xp=torch,
        array=lambda array, dtype: torch.from_numpy(array.copy()).to(getattr(torch, dtype)),
        numpy=lambda tensor: np.asarray(tensor.detach().double().numpy()),
        stored=lambda x, precision: x.to(getattr(torch, precision)).to(x.dtype),
        sigmoid=torch.sigmoid,
        softplus=softplus,
        scan=lambda step, state, x: _loop(step, state, x, torch.stack),
        associative_scan=_doubling,
        vjp=vjp,
    )


@cache
def in_jax() -> Library:
    """Return JAX, with ``lax.scan`` and ``lax.associative_scan``."""
    import jax
    from jax import numpy as jnp

    def stored(x: jax.Array, precision: str) -> jax.Array:
        """Round to a precision. Without the barrier, XLA omits a conversion to a narrower type and back."""
        narrow: jax.Array = jax.lax.optimization_barrier(x.astype(jnp.dtype(precision)))  # type: ignore[no-untyped-call]
        return narrow.astype(x.dtype)

    def scan(step: Step, state: Array, x: Mapping[str, jax.Array]) -> tuple[Any, jax.Array]:
        last, out = jax.lax.scan(step, state, {name: jnp.moveaxis(array, 1, 0) for name, array in x.items()})
        return last, jnp.moveaxis(out, 0, 1)

    def associative_scan(a: jax.Array, b: jax.Array) -> jax.Array:
        def then(first: tuple[jax.Array, ...], second: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
            return first[0] * second[0], second[0] * first[1] + second[1]

        h: jax.Array = jax.lax.associative_scan(then, (a, b), axis=1)[1]
        return h

    def vjp(
        function: Function, x: Mapping[str, jax.Array], cotangents: Mapping[str, jax.Array]
    ) -> dict[str, jax.Array]:
        @jax.jit
        def gradients(x: dict[str, jax.Array]) -> dict[str, jax.Array]:
            outputs, back = jax.vjp(function, x)
            zeros = {name: jnp.zeros_like(array) for name, array in outputs.items()}
            (found,) = back({**zeros, **cotangents})
            return dict(found)

        found: dict[str, jax.Array] = gradients(dict(x))
        return found

    return Library(
        xp=jnp,
        array=lambda array, dtype: jnp.asarray(array).astype(jnp.dtype(dtype)),
        numpy=lambda array: np.asarray(array.astype(jnp.float64), np.float64),
        stored=stored,
        sigmoid=jax.nn.sigmoid,
        softplus=jax.nn.softplus,
        scan=scan,
        associative_scan=associative_scan,
        vjp=vjp,
        compiled=jax.jit,
        enabled=lambda: jax.enable_x64(True),
    )
