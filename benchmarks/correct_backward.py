"""Correct backward passes in NumPy that compute otherwise than the definition: other orders, other forms.

Half precisions accumulate in float32 and store in their own type, as kernels do.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks import correct_networks, summation
from benchmarks.correct_networks import Flushing, flushing
from benchmarks.summation import Array, Order
from benchmarks.written_backward import Written
from rnn_goldens.cells import Backward, Case, Cotangents, State, Weights
from rnn_goldens.cells.arithmetic import of_type
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.cells.program import Program


class Summing(Backward, correct_networks.Summing):
    """Adds up its products, forward and backward and over steps and sequences, in a given order."""

    def __init__(self, order: Order) -> None:
        Backward.__init__(self)
        self.order = order

    def transposed(self, g: Array, matrix: Array, index: int, blocks: int) -> Array:
        """What v gets of its product with a block of rows of a matrix."""
        rows = len(matrix) // blocks
        return self.product(g, matrix[index * rows : (index + 1) * rows].T)

    def outer(self, gs: Sequence[Array], vs: Sequence[Array]) -> Array:
        """What a matrix gets."""
        return self.product(np.concatenate(gs).T, np.concatenate(vs).T)

    def added_up(self, gs: Sequence[Array]) -> Array:
        """What a bias gets."""
        every = np.concatenate(gs)
        total: Array = self.product(np.ones((1, len(every)), every.dtype), every.T)[0]
        return total


class StepByStep(Backward):
    """Adds what each step gives to the weights' gradients, which are stored after each: as autograd and loops do.

    Steps come from the end, as the way back visits them.
    """

    def __init__(self, *, from_the_end: bool = True) -> None:
        super().__init__()
        self.from_the_end = from_the_end

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """The sum over all steps and sequences."""
        return _stored_sums(steps[:: 1 if self.from_the_end else -1], super().summed_over_steps)


class OneAccumulator(Backward):
    """Adds what each step gives to one accumulator, as kernels do that are given a buffer of float32."""

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """The sum over all steps and sequences, rounded once."""
        dtype = steps[0][0].dtype
        total = _stored_sums([_wide(step) for step in steps], super().summed_over_steps)
        return total.astype(dtype)


class BySequence(Backward):
    """Takes each sequence's gradient of its own, in one product over its steps, and adds them up."""

    def __init__(self, *, stored: bool) -> None:
        super().__init__()
        self.stored = stored

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """The sum over all sequences: each sum is stored, as .grad is that adds up over them, or one of a batch is."""
        own = [super(BySequence, self).summed_over_steps(_of_sequence(steps, b)) for b in range(len(steps[0][0]))]
        if not self.stored:
            return np.asarray(np.sum(np.stack(own), axis=0, dtype=_wide_type(own[0])), own[0].dtype)
        total = own[0]
        for part in own[1:]:
            total = total + part
        return total


class BiasesOverTime(Backward):
    """Adds a bias's gradient up over the steps of each sequence, and then over sequences."""

    def added_up(self, gs: Sequence[Array]) -> Array:
        """What a bias gets."""
        over_time = np.sum(np.stack(gs), axis=0, dtype=_wide_type(gs[0])).astype(gs[0].dtype)
        return np.asarray(over_time.sum(axis=0, dtype=_wide_type(gs[0])), gs[0].dtype)


class ProductsApart(Backward):
    """A product for each gate, forward and backward, each stored."""

    def program(self, case: Case, w: Weights) -> Program:
        """What a step computes."""
        return self.cell(case).apart.program(w)


class OtherSlopes(Backward):
    """The other forms of the derivatives: s - s², (1 - t) (1 + t), g a - g b."""

    def sigmoid_slope(self, y: Array, z: Array) -> Array:  # noqa: ARG002 - as of the definition
        """The derivative of y = sigmoid(z)."""
        slope: Array = y - y * y
        return slope

    def tanh_slope(self, y: Array, z: Array) -> Array:  # noqa: ARG002 - likewise
        """The derivative of y = tanh(z)."""
        slope: Array = (1 - y) * (1 + y)
        return slope

    def difference(self, g: Array, a: Array, b: Array) -> Array:
        """G (a - b)."""
        parts: Array = g * of_type(a, g) - g * of_type(b, g)
        return parts


