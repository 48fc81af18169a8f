"""Handwritten backward passes of a step, one for each cell. They group factors differently than derived passes.

They use only x and the state before each step from the forward pass and recompute the gates, as kernels that save
memory do.
"""

from typing import NamedTuple

import numpy as np

from benchmarks.summation import Array
from rnn_goldens.cells import Backward, Case, State, Weights
from rnn_goldens.cells.backward import Block, Factors
from rnn_goldens.errors import Unsupported


class _Back(NamedTuple):
    """Cotangents of W_ih x + b_ih, of W_hh h + b_hh, and of the previous state except for the part through W_hh."""

    of_input: Array
    of_state: Array
    state: State


class Handwritten(Backward):
    """A network whose backward pass of a step is defined in ``_BACK``."""

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: dict[Block, list[Factors]]
    ) -> tuple[Array, State]:
        """Return the cotangents of x and of the state before a step; adds to ``factors``. Raises Unsupported."""
        if case.cell.name not in _BACK:
            raise Unsupported(f"no backward pass of {case.cell.name} is written by hand")
        x, *state = self.kept[suffix, t][: 1 + len(d_after)]
        sums = [self.product(v, w[f"weight_{which}"]) for which, v in (("ih", x), ("hh", state[0]))]
        if "bias_ih" in w:
            sums = [z + w[f"bias_{which}"] for z, which in zip(sums, ("ih", "hh"), strict=True)]
        back = _BACK[case.cell.name](self, sums[0], sums[1], tuple(state), d_after)
        for which, g, v in (("ih", back.of_input, x), ("hh", back.of_state, state[0])):
            factors[f"weight_{which}", 0, 1].append((g, v))
            if f"bias_{which}" in w:
                factors[f"bias_{which}", 0, 1].append((g, None))
        d_h = self.transposed(back.of_state, w["weight_hh"], 0, 1)
        d_h = d_h + back.state[0] if back.state[0].any() else d_h
        return self.transposed(back.of_input, w["weight_ih"], 0, 1), (d_h, *back.state[1:])


def _rnn_tanh(network: Backward, of_input: Array, of_state: Array, state: State, d: State) -> _Back:
    """Compute g - g h² instead of g (1 - h²)."""
    h = network.tanh(of_input + of_state)
    g = d[0] - d[0] * h * h
    return _Back(g, g, (np.zeros_like(state[0]),))


def _rnn_relu(network: Backward, of_input: Array, of_state: Array, state: State, d: State) -> _Back:
    """Test whether the result is positive instead of the argument."""
    g = d[0] * (network.relu(of_input + of_state) > 0).astype(d[0].dtype)
    return _Back(g, g, (np.zeros_like(state[0]),))


def _lstm(network: Backward, of_input: Array, of_state: Array, state: State, d: State) -> _Back:
    """Multiply the slopes factor by factor."""
    z_i, z_f, z_g, z_o = np.split(of_input + of_state, 4, axis=-1)
    i, f, o, g = network.sigmoid(z_i), network.sigmoid(z_f), network.sigmoid(z_o), network.tanh(z_g)
    tanh_c = network.tanh(f * state[1] + i * g)
    d_tanh = d[0] * o
    d_c = d[1] + (d_tanh - d_tanh * tanh_c * tanh_c)
    d_i, d_f, d_o = d_c * g * i * (1 - i), d_c * state[1] * f * (1 - f), d[0] * tanh_c * o * (1 - o)
    d_g = d_c * i
    gates = np.concatenate([d_i, d_f, d_g - d_g * g * g, d_o], axis=-1)
    return _Back(gates, gates, (np.zeros_like(state[0]), d_c * f))


def _gru(network: Backward, of_input: Array, of_state: Array, state: State, d: State) -> _Back:
    """Compute the update gate's gradient as torch's kernel does: g (h - n) z (1 - z), factor by factor."""
    (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(of_input, 3, axis=-1), np.split(of_state, 3, axis=-1)
    r, z = network.sigmoid(x_r + h_r), network.sigmoid(x_z + h_z)
    n = network.tanh(x_n + r * h_n)
    d_n = d[0] * (1 - z)
    d_n = d_n - d_n * n * n
    d_z, d_r = d[0] * (state[0] - n) * z * (1 - z), d_n * h_n * r * (1 - r)
    gates, of_r_n = np.concatenate([d_r, d_z, d_n], axis=-1), np.concatenate([d_r, d_z, d_n * r], axis=-1)
    return _Back(gates, of_r_n, (d[0] * z,))


_BACK = {"rnn_tanh": _rnn_tanh, "rnn_relu": _rnn_relu, "lstm": _lstm, "gru": _gru}
