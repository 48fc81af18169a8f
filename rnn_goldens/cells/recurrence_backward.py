"""The backward pass of a recurrence: from cotangents of its outputs to gradients of inputs, states and weights.

It is derived from the program of a time step, and runs in NumPy, in the type of the arrays. The gradients are those of
the sum of every output times its cotangent: ``d_o`` is the cotangent of ``o``, and ``d_S_n`` that of the last state.
"""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells.adjoint import part_of
from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.graph_primitives import NUMPY
from rnn_goldens.cells.program import Program
from rnn_goldens.cells.recurrence import (
    Arrays,
    RecurrenceCase,
    from_lanes,
    lanes_of_cotangents,
    states_in_lanes,
    step_program,
    time_steps,
    weights_in_lanes,
)
from rnn_goldens.golden.recurrences import sequence_slices
from rnn_goldens.golden.shapes import cotangent_of


def gradients(case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
    """Return the gradients of inputs, initial states and weights by name, each shaped like its array in the case.

    Args:
        case: the inputs of the recurrence.
        cotangents: by name, ``d_o`` and ``d_S_n``, shaped like the outputs; a missing cotangent is zero.
    """
    return joined(case, [_of_sequence(one, given) for one, given in by_sequence(case, completed(case, cotangents))])


# Packed sequences.


def by_sequence(case: RecurrenceCase, cotangents: Arrays) -> list[tuple[RecurrenceCase, dict[str, Array]]]:
    """Return each packed sequence with its cotangents; the whole case without packing."""
    if case.offsets is None:
        return [(case, dict(cotangents))]
    outputs = [cotangent_of(name) for name in case.config.recurrence.outputs]
    return [
        (one, {name: array[:, steps] if name in outputs else array[k : k + 1] for name, array in cotangents.items()})
        for k, (one, steps) in enumerate(zip(case.sequences(), sequence_slices(case.offsets), strict=True))
    ]


def completed(case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
    """Return all cotangents, in the type of the inputs; missing ones are zeros."""
    first = next(iter(case.inputs.values()))
    rows = len(first) if case.offsets is None else len(case.offsets) - 1
    shapes = case.config.output_shapes(len(first), case.time, rows)
    zeros = {cotangent_of(output): np.zeros(shape, first.dtype) for output, shape in shapes.items()}
    return {name: cotangents[name].astype(first.dtype) if name in cotangents else zero for name, zero in zeros.items()}


def joined(case: RecurrenceCase, found: Sequence[Arrays]) -> dict[str, Array]:
    """Return the gradients of a case from those of its packed sequences: the gradients of weights are sums."""

    def together(name: str, parts: list[Array]) -> Array:
        if name in case.weights:
            return np.asarray(np.sum(parts, axis=0))
        return np.concatenate(parts, axis=1 if name in case.inputs else 0)

    if len(found) == 1:
        return dict(found[0])
    return {name: together(name, [one[name] for one in found]) for name in found[0]}


# Lanes: arrays of (batch, heads, rows, columns).


def outputs_back(case: RecurrenceCase, cotangents: Arrays) -> list[dict[str, Array]]:
    """Return the cotangents of the outputs of each time step by name of the output, in lanes."""
    found = lanes_of_cotangents(case, cotangents)
    return [{name: found[name][t] for name in case.config.recurrence.outputs} for t in range(case.time)]


def last_states_back(case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
    """Return the cotangents of the last states by name of the state, in lanes: zero if the state is not compared."""
    found = lanes_of_cotangents(case, cotangents)
    return {name: found.get(f"{name}_n", np.zeros_like(state)) for name, state in states_in_lanes(case).items()}


def gradients_from_lanes(
    case: RecurrenceCase, d_inputs: Sequence[Arrays], d_states: Arrays, d_weights: Arrays
) -> dict[str, Array]:
    """Return the gradients of a case, each shaped like its array, from those in lanes.

    Args:
        case: a case without packed sequences.
        d_inputs: gradients of the inputs, by time step and name.
        d_states: gradients of the initial states, by name of the state.
        d_weights: gradients of the weights, by name.
    """
    recurrence = case.config.recurrence
    inputs = {
        name: np.stack([from_lanes(step[name], axes) for step in d_inputs], axis=1)
        for name, axes in case.config.inputs.items()
    }
    states = {f"{name}0": from_lanes(d_state, recurrence.states[name]) for name, d_state in d_states.items()}
    weights = {name: from_lanes(d_weight, recurrence.weights[name])[0] for name, d_weight in d_weights.items()}
    return inputs | states | weights


# One sequence.


def _of_sequence(case: RecurrenceCase, cotangents: Arrays) -> dict[str, Array]:
    program, recurrence = step_program(case), case.config.recurrence
    weights, d_states = weights_in_lanes(case), last_states_back(case, cotangents)
    d_weights = {name: np.zeros_like(weight) for name, weight in weights.items()}
    d_inputs: list[dict[str, Array]] = []
    kept, outputs = _every_value(case, program), outputs_back(case, cotangents)
    names = (*case.config.inputs, *recurrence.weights, *recurrence.states)
    for values, d_outputs in zip(reversed(kept), reversed(outputs), strict=True):
        back = step_back(program, values, [*d_outputs.values(), *d_states.values()])
        found = dict(zip(names, back, strict=True))
        d_inputs.append({name: found[name] for name in case.config.inputs})
        d_states = {name: found[name] for name in d_states}
        d_weights = {name: total + found[name] for name, total in d_weights.items()}
    return gradients_from_lanes(case, d_inputs[::-1], d_states, d_weights)


def _every_value(case: RecurrenceCase, program: Program) -> list[list[Array]]:
    """Return every value of the program of each time step."""
    weights, states, kept = list(weights_in_lanes(case).values()), list(states_in_lanes(case).values()), []
    for step in time_steps(case):
        kept.append(program.computed(NUMPY, [*step.values(), *weights, *states], {}))
        states = [kept[-1][place] for place in program.after[-len(states) :]]
    return kept


# One step.


def step_back(program: Program, values: Sequence[Array], cotangents: Sequence[Array]) -> list[Array]:
    """Return the cotangents of the inputs of a program from those of its results; ``values`` are all of its values."""
    found: dict[int, Array] = {}

    def add(place: int, g: Array) -> None:
        found[place] = found[place] + g if place in found else g

    for place, g in zip(program.after, cotangents, strict=True):
        add(place, g)
    for k in reversed(range(program.inputs, len(values))):
        if k in found:
            operation = program.operations[k - program.inputs]
            arguments = [values[place] for place in operation.of]
            for number, (place, argument) in enumerate(zip(operation.of, arguments, strict=True)):
                if isinstance(argument, np.ndarray):  # not a constant
                    part = part_of(NUMPY, operation, number, found[k], values[k], arguments)
                    if part is not None:
                        add(place, summed_to(part, argument))
    return [found.get(k, np.zeros_like(values[k])) for k in range(program.inputs)]


def summed_to(g: Array, like: Array) -> Array:
    """Return a cotangent summed over the axes that were broadcast from the shape of ``like``."""
    axes = tuple(axis for axis, size in enumerate(like.shape) if size == 1 and g.shape[axis] > 1)
    return np.asarray(g.sum(axis=axes, keepdims=True) if axes else g, like.dtype)
