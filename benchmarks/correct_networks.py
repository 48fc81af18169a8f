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


class Summing(Network):
    """Adds up the terms of a product in a given order."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def product(self, v: Array, matrix: Array) -> Array:
        """Return the matrix times each row of v."""
        dtype = np.result_type(np.float32, v.dtype)
        return self.order(np.zeros((len(v), len(matrix)), dtype), v.astype(dtype), matrix.astype(dtype)).astype(v.dtype)


class OneChain(Summing):
    """Adds up both biases, W_ih x and W_hh h in one sum, as kernels with one matrix for (1, x, h) do.

    A GRU's candidate needs W_hh h separately.
    """

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return the state after time step t."""
        ih, hh = w["weight_ih"], w["weight_hh"]
        b_ih, b_hh = (w.get(f"bias_{which}", np.zeros_like(hh[:, 0]))[:, None] for which in ("ih", "hh"))
        joined = np.ones_like(b_hh, bool)
        if standard_cell(case.cell.name) == "gru":
            joined[2 * case.config.hidden_size :] = False
        zero = np.zeros_like(hh)
        chain = {
            "weight_ih": np.concatenate([np.where(joined, b_ih + b_hh, b_ih), ih, np.where(joined, hh, zero)], axis=1),
            "weight_hh": np.where(joined, zero, hh),
            "bias_ih": zero[:, 0],
            "bias_hh": np.where(joined, zero[:, :1], b_hh)[:, 0],
        }
        chain = {name: array for name, array in chain.items() if name in w}
        one = np.ones_like(layer_input[..., :1])
        h = np.broadcast_to(state[0][:, None], (*layer_input.shape[:2], state[0].shape[-1]))
        return super().step(case, suffix, {**w, **chain}, np.concatenate([one, layer_input, h], axis=-1), t, state)


class Interpolating(Network):
    """Uses the other form of a GRU's last line: h_t = n + z (h_{t-1} - n)."""

    def mix(self, z: Array, a: Array, b: Array) -> Array:
        """Return the new state."""
        new: Array = b + z * (a - b)
        return new


class SigmoidByTanh(Network):
    """Computes the sigmoid from a tanh, in the type of its argument, as kernels without a sigmoid do."""

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


class _OneChainOtherForms(Interpolating, SigmoidByTanh, OneChain):
    """Uses one sum, and the other forms of the formulas."""


class _OneChainOneStore(OneStore, Interpolating, OneChain):
    """Uses one sum, and stores once for each step."""


NETWORKS: dict[str, Network] = {
    "first to last": Summing(summation.first_to_last),
    "8 lanes": Summing(summation.lanes),
    "FMA": Summing(summation.fused),
    "wider accumulator": Summing(summation.wide),
    "one chain b, x, h": OneChain(summation.first_to_last),
    "sigmoid by tanh": SigmoidByTanh(),
    "no subnormals": WithoutSubnormals(),
    "one store a step": OneStore(),
    "one chain b, x, h; FMA; n + z (h - n); sigmoid by tanh": _OneChainOtherForms(summation.fused),
    "one chain b, x, h; 8 lanes; n + z (h - n); one store": _OneChainOneStore(summation.lanes),
}
"""Networks by the name of their difference from the definition."""
