"""Arithmetic of lower precision than declared, emulated by rounding in float64.

Products are rounded after a float64 sum or step by step in NumPy's own order, never by a library's kernel, so that the
results do not depend on the machine.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.cells import Array, Case, Network
from rnn_goldens.deviations.alteration import (
    Alteration,
    Outputs,
    in_case,
    in_network,
    in_new_state,
    in_steps,
    in_weights,
)
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.weights import GATED
from rnn_goldens.golden.precision import precision

Round = Callable[[Array], Array]


def to(name: str) -> Round:
    """Return a function that rounds to a precision."""
    return lambda values: precision(name).round(values).astype(np.float64)


def to_tf32(values: Array) -> Array:
    """Round to 11 significant bits, the precision of TF32."""
    fraction, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, 11)), exponent - 11))


def toward_zero(name: str) -> Round:
    """Return a function that rounds to a precision toward zero, in an array of the same type."""

    def rounded(values: Array) -> Array:
        _, exponents = np.frexp(values)
        unit = np.ldexp(1.0, np.maximum(exponents, precision(name).min_exponent + 1) - precision(name).bits)
        return np.asarray(np.trunc(values / unit) * unit, values.dtype)

    return rounded


def _product_of(rounded: Round) -> Alteration:
    """Round both factors of every product; sums are in float64."""
    return in_steps(product=lambda right, v, matrix: right.product(rounded(v), rounded(matrix)))


def _summed_in(rounded: Round) -> Alteration:
    """Sum every product term by term and round each term and each sum."""

    def product(_: Network, v: Array, matrix: Array) -> Array:
        total = np.zeros((len(v), len(matrix)))
        for column in range(matrix.shape[1]):
            total = rounded(total + rounded(v[:, column, None] * matrix[:, column]))
        return total

    return in_steps(product=product)


def _state_kept_in(rounded: Round) -> Alteration:
    return in_new_state(lambda after, _: tuple(rounded(part) for part in after))


def _activations_in(rounded: Round, names: tuple[str, ...] = ("tanh", "sigmoid")) -> Alteration:
    """Round the arguments and results of activations."""

    def around(name: str) -> Callable[[Network, Array], Array]:
        return lambda right, z: rounded(getattr(right, name)(rounded(z)))

    return in_steps(**{name: around(name) for name in names})


def _arithmetic_in(dtype: type[np.floating[Any]]) -> Alteration:
    """Compute every operation in another type; products and activations in float64, rounded once."""

    class Narrow(Network):
        def run(self, case: Case) -> Outputs:
            weights = {name: array.astype(dtype) for name, array in case.weights.items()}
            state = tuple(part.astype(dtype) for part in case.state)
            narrow = replace(case, weights=weights, x=case.x.astype(dtype), state=state)
            return tuple(output.astype(np.float64) for output in super().run(narrow))

        def product(self, v: Array, matrix: Array) -> Array:
            return super().product(v.astype(np.float64), matrix.astype(np.float64)).astype(dtype)

        def sigmoid(self, z: Array) -> Array:
            return super().sigmoid(z.astype(np.float64)).astype(dtype)

        def tanh(self, z: Array) -> Array:
            return super().tanh(z.astype(np.float64)).astype(dtype)

    return in_network(Narrow)


def _to_int8(array: Array, _case: Case) -> Array:
    """Round to 255 levels between plus and minus the largest weight."""
    step = np.abs(array).max() / 127
    return np.rint(array / step) * step if step > 0 else array


def _cast(kind: str, name: str) -> Alteration:
    """Cast inputs, states or weights to a lower precision, as a checkpoint may."""
    rounded = to(name)

    def change(case: Case) -> Case:
        if kind == "x":
            return replace(case, x=rounded(case.x))
        if kind == "h0":
            return replace(case, state=tuple(rounded(part) for part in case.state))
        return replace(case, weights={n: rounded(w) if n.startswith(kind) else w for n, w in case.weights.items()})

    return in_case(change)


_TANH = {"cells": ("rnn_tanh", *GATED)}

DEVIATIONS = table()(
    **{
        f"{words.replace(' ', '_')}_cast_to_{name}": (
            f"Casts the {words} to {name}.",
            _cast(kind, name),
            {"needs": needs},
        )
        for kind, words, needs in (
            ("weight", "matrices", ()),
            ("bias", "biases", ("bias",)),
            ("x", "inputs", ()),
            ("h0", "initial states", ("state",)),
        )
        for name in ("float32", "float16", "bfloat16")
    },
    tf32_products=("Rounds both factors of every matrix product to TF32 (11 significant bits).", _product_of(to_tf32)),
    float16_products=("Rounds both factors of every matrix product to float16.", _product_of(to("float16"))),
    bfloat16_products=("Rounds both factors of every matrix product to bfloat16.", _product_of(to("bfloat16"))),
    float16_accumulation=("Accumulates every matrix product in float16.", _summed_in(to("float16"))),
    bfloat16_accumulation=("Accumulates every matrix product in bfloat16.", _summed_in(to("bfloat16"))),
    tf32_accumulation=("Accumulates every matrix product in TF32.", _summed_in(to_tf32)),
    float16_state=("Keeps the state in float16 between steps.", _state_kept_in(to("float16"))),
    bfloat16_state=("Keeps the state in bfloat16 between steps.", _state_kept_in(to("bfloat16"))),
    float16_activations=("Computes the activations in float16.", _activations_in(to("float16")), _TANH),
    bfloat16_activations=("Computes the activations in bfloat16.", _activations_in(to("bfloat16")), _TANH),
    float16_arithmetic=("Computes everything in float16.", _arithmetic_in(np.float16)),
    int8_weights=(
        "Quantizes each matrix to 8-bit integers with one scale.",
        in_weights(_to_int8, "weight_ih", "weight_hh"),
    ),
    float32_arithmetic=(
        "Computes everything in float32.",
        _arithmetic_in(np.float32),
        {"stands_for": ("keras#23704", "keras#23223")},
    ),
    float32_products=(
        "Returns every matrix product in float32.",
        in_steps(product=lambda right, v, matrix: to("float32")(right.product(v, matrix))),
    ),
    float32_accumulation=("Accumulates every matrix product in float32.", _summed_in(to("float32"))),
    float32_state=("Keeps the state in float32 between steps.", _state_kept_in(to("float32"))),
    float32_tanh=("Computes the tanh in float32.", _activations_in(to("float32"), ("tanh",)), _TANH),
    float32_exp=(
        "Computes the sigmoid's exponential in float32.",
        in_steps(sigmoid=lambda _, z: 1 / (1 + to("float32")(np.exp(to("float32")(-z))))),
        {"cells": GATED, "stands_for": ("mlx#3047",)},
    ),
    bfloat16_products_truncated=(
        "Rounds both factors of every matrix product to bfloat16 toward zero.",
        _product_of(toward_zero("bfloat16")),
    ),
    bfloat16_state_truncated=(
        "Keeps the state in bfloat16 between steps, rounded toward zero.",
        _state_kept_in(toward_zero("bfloat16")),
    ),
)
