"""The forward pass of a recurrence: its equations unrolled over time, for all lanes at once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.cells import recurrence_equations as equations
from rnn_goldens.cells.custom_recurrences import recurrence_of_file
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.notation import MATRIX, Operand, Term, rsqrt_of
from rnn_goldens.cells.numpy_primitives import Arithmetic, Array
from rnn_goldens.cells.recurrence_notation import Equations
from rnn_goldens.cells.step_program import Operation, Program, written
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.recurrences import LANE_AXES, RECURRENCES
from rnn_goldens.golden.stored_arrays import sequence_slices

Arrays = Mapping[str, Array]

EQUATIONS: Mapping[str, Equations] = {
    **dict.fromkeys(
        ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta"), equations.linear_attention
    ),
    **{name: getattr(equations, name) for name in RECURRENCES if hasattr(equations, name)},
}
"""The equations of each recurrence."""


def equations_of(cell: str) -> Equations:
    """Return the equations of a built-in or custom recurrence. Raises WrongUse as ``recurrence_of_file``."""
    return EQUATIONS[cell] if cell in EQUATIONS else recurrence_of_file(cell).equations


@dataclass(frozen=True, eq=False)
class RecurrenceCase:
    """The inputs of a recurrence as arrays of one precision.

    Attributes:
        cell: the name of the recurrence.
        config: sizes and options.
        inputs: (batch, time, …) by name; (1, all time steps, …) for packed sequences.
        weights: by name.
        states: the initial states by name, ``S0``: (sequences, …); zeros if the caller passed none.
        offsets: (sequences + 1,), where each packed sequence starts, and the end of the last one; None without packing.
        state_given: whether the caller passed initial states.
    """

    cell: str
    config: RecurrenceConfig
    inputs: Arrays
    weights: Arrays
    states: Arrays
    offsets: NDArray[np.int64] | None = None
    state_given: bool = True

    @property
    def time(self) -> int:
        """The number of time steps."""
        return int(next(iter(self.inputs.values())).shape[1])

    def sequences(self) -> list["RecurrenceCase"]:
        """Return a case for each packed sequence; this case alone without packing."""
        if self.offsets is None:
            return [self]
        slices = enumerate(sequence_slices(self.offsets))
        return [self._part((slice(None), steps), slice(k, k + 1)) for k, steps in slices]

    def rows(self) -> list["RecurrenceCase"]:
        """Return a case for each row of the batch."""
        rows = (slice(k, k + 1) for k in range(len(next(iter(self.inputs.values())))))
        return [self._part((row,), row) for row in rows]

    def _part(self, of_inputs: tuple[slice, ...], of_states: slice) -> "RecurrenceCase":
        inputs = {name: array[of_inputs] for name, array in self.inputs.items()}
        states = {name: array[of_states] for name, array in self.states.items()}
        return replace(self, inputs=inputs, states=states, offsets=None)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the arrays."""
        return next(iter(self.inputs.values())).dtype

    def scaled(self, by: float) -> "RecurrenceCase":
        """Return the case with inputs times a number."""
        return replace(self, inputs={name: array * self.dtype.type(by) for name, array in self.inputs.items()})

    def with_arrays(self, **arrays: Array) -> "RecurrenceCase":
        """Return the case with other inputs, weights or initial states, by name."""
        return self._changed(arrays.get)

    def moved(self, by: Arrays) -> "RecurrenceCase":
        """Return the case with differences added to some of its arrays, by name."""
        return self._changed(lambda name, array: array + by[name] if name in by else array)

    def astype(self, dtype: DTypeLike) -> "RecurrenceCase":
        """Return the case with arrays of another type."""
        return self._changed(lambda _, array: array.astype(dtype))

    def _changed(self, change: Callable[[str, Array], Array]) -> "RecurrenceCase":
        parts = (self.inputs, self.weights, self.states)
        inputs, weights, states = ({name: change(name, array) for name, array in part.items()} for part in parts)
        return replace(self, inputs=inputs, weights=weights, states=states)


def recurrence_case(golden: InputsData, dtype: DTypeLike) -> RecurrenceCase:
    """Return the inputs of a golden of a recurrence as arrays of a type."""
    case = RecurrenceCase(
        golden.cell,
        golden.recurrence,
        golden.inputs,
        golden.weights,
        golden.states,
        golden.offsets,
        bool(golden.stored.states),
    )
    return case.astype(dtype)


def packed(found: Sequence[Arrays], config: RecurrenceConfig) -> dict[str, Array]:
    """Return the outputs of packed sequences: outputs one after the other in time, last states by sequence."""
    if len(found) == 1:
        return dict(found[0])
    return {
        name: np.concatenate([one[name] for one in found], axis=1 if name in config.outputs else 0) for name in found[0]
    }