class Interpolating(Backward, correct_networks.Interpolating):
    """The other form of a GRU's last line."""


class SigmoidByTanh(Backward, correct_networks.SigmoidByTanh):
    """The other form of the sigmoid."""


class SigmoidInItsType(Backward, correct_networks.SigmoidInItsType):
    """Half precisions compute the sigmoid in their own type."""


class WithoutSubnormals(Backward):
    """Flushes to zero, on both ways, what is smaller than the smallest normal number."""

    def gradients(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """By the name of the array, plain ones."""
        given = {name: array.view(Flushing) for name, array in cotangents.items()}
        found = super().gradients(flushing(case), given)
        return {name: np.asarray(array) for name, array in found.items()}


class OneStore(Backward):
    """Half precisions compute a whole step in float32, on both ways, and store what it hands on, as fused kernels do.

    The gates' gradients are handed on too, to the products that make the weights' gradients of them, unless ``fused``.
    """

    def __init__(self, *, fused: bool = False) -> None:
        super().__init__()
        self.fused = fused
        self._low: np.dtype[Any]

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Keep the values of the step, unrounded."""
        program, given = self.program(case, w), [layer_input[:, t], *state]
        values = self.kept[suffix, t] = self.computed(program, _widened(given), _wide_weights(w))
        return tuple(values[k].astype(layer_input.dtype) for k in program.after)

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: dict[Block, list[Factors]]
    ) -> tuple[Array, State]:
        """Cotangents of x and the state before a step, rounded once."""
        dtype = d_after[0].dtype
        d_x, d_before = super().step_back(case, suffix, _wide_weights(w), t, tuple(_widened(d_after)), factors)
        return d_x.astype(dtype), tuple(part.astype(dtype) for part in d_before)

    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:  # noqa: ARG002
        """What a step adds to a weight's gradient."""
        low = self._low
        return (g, v) if self.fused else (g.astype(low), None if v is None else v.astype(low))

    def gathered(self, name: str, weight: Array, factors: Any) -> Array:  # noqa: ANN401 - as of the class
        """The gradient of a weight, in its type."""
        return super().gathered(name, weight, factors).astype(weight.dtype)

    def of_batch(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """All gradients of a batch."""
        self._low = case.x.dtype
        return super().of_batch(case, cotangents)


class _LanesOtherForms(StepByStep, OtherSlopes, Interpolating, SigmoidByTanh, Summing):
    """Vector lanes, a sum stored a step, the other forms of the formulas."""

    def __init__(self) -> None:
        Summing.__init__(self, summation.lanes)
        self.from_the_end = True


class _FusedFromTheStart(StepByStep, OtherSlopes, ProductsApart, Summing):
    """Fused multiply-add, a sum stored a step from the first on, a product a gate."""

    def __init__(self) -> None:
        Summing.__init__(self, summation.fused)
        self.from_the_end = False


def shuffled(seed: int) -> Order:
    """One accumulator, in an order that is drawn anew for each sum."""
    numbers = np.random.default_rng(seed)

    def order(start: Array, v: Array, matrix: Array) -> Array:
        drawn = numbers.permutation(v.shape[1])
        return summation.first_to_last(start, v[:, drawn], matrix[:, drawn])

    return order


def _stored_sums(steps: Iterable[Factors], product: Any) -> Array:  # noqa: ANN401 - of one step, a function
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
    "written by hand": Written(),
    "8 lanes; step by step; other forms; sigmoid by tanh": _LanesOtherForms(),
    "FMA; from the start; other forms; a product a gate": _FusedFromTheStart(),
}
"""By what they do otherwise than the definition."""
