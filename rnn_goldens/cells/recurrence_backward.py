"""The backward pass of a recurrence: from cotangents of its outputs to gradients of inputs, states and weights.

It is derived from the program of a time step, and runs in NumPy, in the type of the arrays. The gradients are those of
the sum of every output times its cotangent: ``d_o`` is the cotangent of ``o``, and ``d_S_n`` that of the last state.
Every method of ``RecurrenceBackward`` is one named part of the computation, so that a deviation overrides one method.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from rnn_goldens.cells.adjoint import gradients
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.matrix_primitives import GraphPrimitives
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import (
    Arrays,
    RecurrenceCase,
    from_lanes,
    in_lanes,
    states_in_lanes,
    step_program,
    time_steps,
    weights_in_lanes,
    weights_of_rows,
)
from rnn_goldens.cells.recurrence_notation import Equations
from rnn_goldens.cells.step_program import GIVEN, Operation, Program
from rnn_goldens.golden.shapes import Shape, cotangent_of
from rnn_goldens.golden.stored_arrays import sequence_slices


class _Fast(GraphPrimitives):
    """The primitives for arrays of one type, which numbers do not widen."""

    multiply = staticmethod(np.multiply)  # type: ignore[assignment]
    matmul = staticmethod(np.matmul)  # type: ignore[assignment]
    nothing = staticmethod(np.zeros_like)

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z)."""
        sigmoid: Array = 1 / (1 + np.exp(-z))
        return sigmoid


_FAST = _Fast()

_SAME = ("same", "kept_factor", "instead")
"""Primitives whose value is that of the first argument."""


def _compiled(operations: Sequence[Operation], wanted: Sequence[int], given: Mapping[int, int], count: int) -> Program:
    """Return the program of what wanted values need; ``given`` are the indices in ``count`` arrays of given values."""
    places, found = dict(given), list[Operation]()
    for k, operation in _used(operations, wanted, given).items():
        if operation.primitive in _SAME:
            places[k] = places[operation.of[0]]
            continue
        places[k] = count + len(found)
        of = tuple(places[place] for place in operation.of)
        detail = tuple(float(part) if isinstance(part, Fraction) else part for part in operation.detail)
        found.append(Operation(operation.primitive, of, (), detail))
    return Program(count, tuple(found), tuple(places[k] for k in wanted))


def _used(operations: Sequence[Operation], wanted: Iterable[int], given: Collection[int]) -> dict[int, Operation]:
    """Return the operations that wanted values need, by position, in order; those of given values excepted."""
    found, needed = dict[int, Operation](), set(wanted)
    for k in reversed(range(len(operations))):
        if k in needed and k not in given and (operation := operations[k]) is not GIVEN:
            found[k] = operation
            needed.update(operation.of[:1] if operation.primitive in _SAME else operation.of)
    return dict(reversed(found.items()))


@lru_cache(maxsize=4096)
def both_ways(program: Program, shapes: tuple[Shape, ...], states: int) -> tuple[Program, Program]:
    """Return the forward pass of a step, as far as the states after it and the backward pass need it, and the latter.

    The backward pass is given the values of the forward pass, then the cotangents of its results. ``shapes`` are the
    rows and columns of the inputs.
    """
    graph = Graph()
    with np.errstate(all="ignore"):
        inputs = [graph.given(np.ones((1, 1, *shape))) for shape in shapes]
        nodes = graph.step(program, inputs)
        results = [nodes[place] for place in program.after]
        seeds = [(node, graph.given(np.ones_like(node.value))) for node in results]
        found = gradients(graph, seeds, inputs)
    (first, last), operations = (seeds[k][1].place for k in (0, -1)), list(graph.operations)
    for one, d_one in zip(inputs, found, strict=True):
        if d_one.place > last and d_one.operation is GIVEN:
            operations[d_one.place] = Operation("nothing", (one.place,))
    wanted = [node.place for node in found]
    needs = _used(operations, wanted, range(first)).values()
    kept = sorted({k for operation in needs for k in operation.of if k < first})
    places = [*(node.place for node in results[-states:]), *kept]
    forward = _compiled(operations, places, {k: k for k in range(len(inputs))}, len(inputs))
    given, count = dict(zip(kept, forward.after[states:], strict=True)), forward.inputs + len(forward.operations)
    given |= {g.place: count + k for k, (_, g) in enumerate(seeds)}
    return forward, _compiled(operations, wanted, given, count + len(seeds))