# Lanes: arrays of (batch, heads, rows, columns). The heads of a key head are lanes of a sequence of their own: batch is
# (batch, key_heads), and heads are those of one key head, which share one query and one key. The channels of a group
# are the rows of a head. An array that all heads share has one.


def time_steps(case: RecurrenceCase) -> list[dict[str, Array]]:
    """Return the inputs of each time step by name, in lanes."""
    steps = {name: in_lanes(array, case.config.inputs[name], case.config) for name, array in case.inputs.items()}
    return [{name: array[:, t] for name, array in steps.items()} for t in range(case.time)]


def states_in_lanes(case: RecurrenceCase) -> dict[str, Array]:
    """Return the initial states by name of the state, in lanes."""
    axes = case.config.recurrence.states
    return {name: in_lanes(case.states[f"{name}0"][:, None], axes[name], case.config)[:, 0] for name in axes}


def weights_in_lanes(case: RecurrenceCase) -> dict[str, Array]:
    """Return the weights by name, in lanes: one batch row, which all share; a row for each group of heads."""
    axes = case.config.recurrence.weights
    return {name: in_lanes(case.weights[name][None, None], axes[name], case.config)[:, 0] for name in axes}


def weights_of_rows(case: RecurrenceCase) -> dict[str, Array]:
    """Return the weights by name, in lanes, with a row for each of the groups of heads of each row of the batch."""
    rows = len(next(iter(case.inputs.values()))) if case.config.shared > 1 else 1
    return {name: np.tile(array, (rows, 1, 1, 1)) for name, array in weights_in_lanes(case).items()}


def in_lanes(array: Array, axes: str, config: RecurrenceConfig) -> Array:
    """Return (batch, time, …) as (batch, time, heads, rows, columns). The queries of a head are columns."""
    names, shared = axes.split(), config.shared
    if names[0] not in LANE_AXES:
        array, names = _split(array, config.get("groups", 1)), ["", *names]
    if shared > 1 or "key_heads" in config:
        array = _split(array, shared).swapaxes(1, 2)
        array = array.reshape(array.shape[0] * shared, *array.shape[2:])
    elif names[0] == "query_heads":
        return _split(array, config["heads"]).swapaxes(-1, -2)
    return array.reshape(*array.shape[:3], *(array.shape[3:] or (1,)), *((1,) if len(names) <= 2 else ()))  # noqa: PLR2004


