"""Correct backward passes in NumPy that differ from the definition in the order of sums or in the form of formulas.

Half precisions accumulate in float32 and store their own type, as kernels do.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks import correct_networks, summation
from benchmarks.correct_networks import Flushing, flushing
from benchmarks.handwritten_backward import Handwritten
from benchmarks.summation import Array, Order
from rnn_goldens.cells import Backward, Case, Cotangents, State, Weights
from rnn_goldens.cells.arithmetic import of_type
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.cells.program import Program


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
    """Stores the gradients of the weights after each step, as autograd and loops do.

    Steps are added from the last to the first by default, the order of the backward pass.
    """

    def __init__(self, *, from_the_end: bool = True) -> None:
        super().__init__()
        self.from_the_end = from_the_end

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """Return the sum over all steps and sequences."""
        return _stored_sums(steps[:: 1 if self.from_the_end else -1], super().summed_over_steps)


class OneAccumulator(Backward):
    """Adds the gradients of all steps in one accumulator, as kernels with a float32 buffer do."""

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """Return the sum over all steps and sequences, rounded once."""
        dtype = steps[0][0].dtype
        total = _stored_sums([_wide(step) for step in steps], super().summed_over_steps)
        return total.astype(dtype)


class BySequence(Backward):
    """Computes the gradient of each sequence, in one product over its steps, and adds the gradients up."""

    def __init__(self, *, stored: bool) -> None:
        super().__init__()
        self.stored = stored

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """Return the sum over sequences: stored after each sequence (as in ``.grad``), or rounded once."""
        by_sequence = [
            super(BySequence, self).summed_over_steps(_of_sequence(steps, b)) for b in range(len(steps[0][0]))
        ]
        if not self.stored:
            return np.asarray(
                np.sum(np.stack(by_sequence), axis=0, dtype=_wide_type(by_sequence[0])), by_sequence[0].dtype
            )
        total = by_sequence[0]
        for part in by_sequence[1:]:
            total = total + part
        return total


class BiasesOverTime(Backward):
    """Adds the gradient of a bias over the steps of each sequence first, then over sequences."""

    def added_up(self, gs: Sequence[Array]) -> Array:
        """Return the gradient of a bias."""
        over_time = np.sum(np.stack(gs), axis=0, dtype=_wide_type(gs[0])).astype(gs[0].dtype)
        return np.asarray(over_time.sum(axis=0, dtype=_wide_type(gs[0])), gs[0].dtype)


class ProductsApart(Backward):
    """Computes and stores one product for each gate, forward and backward."""

    def program(self, case: Case, w: Weights) -> Program:
        """Return the program of a step."""
        return self.cell(case).separate.program(w)


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


class Interpolating(Backward, correct_networks.Interpolating):
    """Uses n + z (h - n) as a GRU's last line."""


class SigmoidByTanh(Backward, correct_networks.SigmoidByTanh):
    """Computes the sigmoid as (1 + tanh(z / 2)) / 2."""


class SigmoidInItsType(Backward, correct_networks.SigmoidInItsType):
    """Computes the sigmoid of half precisions in their own type."""


