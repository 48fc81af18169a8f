"""A recurrent network in torch operations, step by step: a source to be edited, right as it is."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn, relu, sigmoid, tanh

State = tuple[Tensor, ...]
"""(h,), or (h, c) of an LSTM; of one layer in one direction (batch, hidden)."""


class Weights(NamedTuple):
    """Of one layer in one direction; biases of zeros where it has none."""

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor
    b_hh: Tensor


def step(cell: str, w: Weights, x: Tensor, state: State) -> State:
    """The state one time step later."""
    h = state[0]
    from_x = F.linear(x, w.w_ih, w.b_ih)
    from_h = F.linear(h, w.w_hh, w.b_hh)
    if cell == "rnn_tanh":
        return (tanh(from_x + from_h),)
    if cell == "rnn_relu":
        return (relu(from_x + from_h),)
    if cell == "lstm":
        i, f, g, o = (from_x + from_h).chunk(4, dim=1)
        c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
        return (sigmoid(o) * tanh(c), c)
    x_r, x_z, x_n = from_x.chunk(3, dim=1)
    h_r, h_z, h_n = from_h.chunk(3, dim=1)
    r = sigmoid(x_r + h_r)
    z = sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    return ((1 - z) * n + z * h,)


def unroll(cell: str, w: Weights, x: Tensor, state: State, lengths: Tensor, *, reverse: bool) -> tuple[Tensor, State]:
    """One layer in one direction: h at every step, and the last state."""
    time = x.shape[1]
    out = x.new_zeros(x.shape[0], time, state[0].shape[1])
    times = reversed(range(time)) if reverse else range(time)
    for t in times:
        after = step(cell, w, x[:, t], state)
        running = (t < lengths)[:, None]
        state = tuple(torch.where(running, new, old) for new, old in zip(after, state, strict=True))
        out[:, t] = torch.where(running, state[0], 0)
    return out, state


class Network(nn.Module):
    """All layers."""

    def __init__(self, cell: str, weights: dict[str, Tensor], num_layers: int, *, bidirectional: bool) -> None:
        super().__init__()
        self.cell, self.weights, self.num_layers = cell, weights, num_layers
        self.suffixes = ["", "_reverse"] if bidirectional else [""]

    def of(self, layer: int, suffix: str) -> Weights:
        """The weights of a layer in one direction."""
        end = f"l{layer}{suffix}"
        w_ih, w_hh = self.weights[f"weight_ih_{end}"], self.weights[f"weight_hh_{end}"]
        none = torch.zeros(len(w_ih))
        b_ih, b_hh = self.weights.get(f"bias_ih_{end}", none), self.weights.get(f"bias_hh_{end}", none)
        return Weights(w_ih, w_hh, b_ih, b_hh)

    def forward(self, x: Tensor, h0: Tensor | None, c0: Tensor | None, lengths: Tensor | None) -> State:
        """``out``, and the last h (and c) of every layer and direction."""
        unbatched = x.dim() == 2  # noqa: PLR2004 - (time, input)
        if unbatched:
            x = x[None]
            h0 = None if h0 is None else h0[:, None]
            c0 = None if c0 is None else c0[:, None]
        if lengths is None:
            lengths = torch.full((x.shape[0],), x.shape[1])
        hidden = self.weights["weight_hh_l0"].shape[1]
        zeros = x.new_zeros(self.num_layers * len(self.suffixes), x.shape[0], hidden)
        h0 = zeros if h0 is None else h0
        c0 = zeros if c0 is None else c0
        last: list[State] = []
        for layer in range(self.num_layers):
            outs = []
            for suffix in self.suffixes:
                w = self.of(layer, suffix)
                start = (h0[len(last)], c0[len(last)]) if self.cell == "lstm" else (h0[len(last)],)
                out, end = unroll(self.cell, w, x, start, lengths, reverse=suffix == "_reverse")
                outs.append(out)
                last.append(end)
            x = torch.cat(outs, dim=2)
        finals = [torch.stack(parts) for parts in zip(*last, strict=True)]
        if unbatched:
            return (x[0], *(final[:, 0] for final in finals))
        return (x, *finals)
