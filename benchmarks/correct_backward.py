"""Correct backward passes in NumPy that differ from the definition in the order of sums or in the form of formulas.

Half precisions accumulate in float32 and store their own type, as kernels do.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmarks import correct_networks, summation
from benchmarks.correct_networks import Flushing, Interpolating, SigmoidByTanh, flushing
from benchmarks.summation import Array, Order
from rnn_goldens.cells import Backward, Case, Cotangents, State, Weights
from rnn_goldens.cells.backward import Factors
from rnn_goldens.cells.numpy_primitives import of_type
from rnn_goldens.cells.step_program import Program
from rnn_goldens.golden.shapes import Block


class Summing(Backward, correct_networks.Summing):
    """Adds up all products in a given order: forward, backward, over steps and over sequences."""

    def __init__(self, order: Order) -> None:
        Backward.__init__(self)
        self.order = order

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """Return the gradient of v through its product with a block of rows of a matrix."""
        rows = len(matrix) // blocks
        return self.product(g, matrix[index * rows : (index + 1) * rows].T)

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """Return the gradient of a matrix."""
        return self.product(np.concatenate(gs).T, np.concatenate(vs).T)

    def added_up(self, gs: Sequence[Array]) -> Array:
        """Return the gradient of a bias."""
        every = np.concatenate(gs)
        total: Array = self.product(np.ones((1, len(every)), every.dtype), every.T)[0]
        return total


class StepByStep(Backward):
    """Stores the gradients of the weights after each step, from the last to the first, as autograd and loops do."""

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """Return the sum over all steps and sequences."""
        total, *others = [super(StepByStep, self).summed_over_steps([step]) for step in steps]
        for part in others:
            total = total + part
        return total


class BySequence(Backward):
    """Computes the gradient of each sequence, in one product over its steps, and adds them up, as in ``.grad``."""

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """Return the sum over sequences, stored after each sequence."""
        total, *others = [
            super(BySequence, self).summed_over_steps(_of_sequence(steps, b)) for b in range(len(steps[0][0]))
        ]
        for part in others:
            total = total + part
        return total


class ProductsApart(Backward):
    """Computes and stores one product for each gate, forward and backward."""

    def program(self, case: Case, w: Weights) -> Program:
        """Return the program of a step."""
        cell = self.cell(case)
        return cell.program(w, fused=False)


class OtherSlopes(Backward):
    """Uses the other forms of the derivatives: s - s², (1 - t) (1 + t), g a - g b."""

    def sigmoid_slope(self, y: Array, z: Array) -> Array:  # noqa: ARG002 - required by the base class
        """Return the derivative of y = sigmoid(z)."""
        slope: Array = y - y * y
        return slope

    def tanh_slope(self, y: Array, z: Array) -> Array:  # noqa: ARG002 - required by the base class
        """Return the derivative of y = tanh(z)."""
        slope: Array = (1 - y) * (1 + y)
        return slope

    def difference(self, g: Array, a: Array, b: Array) -> Array:
        """Return g (a - b)."""
        parts: Array = g * of_type(a, g) - g * of_type(b, g)
        return parts


class WithoutSubnormals(Backward):
    """Flushes subnormal numbers to zero, forward and backward."""

    def gradients(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """Return the gradients by the name of the array, as plain arrays."""
        flushed = {name: array.view(Flushing) for name, array in cotangents.items()}
        gradients = super().gradients(flushing(case), flushed)
        return {name: np.asarray(array) for name, array in gradients.items()}


class OneStore(Backward):
    """Computes a step of half precisions in float32, forward and backward, and stores its results.

    Fused kernels do so.
    """

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return the state after time step t; keeps the values of the step without rounding them."""
        program, inputs = self.program(case, w), [layer_input[:, t], *state]
        values = self.kept[suffix, t] = self.computed(program, _wide(inputs), _wide_weights(w))
        return tuple(values[k].astype(layer_input.dtype) for k in program.after)

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: dict[Block, list[Factors]]
    ) -> tuple[Array, State]:
        """Return the cotangents of x and of the state before a step, rounded once."""
        dtype = d_after[0].dtype
        d_x, d_before = super().step_back(case, suffix, _wide_weights(w), t, tuple(_wide(d_after)), factors)
        return d_x.astype(dtype), tuple(part.astype(dtype) for part in d_before)

    def gathered(self, name: str, weight: Array, factors: Mapping[Block, list[Factors]]) -> Array:
        """Return the gradient of a weight in the weight's type."""
        return super().gathered(name, weight, factors).astype(weight.dtype)


class _LanesOtherForms(StepByStep, OtherSlopes, ProductsApart, Interpolating, SigmoidByTanh, Summing):
    """Uses vector lanes, one product for each gate and other forms of the formulas, and stores sums after each step."""

    def __init__(self) -> None:
        Summing.__init__(self, summation.lanes)


def _of_sequence(steps: Sequence[Factors], b: int) -> list[Factors]:
    return [(g[b : b + 1], None if v is None else v[b : b + 1]) for g, v in steps]


def _wide(arrays: Iterable[Array]) -> list[Array]:
    return [array.astype(np.result_type(np.float32, array.dtype)) for array in arrays]


def _wide_weights(w: Weights) -> Weights:
    return dict(zip(w, _wide(w.values()), strict=True))


BACKWARD: dict[str, Backward] = {
    "first to last": Summing(summation.first_to_last),
    "FMA": Summing(summation.fused),
    "wider accumulator": Summing(summation.wide),
    "dW step by step": StepByStep(),
    "dW sequence by sequence": BySequence(),
    "other forms of the slopes": OtherSlopes(),
    "no subnormals": WithoutSubnormals(),
    "one store a step": OneStore(),
    "8 lanes; step by step; a product a gate; other forms; n + z (h - n); sigmoid by tanh": _LanesOtherForms(),
}
"""Backward passes by the name of their difference from the definition."""
