"""The backward pass of a network: from cotangents of the outputs to gradients of inputs, states and weights.

Every method of ``Backward`` is one named part of the computation, so that a deviation of the backward pass overrides
one method. The cotangent of a sequence is a list of arrays (batch, units) by time step. The gradients are those of the
loss Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n. Reverse mode derives the backward pass of a step from its program, in
which all gates share products and biases, and each uses a block of their rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import add
from typing import NamedTuple

import numpy as np

from rnn_goldens.cells.adjoint import Symbols, part_of
from rnn_goldens.cells.network import Case, Network
from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.numpy_primitives import Array, State, Transposed, Weights
from rnn_goldens.cells.step_program import Operation, Program, written
from rnn_goldens.golden.shapes import Block, cotangent_of


class Share(NamedTuple):
    """A step's contribution to the gradient of a block of a weight: g vᵀ for a matrix, g for a vector.

    Attributes:
        block: the block.
        g: index of the cotangent in the values of the reverse program.
        v: index of the vector that the matrix was multiplied with; None if the weight is a vector.
    """

    block: Block
    g: int
    v: int | None


@dataclass(frozen=True, eq=False)
class Reverse:
    """The backward pass of a step.

    Attributes:
        program: its inputs are every value of the step, then the cotangent of each state after it; its first results
            are the cotangents of x and of the states before the step.
        shares: the contributions to the gradients of weights.
    """

    program: Program
    shares: tuple[Share, ...]


@lru_cache(maxsize=4096)
def reverse(program: Program) -> Reverse:
    """Return the backward pass of a step.

    If the program fuses products and biases of all gates, the backward pass has one product for all of them; otherwise
    one for each gate.
    """
    back = _Differentiation(program)
    sides = [side for _, g, v in back.shares for side in ((g,) if v is None else (g, v))]
    found = written(back.inputs, [*back.before, *sides])
    place = dict(zip(sides, found.after[program.inputs :], strict=True))
    shares = (Share(block, place[g], None if v is None else place[v]) for block, g, v in back.shares)
    return Reverse(found, tuple(shares))


class _Differentiation:
    """Passes the cotangent of each value to its arguments, from the last value to the first."""

    def __init__(self, program: Program) -> None:
        self.program, self._narrow, self._symbols = program, _narrow(program), Symbols(Term, Term)
        self._at_once = any(operation.primitive == "affine" for operation in program.operations)
        values = program.inputs + len(program.operations)
        self.inputs = [Term("input") for _ in range(values + len(program.after))]
        self.shares: list[tuple[Block, Term, Term | None]] = []
        self._parts: defaultdict[int, list[Term]] = defaultdict(list)
        self._blocks: defaultdict[int, dict[int, list[Term]]] = defaultdict(lambda: defaultdict(list))
        for k, g in zip(program.after, self.inputs[values:], strict=True):
            self._parts[k].append(g)
        for k in range(values - 1, program.inputs - 1, -1):
            self._through(k, program.operations[k - program.inputs])
        self.before = [
            _summed(self._parts[k]) if self._parts[k] else Term("nothing", (self.inputs[k],))
            for k in range(program.inputs)
        ]

    def _through(self, k: int, operation: Operation) -> None:
        if self._blocks[k]:
            self._through_blocks(k, operation)
        elif self._parts[k]:
            g = _summed(self._parts[k])
            if operation.primitive in ("product", "affine"):
                self._through_product(operation, g, 0, 1)
            elif operation.primitive == "vector":
                self.shares.append((Block(operation.weights[0], *operation.detail), g, None))
            elif operation.primitive == "block":
                self._blocks[operation.of[0]][operation.detail[0]].append(g)
            else:
                self._through_units(k, operation, g)

    def _through_blocks(self, k: int, operation: Operation) -> None:
        """Differentiate a product used in blocks: all blocks at once if a fused program uses all, else one by one."""
        blocks = {index: _summed(parts) for index, parts in sorted(self._blocks[k].items())}
        count = next(o.detail[1] for o in self.program.operations if o.primitive == "block" and o.of == (k,))
        if self._at_once and len(blocks) == count:
            self._through_product(operation, Term("joined", tuple(blocks.values())), 0, 1)
        else:
            for index, g in blocks.items():
                self._through_product(operation, g, index, count)

    def _through_product(self, operation: Operation, g: Term, index: int, blocks: int) -> None:
        (of,), (matrix, *biases) = operation.of, operation.weights
        self.shares.append((Block(matrix, index, blocks), g, self._value(of)))
        self.shares += [(Block(bias, index, blocks), g, None) for bias in biases]
        self._parts[of].append(Term("transposed", (g,), (matrix, index, blocks)))

    def _through_units(self, k: int, operation: Operation, g: Term) -> None:
        arguments = [self._value(of) for of in operation.of]
        for number, of in enumerate(operation.of):
            if _is_constant(self.program, of):
                continue
            part = part_of(self._symbols, operation, number, g, self._value(k), arguments)
            if part is not None:
                narrower = of in self._narrow and k not in self._narrow
                self._parts[of].append(Term("total", (part,)) if narrower else part)

    def _value(self, k: int) -> Term:
        """Return a value of the step as a term; a constant value is a constant term."""
        is_constant = _is_constant(self.program, k)
        return (
            Term("constant", (), self.program.operations[k - self.program.inputs].detail)
            if is_constant
            else self.inputs[k]
        )


def _narrow(program: Program) -> set[int]:
    """Return the values that are the same for all units: means, and values computed only from them."""
    found: set[int] = set()
    for k, operation in enumerate(program.operations, program.inputs):
        wide = [of for of in operation.of if of not in found and not _is_constant(program, of)]
        if operation.primitive == "mean" or (operation.of and not wide):
            found.add(k)
    return found


def _is_constant(program: Program, k: int) -> bool:
    return k >= program.inputs and program.operations[k - program.inputs].primitive == "constant"


def _summed(parts: Sequence[Term]) -> Term:
    return reduce(add, parts)


Cotangents = Mapping[str, Array]
"""``d_out`` shaped like out, ``d_h_n`` and so on like the last states; a missing cotangent is zero."""

Factors = tuple[Array, Array | None]
"""A step's contribution to the gradient of a weight: g and v of g vᵀ for a matrix, only g for a vector."""


