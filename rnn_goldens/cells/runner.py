"""Calls computed by the definition, one after the other, with the states that are kept between them.

Every method of ``Runner`` is one named part, so that a deviation overrides one method.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rnn_goldens.cells import integer_lstm
from rnn_goldens.cells.network import Network, case_of
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case, with_states
from rnn_goldens.golden.call import NO_PLACE, SNAPSHOTS, Call
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.stored_arrays import sequence_slices

States = Mapping[str, Array]
"""By name of an initial state: that of each sequence, or a pool of states."""


class Runner:
    """A right implementation: computes calls in float64, and keeps the states that each call leaves."""

    def __init__(self) -> None:
        self.kept: States = {}

    @np.errstate(all="ignore")
    def __call__(self, inputs: InputsData) -> dict[str, Array]:
        """Return the outputs and last states by name, the pool in place of the last states, and snapshots if asked."""
        before = {name: array.astype(np.float64) for name, array in self.states(inputs).items()}
        if inputs.is_network:
            return self.network(inputs, before)
        return self.integers(inputs, before) if inputs.is_integer else self.recurrence(inputs, before)

    def last(self) -> States:
        """The states that the last call left."""
        return self.kept

    def states(self, inputs: InputsData) -> States:
        """The states before a call: the kept ones if it continues the last call, else the given ones."""
        if inputs.call.continues:
            return self.last()
        return inputs.states

    def network(self, inputs: InputsData, states: States) -> dict[str, Array]:
        """Run a network from some states."""
        start = self.given(states, inputs.time)
        outputs = Network().run(replace(case_of(inputs, np.float64), state=tuple(start.values())))
        self.kept = self.left(states, dict(zip(states, outputs[1:], strict=True)), inputs.time)
        return dict(zip(inputs.layout.outputs, outputs, strict=True))

    def integers(self, inputs: InputsData, states: States) -> dict[str, Array]:
        """Run an integer LSTM from some states, of which an h at its zero point stands for zero."""
        zero = inputs.config.zero_of("h0")
        start = dict(self.given({**states, "h0": states["h0"] - zero}, inputs.time))
        start["h0"] = start["h0"] + zero
        found = integer_lstm.run(replace(recurrence_case(inputs, np.float64), states=start))
        self.kept = self.left(states, {name: found[f"{name[0]}_n"] for name in states}, inputs.time)
        return found

    def left(self, before: States, after: States, time: int) -> States:  # noqa: ARG002 - for overrides
        """The states that a call of so many time steps leaves for one that continues it."""
        return after

    def given(self, states: States, time: int) -> States:  # noqa: ARG002 - for overrides
        """The states that so many time steps start from, of the states before them."""
        return states

    def recurrence(self, inputs: InputsData, pool: dict[str, Array]) -> dict[str, Array]:
        """Run each sequence of a recurrence from its state in a pool, and write the states after it."""
        call, sequences = inputs.call, list(_sequences(inputs, pool))
        before = {name: array.copy() for name, array in pool.items()}
        times = [case.time for case in sequences]
        outputs, states = list[dict[str, Array]](), list[States]()
        for number, case in enumerate(sequences):
            start = self.start(call, number, times, pool)
            of_steps, of_states = self.computed(case, start, self.updating(call, number, case.time))
            outputs.append(of_steps)
            states.append(of_states)
            for step, place in self.written(call, number, times):
                if (to := self.place(place, _size(pool))) is not None:
                    for name, array in pool.items():
                        array[to] = of_states[name][step]
        self.kept = self.left(before, pool, max(times))
        found = _joined(outputs, is_packed=inputs.offsets is not None)
        found |= {f"{name}_n": pool[f"{name}0"] for name in inputs.recurrence.recurrence.compared}
        if call.snapshot_every:
            taken = self.snapshots(times, call.snapshot_every)
            (name,) = pool
            found[SNAPSHOTS] = np.stack([states[k][name][step] for k, step in taken])
        return found

    # Places of states.

    def place(self, index: int, size: int) -> int | None:  # noqa: ARG002 - for overrides
        """The place in a pool of some size that an index stands for; None for a row of padding."""
        return None if index == NO_PLACE else index

    def read_from(self, call: Call, number: int, times: Sequence[int]) -> int:  # noqa: ARG002 - for overrides
        """The index of the place that a sequence's state is read from, given the steps of each sequence."""
        if call.state_indices is None:
            return number
        if call.num_accepted_tokens is None:
            return int(np.atleast_1d(call.state_indices[number])[0])
        return int(call.state_indices[number, self.accepted(call, number) - 1])

    def accepted(self, call: Call, number: int) -> int:
        """The number of accepted steps of a sequence in the call before."""
        assert call.num_accepted_tokens is not None
        return int(call.num_accepted_tokens[number])

    def written(self, call: Call, number: int, times: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The numbers of steps after which a sequence's state is written, each with the index of its place."""
        if call.state_indices is None:
            yield times[number], number
        elif call.state_indices.ndim == 1:
            yield times[number], int(call.state_indices[number])
        else:
            of_steps = zip(range(1, times[number] + 1), call.state_indices[number], strict=False)
            yield from ((step, int(place)) for step, place in of_steps)

    def start(self, call: Call, number: int, times: Sequence[int], pool: States) -> States:
        """The state that a sequence starts from: zero for one that begins, and for a row of padding."""
        place = self.place(self.read_from(call, number, times), _size(pool))
        if place is None or not self.has_state(call, number, times):
            return {name: np.zeros_like(array[:1]) for name, array in pool.items()}
        return self.given({name: array[place][None].copy() for name, array in pool.items()}, times[number])

    def has_state(self, call: Call, number: int, times: Sequence[int]) -> bool:  # noqa: ARG002 - for overrides
        """Whether a sequence has a state already."""
        return call.has_initial_state is None or bool(call.has_initial_state[number])

    # Time steps.

    def updating(self, call: Call, number: int, time: int) -> Array:
        """The steps of a sequence that are no padding: they update its state."""
        return np.arange(time) if call.mask is None else np.flatnonzero(call.mask[number])

    def computed(self, case: RecurrenceCase, start: States, steps: Array) -> tuple[dict[str, Array], States]:
        """The outputs of a sequence, zero at padding, and its states before and after each step."""
        config, names = case.config, case.config.recurrence.states
        outputs = {name: np.zeros((1, case.time, *config.shape(axes))) for name, axes in config.outputs.items()}
        states = {f"{name}0": np.repeat(start[f"{name}0"], case.time + 1, 0) for name in names}
        if len(steps):
            inputs = {name: array[:, steps] for name, array in case.inputs.items()}
            found, of_states = with_states(replace(case, inputs=inputs, states=start))
            for name, array in found.items():
                outputs[name][:, steps] = array
            for name, array in of_states.items():
                states[f"{name}0"] = array[np.searchsorted(steps, np.arange(case.time + 1)), 0]
        return outputs, states

    def snapshots(self, times: Sequence[int], every: int) -> list[tuple[int, int]]:
        """The sequence and the number of its steps of each snapshot, given the steps of each sequence."""
        return [(k, step) for k, time in enumerate(times) for step in range(every, time + 1, every)]


def _size(pool: States) -> int:
    return len(next(iter(pool.values())))


def _sequences(inputs: InputsData, pool: States) -> Iterator[RecurrenceCase]:
    """Yield a case for each packed sequence or row of the batch; its states are those of nobody."""
    whole = replace(recurrence_case(inputs, np.float64), states={name: array[:1] for name, array in pool.items()})
    arrays = whole.inputs
    if inputs.offsets is None:
        slices = [(slice(k, k + 1), slice(None)) for k in range(inputs.sequences)]
    else:
        slices = [(slice(None), steps) for steps in sequence_slices(inputs.offsets)]
    for row, steps in slices:
        yield replace(whole, inputs={name: array[row, steps] for name, array in arrays.items()}, offsets=None)


def _joined(outputs: Sequence[dict[str, Array]], *, is_packed: bool) -> dict[str, Array]:
    axis = 1 if is_packed else 0
    return {name: np.concatenate([one[name] for one in outputs], axis) for name in outputs[0]}
