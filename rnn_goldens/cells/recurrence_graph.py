"""Records the graph of a recurrence, step by step or in another form; packed sequences are parts of one graph."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells.case_graph import KeptFactors, Lane, Recorded
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.recurrence import (
    RecurrenceCase,
    in_lanes,
    states_in_lanes,
    step_program,
    time_steps,
    weights_in_lanes,
)
from rnn_goldens.cells.step_program import GIVEN
from rnn_goldens.golden.states import every_shape, state_names
from rnn_goldens.golden.stored_arrays import Float64, sequence_slices

Nodes = dict[str, Node]


@dataclass(frozen=True, eq=False)
class Unrolled:
    """The results of one sequence, or of a batch of equal length.

    Attributes:
        outputs: by time step and name.
        last: the last states by name.
        kept: the factors that states keep of themselves; None in a form that does not compute them one by one.
        states: the states after every step; None in a form that does not compute them.
    """

    outputs: list[Nodes]
    last: Nodes
    kept: KeptFactors | None = None
    states: list[Nodes] | None = None


Form = Callable[[Graph, RecurrenceCase, list[Nodes], Nodes, Nodes], Unrolled]
"""Adds a case without packing to a graph: ``form(graph, case, steps, weights, states)``."""


@np.errstate(all="ignore")
def recorded_recurrence(case: RecurrenceCase, form: Form | None = None, lane: Lane | None = None) -> Recorded:
    """Return the graph of all sequences of a case: step by step or in another form.

    ``lane`` is an axis that becomes a part of the axis of heads.
    """
    config, recurrence, graph, every = case.config, case.config.recurrence, Graph(), slice(None)
    axes = {**config.inputs, **config.outputs, **recurrence.weights}
    axes |= {f"{name}{end}": of for name, of in recurrence.states.items() for end in ("0", "_n")}

    def to_lanes(name: str, part: Float64) -> Float64:
        return in_lanes(part[:, None], axes[name], config)[:, 0]

    shapes = config.shapes(recurrence.layout, case.inputs, case.offsets).every
    gradients_of = [*case.inputs, *(case.states if case.state_given else ()), *case.weights]
    names, kept = state_names(recurrence.layout, case.offsets), list[KeptFactors]()
    over_time = every_shape(recurrence.layout, shapes, case.time, case.offsets)
    axes_of_states = {array: recurrence.states[name] for array, (name, _) in names.items()}
    after_steps = Recorded(graph, over_time, axes_of_states, to_lanes, kept=kept, lane=lane)
    found = Recorded(graph, shapes, axes, to_lanes, gradients_of, kept=kept, lane=lane, states=after_steps)
    weights = {name: found.given(name, (), array) for name, array in weights_in_lanes(case).items()}
    if config.shared == 1:  # else a weight has a row for each group of heads
        graph.weights.update(node.place for node in weights.values())
    by_row = case.offsets is None and config.shared > 1 and bool(weights)
    sequences = case.rows() if by_row else case.sequences()
    slices = [slice(0, case.time)] * len(sequences) if case.offsets is None else sequence_slices(case.offsets)
    for number, (one, steps) in enumerate(zip(sequences, slices, strict=True)):
        row = every if case.offsets is None and not by_row else slice(number, number + 1)
        batch = row if by_row else every
        states = {name: found.given(f"{name}0", (row,), array) for name, array in states_in_lanes(one).items()}
        inputs = [
            {name: found.given(name, (batch, t), array) for name, array in step.items()}
            for t, step in enumerate(time_steps(one), steps.start)
        ]
        unrolled = (form or step_by_step)(graph, one, inputs, weights, states)
        for t, outputs in enumerate(unrolled.outputs, steps.start):
            for name, node in outputs.items():
                found.add_output(name, (batch, t), node)
        for name in recurrence.compared:
            found.add_output(f"{name}_n", (row,), unrolled.last[name])
        if unrolled.kept is not None:
            kept.append(unrolled.kept)
        for n, of_step in enumerate([states, *unrolled.states] if unrolled.states is not None else []):
            for array, (name, sequence) in names.items():
                if sequence in (None, number):
                    after_steps.add_output(array, (n, row) if sequence is None else (n,), of_step[name])
    return found


def step_by_step(graph: Graph, case: RecurrenceCase, steps: list[Nodes], weights: Nodes, states: Nodes) -> Unrolled:
    """Add the step form: the equations, one time step after the other."""
    recurrence, program = case.config.recurrence, step_program(case)
    outputs: list[Nodes] = []
    factors: list[list[int]] = []
    visited: list[Nodes] = []
    for step in steps:
        first = len(graph.values)
        nodes = graph.step(program, [*step.values(), *weights.values(), *states.values()])
        results = [nodes[place] for place in program.after]
        outputs.append(dict(zip(recurrence.outputs, results, strict=False)))
        states = dict(zip(states, results[len(recurrence.outputs) :], strict=True))
        graph.carried.update(node.place for node in states.values() if node.operation is not GIVEN)
        added = enumerate(graph.operations[first:], first)
        factors.append([place for place, operation in added if operation.primitive == "kept_factor"])
        visited.append(states)
    first_states = [next(iter(of_step.values())).place for of_step in visited]
    return Unrolled(outputs, states, KeptFactors(factors, first_states), visited)