class WithoutSubnormals(Backward):
    """Flushes subnormal numbers to zero, forward and backward."""

    def gradients(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """Return the gradients by the name of the array, as plain arrays."""
        flushed = {name: array.view(Flushing) for name, array in cotangents.items()}
        gradients = super().gradients(flushing(case), flushed)
        return {name: np.asarray(array) for name, array in gradients.items()}


class OneStore(Backward):
    """Computes a whole step of half precisions in float32, forward and backward, and stores its results.

    Fused kernels do so. The gradients of the gates are stored, too, as factors of the weights' gradients, unless
    ``fused``.
    """

    def __init__(self, *, fused: bool = False) -> None:
        super().__init__()
        self.fused = fused
        self._low: np.dtype[Any]

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Return the state after time step t; keeps the values of the step without rounding them."""
        program, inputs = self.program(case, w), [layer_input[:, t], *state]
        values = self.kept[suffix, t] = self.computed(program, _widened(inputs), _wide_weights(w))
        return tuple(values[k].astype(layer_input.dtype) for k in program.after)

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: dict[Block, list[Factors]]
    ) -> tuple[Array, State]:
        """Return the cotangents of x and of the state before a step, rounded once."""
        dtype = d_after[0].dtype
        d_x, d_before = super().step_back(case, suffix, _wide_weights(w), t, tuple(_widened(d_after)), factors)
        return d_x.astype(dtype), tuple(part.astype(dtype) for part in d_before)

    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:  # noqa: ARG002
        """Return the factors that a step adds to the gradient of a weight."""
        low = self._low
        return (g, v) if self.fused else (g.astype(low), None if v is None else v.astype(low))

    def gathered(self, name: str, weight: Array, factors: Any) -> Array:  # noqa: ANN401 - as in the base class
        """Return the gradient of a weight in the weight's type."""
        return super().gathered(name, weight, factors).astype(weight.dtype)

    def of_batch(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """Return all gradients of a batch."""
        self._low = case.x.dtype
        return super().of_batch(case, cotangents)


class _LanesOtherForms(StepByStep, OtherSlopes, Interpolating, SigmoidByTanh, Summing):
    """Uses vector lanes, stores sums after each step, and uses the other forms of the formulas."""

    def __init__(self) -> None:
        Summing.__init__(self, summation.lanes)
        self.from_the_end = True


class _FusedFromTheStart(StepByStep, OtherSlopes, ProductsApart, Summing):
    """Uses fused multiply-add, stores sums after each step from the first on, and one product for each gate."""

    def __init__(self) -> None:
        Summing.__init__(self, summation.fused)
        self.from_the_end = False


def shuffled(seed: int) -> Order:
    """Return an order with one accumulator that permutes the terms of each sum at random."""
    generator = np.random.default_rng(seed)

    def order(start: Array, v: Array, matrix: Array) -> Array:
        permutation = generator.permutation(v.shape[1])
        return summation.first_to_last(start, v[:, permutation], matrix[:, permutation])

    return order


def _stored_sums(steps: Iterable[Factors], product: Any) -> Array:  # noqa: ANN401 - a function of the factors of one step
    first, *others = [product([step]) for step in steps]
    total: Array = first
    for part in others:
        total = total + part
    return total


def _of_sequence(steps: Sequence[Factors], b: int) -> list[Factors]:
    return [(g[b : b + 1], None if v is None else v[b : b + 1]) for g, v in steps]


def _wide(step: Factors) -> Factors:
    g, v = step
    return g.astype(_wide_type(g)), None if v is None else v.astype(_wide_type(g))


def _widened(arrays: Iterable[Array]) -> list[Array]:
    return [array.astype(_wide_type(array)) for array in arrays]


def _wide_weights(w: Weights) -> Weights:
    return {name: array.astype(_wide_type(array)) for name, array in w.items()}


def _wide_type(array: Array) -> np.dtype[Any]:
    return np.result_type(np.float32, array.dtype)


BACKWARD: dict[str, Backward] = {
    "first to last": Summing(summation.first_to_last),
    "last to first": Summing(summation.last_to_first),
    "pairwise": Summing(summation.pairwise),
    "8 lanes": Summing(summation.lanes),
    "FMA": Summing(summation.fused),
    "wider accumulator": Summing(summation.wide),
    "shuffled, seed 1": Summing(shuffled(1)),
    "shuffled, seed 2": Summing(shuffled(2)),
    "shuffled, seed 3": Summing(shuffled(3)),
    "dW step by step from the end": StepByStep(),
    "dW step by step from the start": StepByStep(from_the_end=False),
    "dW step by step in float32": OneAccumulator(),
    "dW sequence by sequence": BySequence(stored=False),
    "dW sequence by sequence, sums stored": BySequence(stored=True),
    "db over time first": BiasesOverTime(),
    "a product a gate": ProductsApart(),
    "other forms of the slopes": OtherSlopes(),
    "n + z (h - n)": Interpolating(),
    "sigmoid by tanh": SigmoidByTanh(),
    "sigmoid in its type": SigmoidInItsType(),
    "no subnormals": WithoutSubnormals(),
    "one store a step": OneStore(),
    "one store a step, dW unrounded": OneStore(fused=True),
    "written by hand": Handwritten(),
    "8 lanes; step by step; other forms; sigmoid by tanh": _LanesOtherForms(),
    "FMA; from the start; other forms; a product a gate": _FusedFromTheStart(),
}
"""Backward passes by the name of their difference from the definition."""
