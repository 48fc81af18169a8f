"""Recurrences of models with another attention inside their equations, on arrays."""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.chunked import around_attention, attention_config
from rnn_goldens.cells.recurrence import (
    RIGHT,
    RecurrenceCase,
    from_lanes,
    in_lanes,
    states_in_lanes,
    weights_of_rows,
)
from rnn_goldens.cells.step_program import Program
from rnn_goldens.deviations.recurrences.edits import Outputs, Wrong


def inside(case: RecurrenceCase, attention: Wrong) -> Outputs:
    """Return the outputs of a recurrence of models with another attention inside its equations."""
    config = case.config
    before, after, taken, scale = around_attention(case)
    inputs = [in_lanes(case.inputs[name], axes, config).swapaxes(0, 1) for name, axes in config.inputs.items()]
    arguments = [*inputs, *weights_of_rows(case).values(), *states_in_lanes(case).values()]
    given = dict(zip(taken, _computed(before, arguments), strict=True))
    S, of_steps = given.pop("S"), (case.time, *given["v"].shape[1:3])
    of = {name: np.broadcast_to(array, (*of_steps, *array.shape[-2:])) for name, array in given.items()}
    by_key = "g" in of and of["g"].shape[-2] > 1
    d_k, d_v = S.shape[-2:]
    own = attention_config(of, by_key=by_key, heads=of_steps[2], d_k=d_k, d_v=d_v, scale=scale)
    numbers = {"beta"} if by_key else {"beta", "g"}
    columns = {name: (a[..., 0, 0] if name in numbers else a[..., 0]).swapaxes(0, 1) for name, a in of.items()}
    found = attention(RecurrenceCase(own.cell, own, columns, {}, {"S0": S}))
    *results, last = _computed(after, [*arguments, found["o"].swapaxes(0, 1)[..., None], found["S_n"]])
    outputs = {
        name: from_lanes(array, axes, config).swapaxes(0, 1)
        for array, (name, axes) in zip(results, config.outputs.items(), strict=True)
    }
    ((state, axes),) = config.recurrence.states.items()
    return outputs | {f"{state}_n": from_lanes(last, axes, config)}


def _computed(program: Program, arguments: Sequence[Array]) -> list[Array]:
    values = list(arguments)
    for operation in program.operations:
        values.append(getattr(RIGHT, operation.primitive)(*(values[k] for k in operation.of), *operation.detail))
    return [values[place] for place in program.after]
