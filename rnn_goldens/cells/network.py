"""The forward pass of a network: a cell unrolled over time, layers, directions and lengths.

Every method of ``Network`` is one named part of the computation, so that a deviation overrides one method. The
primitives of ``Arithmetic`` can be overridden as well.
"""

from collections.abc import Iterable

import numpy as np

from rnn_goldens.cells.case import Case
from rnn_goldens.cells.cell import Cell
from rnn_goldens.cells.numpy_primitives import Arithmetic, Array, State, Weights


class Network(Arithmetic):
    """A recurrent network. ``run`` computes in the precision of the case's arrays."""

    # One layer in one direction.

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        """Visit the time steps in order, and each sequence only within its length."""
        w = self.weights(case, suffix)
        out = np.zeros((*layer_input.shape[:2], state[0].shape[-1]), dtype=layer_input.dtype)
        for t in self.times(layer_input.shape[1], reverse=suffix.endswith("_reverse")):
            within = self.within(t, lengths)[:, None]
            new = self.step(case, suffix, w, layer_input, t, state)
            state = tuple(np.where(within, after, before) for after, before in zip(new, state, strict=True))
            out[:, t] = self.emit(state, within)
        return out, state

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:  # noqa: ARG002
        """The state after time step t."""
        program = self.cell(case).program(w)
        values = program.computed(self, [layer_input[:, t], *state], w)
        return tuple(values[k] for k in program.after)

    def cell(self, case: Case) -> Cell:
        """The cell of the network."""
        return case.cell

    def weights(self, case: Case, suffix: str) -> Weights:
        """The weights of one layer and direction (``l0``, ``l0_reverse``, ``l1``), by names without the suffix."""
        end = f"_{suffix}"
        return {name.removesuffix(end): array for name, array in case.weights.items() if name.endswith(end)}

    def times(self, time: int, *, reverse: bool) -> Iterable[int]:
        """The order in which time steps are visited."""
        return reversed(range(time)) if reverse else range(time)

    def within(self, t: int, lengths: Array) -> Array:
        """Mask of the sequences that have step t: the reverse direction starts at the end of each sequence."""
        return np.asarray(t < lengths)

    def emit(self, state: State, within: Array) -> Array:
        """The output of a step: h, and zero beyond the end of a sequence."""
        return np.where(within, state[0], np.zeros_like(state[0]))  # NumPy 1 cannot mix 0 and bfloat16

    # The network.

    def run(self, case: Case) -> tuple[Array, ...]:
        """Return out (batch, time, directions·hidden), h_n (layers·directions, batch, hidden), and c_n for an LSTM."""
        if not case.batched:
            out, *states = self.run(case.as_batch())
            return out[0], *(part[:, 0] for part in states)
        lengths = np.full(len(case.x), case.x.shape[1]) if case.lengths is None else case.lengths
        last: list[State] = []
        layer_input = case.x
        for layer in range(case.config.num_layers):
            outs = []
            for suffix in case.config.layers[layer]:
                out, state = self.unroll(case, suffix, layer_input, self.start(case, len(last)), lengths)
                outs.append(out)
                last.append(state)
            layer_input = self.join(outs, layer, case)
        return layer_input, *self.last_states(last)

    def start(self, case: Case, index: int) -> State:
        """The initial state of a layer and direction, by its index on the first axis of the states."""
        return tuple(part[index] for part in case.state)

    def join(self, outs: list[Array], layer: int, case: Case) -> Array:  # noqa: ARG002 - for overrides
        """The output of a layer, for the next layer or the caller: forward direction, then reverse."""
        return np.concatenate(outs, axis=-1)

    def last_states(self, last: list[State]) -> State:
        """h_n (and c_n): the last state of every layer and direction, layer by layer."""
        return tuple(np.stack(parts) for parts in zip(*last, strict=True))