Gradients = dict[str, Array]
"""Gradients by the name of the array."""


@dataclass(frozen=True, eq=False)
class Step:
    """A time step of the forward pass. ``step["k"]`` is an argument of the equations, in lanes.

    Attributes:
        before: the arguments of the equations: inputs, weights, and states before the step.
        after: the states after the step.
        values: the values that the backward pass needs.
        back: the backward pass.
    """

    before: Arrays
    after: Arrays
    values: Sequence[Array]
    back: Program

    def __getitem__(self, name: str) -> Array:
        return self.before[name]


class RecurrenceBackward:
    """The backward pass of a recurrence: a loop over packed sequences and time steps, from the last to the first.

    Args:
        equations: equations to differentiate other than those of the recurrence.
    """

    def __init__(self, equations: Equations | None = None) -> None:
        self.equations = equations
        self.d_start: Arrays = {}
        """Cotangents of the initial states of the sequence visited before; none for the first one visited."""

    @np.errstate(over="ignore")  # e^-z is infinite where a sigmoid is zero
    def gradients(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        """Return the gradients of inputs, initial states and weights, each shaped like its array."""
        self.d_start = {}
        sequences = by_sequence(case, completed(case, cotangents))
        return self.joined(case, [self.of_sequence(*one) for one in reversed(sequences)][::-1])

    def joined(self, case: RecurrenceCase, found: Sequence[Gradients]) -> Gradients:
        """The gradients of all packed sequences together: those of weights are sums."""

        def together(name: str, parts: list[Array]) -> Array:
            if name in case.weights:
                return np.asarray(np.sum(parts, axis=0))
            return np.concatenate(parts, axis=1 if name in case.inputs else 0)

        if len(found) == 1:
            return dict(found[0])
        return {name: together(name, [one[name] for one in found]) for name in found[0]}

    def of_sequence(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        """The gradients of one sequence, or of a batch of sequences with equal lengths."""
        kept, d_outputs, d_last = self.kept(case), self.d_outputs(case, cotangents), self.d_last(case, cotangents)
        d_states = d_last
        d_inputs = [{name: np.zeros_like(kept[0][name]) for name in case.inputs}] * case.time
        shares: dict[str, list[Array]] = {name: [] for name in case.weights}
        for t in self.times_back(case):
            found = self.step_back(kept[t], d_outputs[t], d_states)
            d_inputs[t] = {name: self.of_input(name, found[name], kept[t]) for name in case.inputs}
            for name, parts in shares.items():
                by_row = found[name].reshape(-1, case.config.shared, *found[name].shape[1:])
                parts.append(self.over_batch(by_row)[0])
            d_states = self.carry({name: found[name] for name in d_states}, d_states, t)
        self.d_start = self.to_start(d_states, d_last)
        weights = weights_in_lanes(case)
        d_weights = {name: self.over_time(parts) if parts else 0 * weights[name] for name, parts in shares.items()}
        return self.named(case, d_inputs, d_weights)

    def kept(self, case: RecurrenceCase) -> list[Step]:
        """The time steps of the forward pass."""
        states, kept = states_in_lanes(case), list[Step]()
        rows = len(next(iter(states.values())))
        weights = {name: np.broadcast_to(w, (rows, *w.shape[1:])) for name, w in weights_of_rows(case).items()}
        arguments = self.arguments(case)
        first = {**arguments[0], **weights, **states}
        shapes = tuple(array.shape[2:] for array in first.values())
        forward, back = both_ways(self.program(case, tuple(first)), shapes, len(states))
        for step in arguments:
            before = {**step, **weights, **states}
            values = forward.computed(_FAST, list(before.values()), {})
            states = {name: values[place] for name, place in zip(states, forward.after, strict=False)}
            kept.append(Step(before, states, values, back))
        return kept

    def arguments(self, case: RecurrenceCase) -> Sequence[Arrays]:
        """The arguments of the equations at each time step by name, without weights and states."""
        return time_steps(case)

    def program(self, case: RecurrenceCase, names: tuple[str, ...]) -> Program:
        """The program of a time step, from the names of the arguments."""
        return step_program(case, self.equations, names)

    def step_back(self, step: Step, d_outputs: Arrays, d_after: Arrays) -> Arrays:
        """The gradients of the arguments of a step by head; those of weights by row of the batch, too."""
        values = step.back.computed(_FAST, [*step.values, *d_outputs.values(), *d_after.values()], {})
        return {name: values[place] for name, place in zip(step.before, step.back.after, strict=True)}

    def d_outputs(self, case: RecurrenceCase, cotangents: Arrays) -> Sequence[Arrays]:
        """The cotangents of the outputs of each step by name of the output, in lanes."""
        axes = case.config.outputs
        found = {name: in_lanes(cotangents[cotangent_of(name)], axes[name], case.config) for name in axes}
        return [{name: array[:, t] for name, array in found.items()} for t in range(case.time)]

    def d_last(self, case: RecurrenceCase, cotangents: Arrays) -> Arrays:
        """The cotangents of the last states by name of the state, in lanes: zero if the state is not compared."""
        found = {name: cotangents.get(cotangent_of(f"{name}_n")) for name in case.config.recurrence.states}
        zeros = {
            f"{name}0": np.zeros_like(case.states[f"{name}0"]) if array is None else array
            for name, array in found.items()
        }
        return states_in_lanes(replace(case, states=zeros))

    def times_back(self, case: RecurrenceCase) -> Iterable[int]:
        """The order in which time steps are visited."""
        return reversed(range(case.time))

    def carry(self, d_before: Arrays, d_after: Arrays, t: int) -> Arrays:  # noqa: ARG002 - for overrides
        """The cotangents of the states that step t passes to the step before it."""
        return d_before

    def to_start(self, d_states: Arrays, d_last: Arrays) -> Arrays:  # noqa: ARG002 - for overrides
        """The cotangents of the initial states."""
        return d_states

    def of_input(self, name: str, by_head: Array, step: Step) -> Array:
        """The gradient of an input, from that by head."""
        return by_head if by_head.shape == step[name].shape else self.over_heads(name, by_head)

    def over_heads(self, name: str, share: Array) -> Array:  # noqa: ARG002 - for overrides
        """The sum of the gradient of an array that several heads share over these."""
        return np.asarray(share.sum(axis=1, keepdims=True))

    def over_batch(self, share: Array) -> Array:
        """The sum of a weight's gradient over the batch, of (batch, groups of heads, heads, rows, columns)."""
        return np.asarray(share.sum(axis=0, keepdims=True))

    def over_time(self, shares: Sequence[Array]) -> Array:
        """The sum of a weight's gradient over the steps, in the order in which they are visited."""
        return np.asarray(np.sum(shares, axis=0))

    def named(self, case: RecurrenceCase, d_inputs: Sequence[Arrays], d_weights: Arrays) -> Gradients:
        """The gradients of a sequence by name, each shaped like its array, from those in lanes."""
        config, recurrence = case.config, case.config.recurrence
        inputs = {
            name: from_lanes(np.stack([step[name] for step in d_inputs]), axes, config).swapaxes(0, 1)
            for name, axes in config.inputs.items()
        }
        states = {f"{name}0": from_lanes(d, recurrence.states[name], config) for name, d in self.d_start.items()}
        weights = {name: from_lanes(d, recurrence.weights[name], config)[0] for name, d in d_weights.items()}
        return inputs | states | weights


# Packed sequences.


def by_sequence(case: RecurrenceCase, cotangents: Arrays) -> list[tuple[RecurrenceCase, Arrays]]:
    """Return each packed sequence with its cotangents; the whole case without packing."""
    if case.offsets is None:
        return [(case, cotangents)]
    outputs = [cotangent_of(name) for name in case.config.recurrence.outputs]
    return [
        (one, {name: array[:, steps] if name in outputs else array[k : k + 1] for name, array in cotangents.items()})
        for k, (one, steps) in enumerate(zip(case.sequences(), sequence_slices(case.offsets), strict=True))
    ]


def completed(case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
    """Return all cotangents, in the type of the inputs; missing ones are zeros."""
    first = next(iter(case.inputs.values()))
    rows = len(first) if case.offsets is None else len(case.offsets) - 1
    shapes = case.config.array_shapes(len(first), case.time, rows).outputs
    zeros = {cotangent_of(output): np.zeros(shape, first.dtype) for output, shape in shapes.items()}
    return {name: cotangents[name].astype(first.dtype) if name in cotangents else zero for name, zero in zeros.items()}