def _split(array: Array, parts: int) -> Array:
    """Return (batch, time, places, …) as (batch, time, parts, places of a part, …)."""
    return array.reshape(*array.shape[:2], parts, array.shape[2] // parts, *array.shape[3:])


def from_lanes(array: Array, axes: str, config: RecurrenceConfig) -> Array:
    """Return (…, batch, heads, rows, columns) as (…, batch, *axes): for one time step."""
    *leading, batch = array.shape[:-3]
    return in_order(array, axes).reshape(*leading, batch // config.shared, *config.shape(axes))


def in_order(array: Array, axes: str) -> Array:
    """Return (…, batch, heads, rows, columns) with elements in the order of axes."""
    return array.swapaxes(-1, -2) if axes.startswith("query_heads") else array


# Equations.


def scale_of(config: RecurrenceConfig) -> Operand | None:
    """Return the factor of an attention's output: the option, or 1 / √d_k; None for other recurrences."""
    if "scale" not in config.recurrence.options:
        return None
    if (scale := config.option("scale")) is not None:
        return Fraction(scale)
    size = config["d_k"]
    return Fraction(1, isqrt(size)) if isqrt(size) ** 2 == size else rsqrt_of(size)


@lru_cache(maxsize=4096)
def _program(equations: Equations, names: tuple[str, ...], options: tuple[tuple[str, Any], ...]) -> Program:
    terms = {name: Term("input", units=MATRIX) for name in names}
    outputs, states = equations(**terms, **dict(options))
    return written(list(terms.values()), (*outputs, *states))


def constants(config: RecurrenceConfig) -> dict[str, Any]:
    """Return the arguments of equations that are options: numbers, and whether there is an activation."""
    found = {name: config.option(name) for name in config.recurrence.options if name not in ("decay", "gate")}
    if "scale" in found:
        found["scale"] = scale_of(config)
    if "activation" in found:
        found["silu"] = found.pop("activation") == "silu"
    return found


def step_program(
    case: RecurrenceCase, equations: Equations | None = None, names: tuple[str, ...] | None = None
) -> Program:
    """Return the program of one time step: its results are the outputs, then the states after the step.

    Other equations than those of the recurrence may have arguments of other names.
    """
    config, options = case.config, constants(case.config)
    arguments = (*config.inputs, *config.recurrence.weights, *config.recurrence.states)
    return _program(equations or equations_of(case.cell), names or arguments, tuple(options.items()))


class _Stages(NamedTuple):
    """The operations of a program, with their places, by when they are computed.

    Attributes:
        before: those that do not depend on the states: for all time steps at once.
        during: those that depend on them, and that the next states need: step by step.
        after: the other ones: for all time steps at once.
        read: places that ``during`` needs of what varies in time.
        recorded: places of states and ``during`` that ``after`` or the outputs need.
    """

    before: list[tuple[int, Operation]]
    during: list[tuple[int, Operation]]
    after: list[tuple[int, Operation]]
    read: set[int]
    recorded: set[int]


@lru_cache(maxsize=4096)
def _stages(program: Program, inputs: int, states: tuple[str, ...]) -> _Stages:
    first, operations = program.inputs - len(states), list(enumerate(program.operations, program.inputs))
    outputs, names = program.after[: -len(states)], dict(zip(program.after[-len(states) :], states, strict=True))
    varying, carried, needed = set(range(inputs)), set(range(first, program.inputs)), set(names)
    for place, operation in reversed(operations):
        needed.update(operation.of if place in needed else ())
    before, during, after = (list[tuple[int, Operation]]() for _ in range(3))
    for place, operation in operations:
        if carried.isdisjoint(operation.of):
            before.append((place, operation))
            varying.update([place] if not varying.isdisjoint(operation.of) else ())
        elif place in needed:
            during.append((place, operation))
            if place in names:
                during.append((place, Operation("stored", (place,), detail=(names[place],))))
            carried.add(place)
        else:
            after.append((place, operation))
            carried.add(place)
    looped = {*range(first, program.inputs), *(place for place, _ in during)}
    return _Stages(before, during, after, {*names, *_read(during)} & varying, {*outputs, *_read(after)} & looped)


def _read(operations: Iterable[tuple[int, Operation]]) -> set[int]:
    return {place for _, operation in operations for place in operation.of}


RIGHT = MatrixArithmetic()


def run(case: RecurrenceCase, operations: Arithmetic = RIGHT, equations: Equations | None = None) -> dict[str, Array]:
    """Return the outputs and the compared last states of a case, computed in the type of its arrays.

    What does not depend on the states, or the states do not depend on, is computed for all time steps at once: its
    arrays have a leading axis of time. ``equations`` are other ones than those of the recurrence.
    """
    found = []
    for one in case.sequences():
        outputs, states = _unrolled(one, operations, equations)
        last = _from_lanes(states[-1], case.config, case.config.recurrence.compared)
        found.append(outputs | {f"{name}_n": array for name, array in last.items()})
    return packed(found, case.config)


def with_states(case: RecurrenceCase) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the outputs of a case without packing, and its states before and after each step, (time + 1, batch, …)."""
    outputs, states = _unrolled(case, RIGHT, None)
    names = tuple(case.config.recurrence.states)
    steps = [_from_lanes(of_step, case.config, names) for of_step in states]
    return outputs, {name: np.stack([step[name] for step in steps]) for name in names}


def _from_lanes(states: Sequence[Array], config: RecurrenceConfig, names: Collection[str]) -> dict[str, Array]:
    """Return some of the states: wrong equations may give others the wrong shape."""
    axes = config.recurrence.states
    return {name: from_lanes(of, axes[name], config) for name, of in zip(axes, states, strict=True) if name in names}


def _unrolled(
    case: RecurrenceCase, operations: Arithmetic, equations: Equations | None
) -> tuple[dict[str, Array], list[list[Array]]]:
    """Return the outputs, and the states before and after each step, in lanes."""
    program, config, recurrence = step_program(case, equations), case.config, case.config.recurrence
    stages, count = _stages(program, len(case.inputs), tuple(recurrence.states)), len(recurrence.states)
    inputs = [in_lanes(case.inputs[name], axes, config).swapaxes(0, 1) for name, axes in config.inputs.items()]
    values: list[Any] = [*inputs, *weights_of_rows(case).values(), *states_in_lanes(case).values()]
    values += [None] * len(program.operations)

    def compute(values: list[Any], of: Sequence[tuple[int, Operation]]) -> None:
        for place, operation in of:
            arguments = [values[k] for k in operation.of]
            values[place] = getattr(operations, operation.primitive)(*arguments, *operation.detail)

    compute(values, stages.before)
    step, recorded = list(values), {place: list[Array]() for place in stages.recorded}
    own = slice(program.inputs - count, program.inputs)
    states = [step[own]]
    for t in range(case.time):
        for place in stages.read:
            step[place] = values[place][t]
        compute(step, stages.during)
        for place, found in recorded.items():
            found.append(step[place])
        step[own] = [step[place] for place in program.after[-count:]]
        states.append(step[own])
    for place, found in recorded.items():
        values[place] = np.stack(found)
    compute(values, stages.after)
    outputs = {
        name: from_lanes(values[place], axes, config).swapaxes(0, 1)
        for place, (name, axes) in zip(program.after, config.outputs.items(), strict=False)
    }
    return outputs, states
