"""Correct networks in NumPy that differ from the definition in the order of sums or in the form of formulas.

Half precisions accumulate in float32 and store their own type, as kernels do.
"""

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from benchmarks import summation
from benchmarks.summation import Order
from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.golden.built_in_cells import standard_cell
from rnn_goldens.golden.shapes import is_bias


def resets_after(case: Case) -> bool:
    """Return whether the reset gate multiplies b_hn, so that b_in and b_hn cannot be added in advance."""
    return standard_cell(case.cell.name) == "gru" and case.cell.name != "gru_reset_before"


class Summing(Network):
    """Adds up the terms of a product in a given order."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v."""
        return self.added(np.zeros((len(v), len(matrix)), v.dtype), v, matrix)

    def added(self, start: Array, v: Array, matrix: Array) -> Array:
        """Return start plus the matrix times each row of v."""
        dtype = np.result_type(np.float32, v.dtype)
        return self.order(start.astype(dtype), v.astype(dtype), matrix.astype(dtype)).astype(v.dtype)


class BiasFirst(Summing):
    """Starts the accumulator with the bias."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return the state after time step t; a bias is the first column of the matrix."""
        with_bias = {
            f"weight_{which}": np.concatenate([w[f"bias_{which}"][:, None], w[f"weight_{which}"]], axis=1)
            for which in ("ih", "hh")
            if f"bias_{which}" in w
        }
        others = {name: array for name, array in w.items() if not with_bias or not is_bias(name)}
        return super().step(case, suffix, others | with_bias, layer_input, t, state)

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v; starts from the matrix's first column if that is the bias."""
        if matrix.shape[1] == v.shape[1]:
            return super().product(v, matrix)
        start = np.broadcast_to(matrix[:, 0], (len(v), len(matrix)))
        return self.added(start, v, matrix[:, 1:])


class BiasesSummed(Network):
    """Adds the two biases in advance, except those of a GRU's candidate, which the equations do not add."""

    def weights(self, case: Case, suffix: str) -> Weights:
        """Return the weights of one layer and direction."""
        w = dict(super().weights(case, suffix))
        if "bias_ih" in w:
            added = slice(0, 2 * case.config.hidden_size) if resets_after(case) else slice(None)
            ih, hh = w["bias_ih"].copy(), w["bias_hh"].copy()
            ih[added] += hh[added]
            hh[added] = 0
            w |= {"bias_ih": ih, "bias_hh": hh}
        return w


class OneProduct(Network):
    """Computes one product of (x, h) with (W_ih, W_hh), except for a GRU's candidate, which needs W_hh h separately."""

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return the state after time step t."""
        ih, hh = w["weight_ih"], w["weight_hh"]
        joined = np.ones((len(hh), 1), bool)
        if standard_cell(case.cell.name) == "gru":
            joined[2 * case.config.hidden_size :] = False
        zero = np.zeros_like(hh)
        both = {
            "weight_ih": np.concatenate([ih, np.where(joined, hh, zero)], axis=1),
            "weight_hh": np.where(joined, zero, hh),
        }
        h = np.broadcast_to(state[0][:, None], (*layer_input.shape[:2], state[0].shape[-1]))
        return super().step(case, suffix, {**w, **both}, np.concatenate([layer_input, h], axis=-1), t, state)


class Interpolating(Network):
    """Uses the other form of a GRU's last line: h_t = n + z (h_{t-1} - n)."""

    def mix(self, z: Array, a: Array, b: Array) -> Array:
        """Return the new state."""
        new: Array = b + z * (a - b)
        return new


class SigmoidByTanh(Network):
    """Uses the other form of the sigmoid: (1 + tanh(z / 2)) / 2."""

    def sigmoid(self, z: Array) -> Array:
        """Compute in at least float32 and round once."""
        wide = z.astype(np.result_type(np.float32, z.dtype), copy=False)
        sigmoid: Array = np.tanh(wide / 2) / 2 + wide.dtype.type(0.5)
        return sigmoid.astype(z.dtype)


class SigmoidInItsType(Network):
    """Computes the sigmoid of half precisions in their own type, like JAX: e^-z overflows in float16 below -11.09."""

    def sigmoid(self, z: Array) -> Array:
        """Compute 1 / (1 + e^-z), rounded after every operation."""
        one = z.dtype.type(1)
        with np.errstate(over="ignore"):
            sigmoid: Array = one / (one + np.exp(-z))
        return sigmoid


