"""The executable definition, in NumPy: each cell's equations, and how layers, directions and lengths unroll them.

Equations: PyTorch's (``torch.nn.RNN``). Written to be read next to them; nothing here is tuned.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.shapes import Config, state_names

Array = NDArray[Any]
State = tuple[Array, ...]
"""h of one layer and direction, (batch, hidden); for an LSTM h and c."""

Step = Callable[[Array, State, Mapping[str, Array]], State]
"""(x_t, state, weights) → state, with weights named ``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``."""


def rnn_tanh(x_t: Array, state: State, w: Mapping[str, Array]) -> State:
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)."""
    (h,) = state
    return (np.tanh(affine(x_t, w, "ih") + affine(h, w, "hh")),)


def rnn_relu(x_t: Array, state: State, w: Mapping[str, Array]) -> State:
    """h_t = max(0, W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)."""
    (h,) = state
    return (np.maximum(affine(x_t, w, "ih") + affine(h, w, "hh"), 0),)


def affine(rows: Array, w: Mapping[str, Array], which: str) -> Array:
    """W rows + b, for each row of a batch; without b if the network has no biases."""
    product = rows @ w[f"weight_{which}"].T
    return product + w[f"bias_{which}"] if f"bias_{which}" in w else product


STEPS: dict[str, Step] = {"rnn_tanh": rnn_tanh, "rnn_relu": rnn_relu}


def run(
    cell: str, config: Config, weights: Mapping[str, Array], x: Array, state0: State, lengths: Array | None = None
) -> tuple[Array, State]:
    """Run a network over a batch of sequences, in the precision of its arrays.

    Args:
        cell: a name in ``STEPS``.
        config: layers, directions, sizes.
        weights: PyTorch's names and shapes.
        x: (batch, time, input), or (time, input).
        state0: h0 (and c0), each (layers·directions, batch, hidden), or without the batch axis.
        lengths: (batch,) time steps of each sequence; all of them if None.

    Returns:
        out (batch, time, directions·hidden), zero beyond a sequence's end, and the last states, shaped like state0.
    """
    if x.ndim == 2:  # noqa: PLR2004 - (time, input): a batch of one
        out, state_n = run(cell, config, weights, x[None], tuple(s[:, None] for s in state0), lengths)
        return out[0], tuple(s[:, 0] for s in state_n)
    if lengths is None:
        lengths = np.full(len(x), x.shape[1])
    last_states: list[State] = []
    layer_input = x
    for layer in range(config.num_layers):
        outs = []
        for suffix in config.suffixes[layer * config.num_directions :][: config.num_directions]:
            start = tuple(s[len(last_states)] for s in state0)
            out, last = unroll(STEPS[cell], _of(weights, suffix), layer_input, start, lengths, _times(x, suffix))
            outs.append(out)
            last_states.append(last)
        layer_input = np.concatenate(outs, axis=-1)
    return layer_input, tuple(np.stack([last[i] for last in last_states]) for i in range(len(state_names(cell))))


def unroll(
    step: Step, w: Mapping[str, Array], x: Array, state: State, lengths: Array, times: Iterable[int]
) -> tuple[Array, State]:
    """One layer in one direction: visit the times in order; a sequence takes part only within its own length."""
    out = np.zeros((*x.shape[:2], state[0].shape[-1]), dtype=x.dtype)
    for t in times:
        within = (t < lengths)[:, None]
        state = tuple(np.where(within, new, old) for new, old in zip(step(x[:, t], state, w), state, strict=True))
        out[:, t] = np.where(within, state[0], 0)
    return out, state


def _times(x: Array, suffix: str) -> Iterable[int]:
    times = range(x.shape[1])
    return reversed(times) if suffix.endswith("_reverse") else times


def _of(weights: Mapping[str, Array], suffix: str) -> dict[str, Array]:
    """The weights of one layer and direction, by their names without the suffix."""
    return {name.removesuffix(f"_{suffix}"): array for name, array in weights.items() if name.endswith(f"_{suffix}")}
