"""The executable definition, in NumPy: the cells' equations, and how layers, directions and lengths unroll them.

Equations: PyTorch's (``torch.nn.RNN``, ``LSTM``, ``GRU``). Written to be read next to them; nothing here is tuned.
Every method of ``Network`` is one named step of the way from input to output, so that a deviation, which is wrong in
one step, overrides one method.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.golden.data import QuestionData
from rnn_goldens.golden.shapes import Config, state_names

Array = NDArray[Any]
State = tuple[Array, ...]
"""h, or h and c: of one layer and direction (batch, hidden), of a network (layers·directions, batch, hidden)."""

Weights = Mapping[str, Array]
"""Of a network, under PyTorch's names; of one layer and direction ``weight_ih``, ``weight_hh``, ``bias_ih``…"""


@dataclass(frozen=True, eq=False)
class Case:
    """What a network is asked.

    Attributes:
        cell: ``rnn_tanh``, ``rnn_relu``, ``lstm`` or ``gru``.
        config: layers, directions, sizes.
        weights: PyTorch's names and shapes.
        x: (batch, time, input), or (time, input).
        state: h0 (and c0), each (layers·directions, batch, hidden) or without the batch axis; zeros if not given.
        lengths: (batch,) time steps of each sequence; all of them if None.
        state_given: whether the caller gave the state.
    """

    cell: str
    config: Config
    weights: Weights
    x: Array
    state: State
    lengths: NDArray[np.int64] | None = None
    state_given: bool = True


def case_of(golden: QuestionData, dtype: DTypeLike) -> Case:
    """The question of a golden, in arrays of a type that holds its precision."""
    return Case(
        golden.cell,
        golden.config,
        {name: array.astype(dtype) for name, array in golden.weights.items()},
        golden.x.astype(dtype),
        tuple(getattr(golden, f"{name}0").astype(dtype) for name in state_names(golden.cell)),
        golden.lengths,
        golden.initial_state is not None,
    )


class Network:
    """A recurrent network; ``run`` computes it in the precision of the case's arrays."""

    # One step of each cell: x_t (batch, input), the state before, the weights of one layer and direction.

    def rnn_tanh(self, x_t: Array, state: State, w: Weights) -> State:
        """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)."""
        (h,) = state
        return (self.tanh(self.affine(x_t, w, "ih") + self.affine(h, w, "hh")),)

    def rnn_relu(self, x_t: Array, state: State, w: Weights) -> State:
        """h_t = max(0, W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)."""
        (h,) = state
        return (self.relu(self.affine(x_t, w, "ih") + self.affine(h, w, "hh")),)

    def lstm(self, x_t: Array, state: State, w: Weights) -> State:
        """c_t = f c_{t-1} + i g, h_t = o tanh(c_t); sigmoids i, f, o and tanh g of W_ih x_t + b_ih + W_hh h + b_hh."""
        h, c = state
        i, f, g, o = np.split(self.affine(x_t, w, "ih") + self.affine(h, w, "hh"), 4, axis=-1)
        c = self.sigmoid(f) * c + self.sigmoid(i) * self.tanh(g)
        return self.sigmoid(o) * self.tanh(c), c

    def gru(self, x_t: Array, state: State, w: Weights) -> State:
        """h_t = (1 - z) n + z h_{t-1}, n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} + b_hn)): reset after the product."""
        (h,) = state
        x_r, x_z, x_n = np.split(self.affine(x_t, w, "ih"), 3, axis=-1)
        h_r, h_z, h_n = np.split(self.affine(h, w, "hh"), 3, axis=-1)
        r, z = self.sigmoid(x_r + h_r), self.sigmoid(x_z + h_z)
        n = self.tanh(self.candidate(x_n, h_n, r, h, w))
        return (self.mix(n, z, h, r),)

    def candidate(self, x_n: Array, h_n: Array, r: Array, h: Array, w: Weights) -> Array:  # noqa: ARG002 - for those who reset h
        """What a GRU's tanh gets: x_n + r h_n, of W_in x_t + b_in and W_hn h_{t-1} + b_hn."""
        argument: Array = x_n + r * h_n
        return argument

    def mix(self, n: Array, z: Array, h: Array, r: Array) -> Array:  # noqa: ARG002 - for those who use r here
        """A GRU's new state: (1 - z) n + z h."""
        new: Array = (1 - z) * n + z * h
        return new

    def affine(self, v: Array, w: Weights, which: str) -> Array:
        """W v + b for each row of a batch; without b if the network has no biases."""
        product = self.product(v, w[f"weight_{which}"])
        return product + w[f"bias_{which}"] if f"bias_{which}" in w else product

    def product(self, v: Array, matrix: Array) -> Array:
        """The matrix times each row of v."""
        return (v @ matrix.T).astype(v.dtype, copy=False)

    def sigmoid(self, z: Array) -> Array:
        """1 / (1 + e^-z), in at least float32 and rounded once, as half-precision kernels do."""
        wide = z.astype(np.result_type(np.float32, z.dtype), copy=False)
        with np.errstate(over="ignore"):  # e^-z is infinite where the sigmoid is zero
            sigmoid: Array = 1 / (1 + np.exp(-wide))
        return sigmoid.astype(z.dtype)

    def tanh(self, z: Array) -> Array:
        """The hyperbolic tangent."""
        return np.tanh(z)

    def relu(self, z: Array) -> Array:
        """max(0, z)."""
        return np.maximum(z, 0)

    # One layer in one direction.

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        """Visit the times in order; a sequence takes part only within its own length."""
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
        after: State = getattr(self, case.cell)(layer_input[:, t], state, w)
        return after

    def weights(self, case: Case, suffix: str) -> Weights:
        """The weights of one layer and direction (``l0``, ``l0_reverse``, ``l1``), by their names without it."""
        end = f"_{suffix}"
        return {name.removesuffix(end): array for name, array in case.weights.items() if name.endswith(end)}

    def times(self, time: int, *, reverse: bool) -> Iterable[int]:
        """The order in which time steps are visited."""
        return reversed(range(time)) if reverse else range(time)

    def within(self, t: int, lengths: Array) -> Array:
        """Which sequences have a step t. The reverse direction thus starts at each sequence's true end."""
        return np.asarray(t < lengths)

    def emit(self, state: State, within: Array) -> Array:
        """What a step outputs: h, and zero beyond a sequence's end."""
        return np.where(within, state[0], 0)

    # The network.

    def run(self, case: Case) -> tuple[Array, ...]:
        """Return out (batch, time, directions·hidden), h_n (layers·directions, batch, hidden), and c_n for an LSTM."""
        if case.x.ndim == 2:  # noqa: PLR2004 - (time, input): a batch of one
            return self._run_unbatched(case)
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
        """The initial state of a layer and direction, counted as the states' first axis counts them."""
        return tuple(part[index] for part in case.state)

    def join(self, outs: list[Array], layer: int, case: Case) -> Array:  # noqa: ARG002 - for those who do it otherwise
        """What the directions of a layer hand to the next layer, or to the caller: forward, then reverse."""
        return np.concatenate(outs, axis=-1)

    def last_states(self, last: list[State]) -> State:
        """h_n (and c_n): the last state of every layer and direction, layer by layer."""
        return tuple(np.stack(parts) for parts in zip(*last, strict=True))

    def _run_unbatched(self, case: Case) -> tuple[Array, ...]:
        state = tuple(part[:, None] for part in case.state)
        batched = Case(case.cell, case.config, case.weights, case.x[None], state, None, case.state_given)
        out, *states = self.run(batched)
        return out[0], *(part[:, 0] for part in states)