class SigmoidByTanhInItsType(Network):
    """Computes the sigmoid of half precisions from a tanh in their own type, as kernels without a sigmoid do."""

    def sigmoid(self, z: Array) -> Array:
        """Compute (1 + tanh(z / 2)) / 2, rounded after every operation."""
        half = z.dtype.type(0.5)
        sigmoid: Array = np.tanh(z * half) * half + half
        return sigmoid


class WithoutSubnormals(Network):
    """Flushes subnormal numbers to zero before and after every operation."""

    def run(self, case: Case) -> tuple[Array, ...]:
        """Run the network on arrays that flush subnormals."""
        return tuple(np.asarray(output) for output in super().run(flushing(case)))


def flushing(case: Case) -> Case:
    """Return a case whose arrays flush subnormals."""
    weights = {name: array.view(Flushing) for name, array in case.weights.items()}
    state = tuple(part.view(Flushing) for part in case.state)
    return replace(case, weights=weights, x=case.x.view(Flushing), state=state)


class Flushing(np.ndarray[Any, Any]):
    """An array whose operations read and return zero for subnormal numbers, as processors without subnormals do."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:  # noqa: ANN401
        plain = [_flushed(np.asarray(part)) if isinstance(part, Flushing) else part for part in inputs]
        result = getattr(ufunc, method)(*plain, **options)
        return _flushed(result).view(Flushing) if isinstance(result, np.ndarray) else result


def _flushed(array: Array) -> Array:
    if array.dtype.kind in "bi":
        return array
    smallest = ml_dtypes.finfo(array.dtype).smallest_normal  # type: ignore[no-untyped-call]
    return np.where(np.abs(array) < smallest, array.dtype.type(0), array)


class OneStore(Network):
    """Computes a whole step of half precisions in float32 and stores only the state, as fused kernels do."""

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        """Run one layer in one direction."""
        dtype = np.result_type(np.float32, layer_input.dtype)
        wide = replace(case, weights={name: array.astype(dtype) for name, array in case.weights.items()})
        return super().unroll(wide, suffix, layer_input, state, lengths)

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return the state after time step t."""
        dtype = np.result_type(np.float32, layer_input.dtype)
        wide = tuple(part.astype(dtype) for part in state)
        after = super().step(case, suffix, w, layer_input[:, t : t + 1].astype(dtype), 0, wide)
        return tuple(part.astype(layer_input.dtype) for part in after)


class _FirstToLastOneChain(OneProduct, BiasesSummed, BiasFirst):
    """Starts the accumulator with both biases, then adds W_ih x, then W_hh h."""


class _FusedOneChain(Interpolating, SigmoidByTanh, OneProduct, BiasesSummed, BiasFirst):
    """Uses one accumulator with fused multiply-add, and the other forms of the formulas."""


class _PairwiseOtherForms(Interpolating, SigmoidByTanh, BiasesSummed, Summing):
    """Uses pairwise sums and the other forms of the formulas."""


class _LanesOneStore(OneStore, Interpolating, BiasesSummed, Summing):
    """Uses vector lanes and stores once for each step."""


NETWORKS: dict[str, Network] = {
    "first to last": Summing(summation.first_to_last),
    "last to first": Summing(summation.last_to_first),
    "pairwise": Summing(summation.pairwise),
    "8 lanes": Summing(summation.lanes),
    "FMA": Summing(summation.fused),
    "wider accumulator": Summing(summation.wide),
    "biases summed first": BiasesSummed(),
    "bias first": BiasFirst(summation.first_to_last),
    "bias first, FMA": BiasFirst(summation.fused),
    "one product of (x, h)": OneProduct(),
    "n + z (h - n)": Interpolating(),
    "sigmoid by tanh": SigmoidByTanh(),
    "sigmoid in its type": SigmoidInItsType(),
    "sigmoid by tanh in its type": SigmoidByTanhInItsType(),
    "no subnormals": WithoutSubnormals(),
    "one store a step": OneStore(),
    "one chain b, x, h": _FirstToLastOneChain(summation.first_to_last),
    "one chain b, x, h; FMA; n + z (h - n); sigmoid by tanh": _FusedOneChain(summation.fused),
    "pairwise; biases summed; n + z (h - n); sigmoid by tanh": _PairwiseOtherForms(summation.pairwise),
    "8 lanes; biases summed; n + z (h - n); one store": _LanesOneStore(summation.lanes),
}
"""Networks by the name of their difference from the definition."""