@dataclass(frozen=True, eq=False)
class DirectionGradients:
    """The gradients of one layer in one direction.

    Attributes:
        inputs: cotangents of the layer's input, by time step.
        start: cotangents of the initial state.
        weights: gradients of the weights, by name without the suffix.
    """

    inputs: list[Array]
    start: State
    weights: Weights


class Backward(Transposed, Network):
    """A network with a backward pass. ``gradients`` computes in the precision of the case's arrays."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], list[Array]] = {}
        """Every value of a step, by suffix of the layer and direction, and by time step."""

    # One layer in one direction.

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Compute a step and store its values."""
        program = self.program(case, w)
        values = self.kept[suffix, t] = self.computed(program, [layer_input[:, t], *state], w)
        return tuple(values[k] for k in program.after)

    def program(self, case: Case, w: Weights) -> Program:
        """The program of a step."""
        return self.cell(case).program(w)

    def computed(self, program: Program, inputs: Sequence[Array], w: Weights) -> list[Array]:
        """Every value of a program."""
        return program.computed(self, inputs, w)

    def back(
        self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array
    ) -> DirectionGradients:
        """Visit the time steps in the opposite order to the forward pass, each sequence only within its length."""
        w, d_state = self.weights(case, suffix), d_last
        inputs, factors = list(d_outs), defaultdict[Block, list[Factors]](list)
        for t in self.times_back(len(d_outs), reverse=suffix.endswith("_reverse")):
            within = self.within_back(t, lengths)
            d_state = self.enter(d_state, self.only(within, d_outs[t]), t)
            d_after = tuple(self.only(within, part) for part in d_state)
            inputs[t], d_before = self.step_back(case, suffix, w, t, d_after, factors)
            d_state = self.carry(d_before, d_state, within, t)
        gradients = {name: self.gathered(name, w[name], factors) for name in w}
        return DirectionGradients(inputs, self.to_start(d_state), gradients)

    def times_back(self, time: int, *, reverse: bool) -> Iterable[int]:
        """The order in which the backward pass visits time steps."""
        return reversed(list(self.times(time, reverse=reverse)))

    def within_back(self, t: int, lengths: Array) -> Array:
        """Mask of the sequences that have step t: padding has no cotangent."""
        return self.within(t, lengths)

    def enter(self, d_state: State, d_out: Array, t: int) -> State:  # noqa: ARG002 - for overrides
        """Add the cotangent of out at a step to the cotangent of h after the step."""
        return self.sum(d_state[0], d_out), *d_state[1:]

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: dict[Block, list[Factors]]
    ) -> tuple[Array, State]:
        """Return the cotangents of x and the state before a step from those of the state after; extend ``factors``."""
        values, found = self.kept[suffix, t], reverse(self.program(case, w))
        by = self.computed(found.program, [*values, *d_after], w)
        for block, g, v in found.shares:
            factors[block].append(self.share(suffix, t, block.weight, by[g], None if v is None else by[v]))
        d_x, *d_before = (by[place] for place in found.program.after[: 1 + len(d_after)])
        return d_x, tuple(d_before)

    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:  # noqa: ARG002 - for overrides
        """A step's contribution to the gradient of a weight."""
        return g, v

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:  # noqa: ARG002 - for overrides
        """Cotangent passed to the previous step; unchanged for a sequence that does not have step t."""
        if within.all():
            return d_before
        return tuple(self.sum(g, self.only(~within, kept)) for g, kept in zip(d_before, d_after, strict=True))

    def to_start(self, d_state: State) -> State:
        """The cotangent of the initial state."""
        return d_state

    def gathered(self, name: str, weight: Array, factors: Mapping[Block, list[Factors]]) -> Array:
        """The gradient of a weight: the sum of the contributions of all steps."""
        gradient = self.nothing(weight)
        for block, steps in factors.items():
            if block.weight == name:
                rows = block.rows(len(weight))
                gradient[rows] = gradient[rows] + self.summed_over_steps(steps)
        return gradient

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """The sum over all steps and sequences."""
        gs, vs = [g for g, _ in steps], [v for _, v in steps if v is not None]
        return self.outer(gs, vs) if vs else self.added_up(gs)

    # The network.

    def gradients(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """Gradients by the name of the array: x, initial states if given, every weight; each shaped like the array."""
        if case.batched:
            return self.of_batch(case, cotangents)
        batch = {name: np.expand_dims(array, 0 if name == "d_out" else 1) for name, array in cotangents.items()}
        found, axes = self.of_batch(case.as_batch(), batch), {"x": 0, **dict.fromkeys(case.cell.layout.initial, 1)}
        return {name: array.squeeze(axes[name]) if name in axes else array for name, array in found.items()}

    def of_batch(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """The gradients of a case with a batch axis."""
        self.run(case)
        time, directions = case.x.shape[1], case.config.num_directions
        lengths = np.full(len(case.x), time) if case.lengths is None else case.lengths
        d_outs = self.from_out(case, cotangents)
        starts: dict[int, State] = {}
        weights: dict[str, Array] = {}
        for layer in reversed(range(case.config.num_layers)):
            d_inputs = []
            for direction, suffix in enumerate(case.config.layers[layer]):
                index = layer * directions + direction
                d_last = self.from_last(case, cotangents, index)
                found = self.back(case, suffix, self.side(d_outs, direction, directions), d_last, lengths)
                weights |= {f"{name}_{suffix}": array for name, array in found.weights.items()}
                starts[index] = found.start
                d_inputs.append(found.inputs)
            d_outs = self.to_layer_below(d_inputs, layer)
        return self.named(case, d_outs, [starts[index] for index in sorted(starts)], weights)

    def from_out(self, case: Case, cotangents: Cotangents) -> list[Array]:
        """The cotangent of out, by time step."""
        if "d_out" in cotangents:
            return [cotangents["d_out"][:, t] for t in range(case.x.shape[1])]
        units = case.config.num_directions * case.config.output_size
        return [np.zeros((len(case.x), units), case.x.dtype)] * case.x.shape[1]

    def from_last(self, case: Case, cotangents: Cotangents, index: int) -> State:
        """Cotangents of the last state of a layer and direction."""
        zeros = (np.zeros_like(part[index]) for part in case.state)
        named = map(cotangent_of, case.cell.layout.outputs[1:])
        return tuple(cotangents.get(name, {index: zero})[index] for name, zero in zip(named, zeros, strict=True))

    def side(self, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
        """The cotangents of the output of one direction: the first block of units is forward, the second reverse."""
        return [self.block(d_out, direction, directions) for d_out in d_outs]

    def to_layer_below(self, d_inputs: Sequence[Sequence[Array]], layer: int) -> list[Array]:  # noqa: ARG002 - for overrides
        """Cotangents of a layer's input, which is the output of the layer below: the sum over the directions."""
        return [self.sum(*directions) for directions in zip(*d_inputs, strict=True)]

    def named(
        self, case: Case, d_inputs: Sequence[Array], d_start: Sequence[State], weights: Weights
    ) -> dict[str, Array]:
        """All gradients by the names of the arrays, in the order of a golden."""
        found = {"x": np.stack(d_inputs, axis=1)}
        if case.state_given:
            stacked = (np.stack(parts) for parts in zip(*d_start, strict=True))
            found |= zip(case.cell.layout.initial, stacked, strict=True)
        return found | {name: weights[name] for name in case.weights}
