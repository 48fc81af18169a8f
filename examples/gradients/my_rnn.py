"""A tanh RNN in torch with its own backward pass, and three versions that are wrong by one line each.

rnn-goldens check my_rnn:MyRNN --rnn-goldens-gradients
"""

from typing import Any

import torch
from torch import Tensor, nn


class BackwardSteps:
    """The steps of the backward pass that are easily wrong; d_z is the gradient of tanh's argument."""

    def start(self, d_h_n: Tensor) -> Tensor:
        return d_h_n

    def to_step_before(self, d_z: Tensor, weight_hh: Tensor) -> Tensor:
        return d_z @ weight_hh

    def bias(self, d_z: Tensor) -> Tensor:
        return d_z.sum(dim=(0, 1))  # over batch and time


class Unrolled(torch.autograd.Function):
    """All steps of a layer at once: x (batch, time, input), h0 (batch, hidden)."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's
        backward_steps: BackwardSteps,
        x: Tensor,
        h0: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        *biases: Tensor,
    ) -> tuple[Tensor, Tensor]:
        states = [h0]
        for x_t in x.unbind(dim=1):
            states.append(torch.tanh(sum(biases, x_t @ w_ih.T + states[-1] @ w_hh.T)))
        out = torch.stack(states[1:], dim=1)
        ctx.save_for_backward(x, h0, w_ih, w_hh, out)
        ctx.backward_steps, ctx.biases = backward_steps, len(biases)
        return out, states[-1].clone()

    @staticmethod
    def backward(ctx: Any, d_out: Tensor, d_h_n: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - torch's
        x, h0, w_ih, w_hh, out = ctx.saved_tensors
        before = torch.cat([h0[:, None], out[:, :-1]], dim=1)
        d_z = torch.zeros_like(out)
        d_h = ctx.backward_steps.start(d_h_n)
        for t in reversed(range(x.shape[1])):
            d_z[:, t] = (d_out[:, t] + d_h) * (1 - out[:, t] ** 2)
            d_h = ctx.backward_steps.to_step_before(d_z[:, t], w_hh)
        d_w_ih, d_w_hh = (torch.einsum("bth,bti->hi", d_z, factor) for factor in (x, before))
        return None, d_z @ w_ih, d_h, d_w_ih, d_w_hh, *[ctx.backward_steps.bias(d_z)] * ctx.biases


class MyRNN(nn.Module):
    """A class shaped like ``nn.RNN`` with one layer."""

    backward_steps = BackwardSteps()

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, batch_first: bool = True) -> None:
        super().__init__()
        assert batch_first
        self.weight_ih_l0 = nn.Parameter(torch.zeros(hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(hidden_size, hidden_size))
        if bias:
            self.bias_ih_l0 = nn.Parameter(torch.zeros(hidden_size))
            self.bias_hh_l0 = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        unbatched = x.dim() == 2  # noqa: PLR2004 - (time, input)
        batch = x[None] if unbatched else x
        zeros = x.new_zeros(len(batch), self.weight_hh_l0.shape[1])
        h = zeros if h0 is None else h0 if unbatched else h0[0]
        out, h_n = Unrolled.apply(self.backward_steps, batch, h, *self.parameters())  # type: ignore[no-untyped-call]
        return (out[0], h_n) if unbatched else (out, h_n[None])


class DropsThePath(MyRNN):
    """No gradient flows from a step to the previous one."""

    class _Steps(BackwardSteps):
        def to_step_before(self, d_z: Tensor, weight_hh: Tensor) -> Tensor:  # noqa: ARG002 - the mistake
            return torch.zeros_like(d_z)

    backward_steps = _Steps()


class BiasOfOneStep(MyRNN):
    """The bias's gradient is not summed over time."""

    class _Steps(BackwardSteps):
        def bias(self, d_z: Tensor) -> Tensor:
            return d_z[:, 0].sum(dim=0)

    backward_steps = _Steps()


class IgnoresTheLastState(MyRNN):
    """The cotangent of h_n is ignored."""

    class _Steps(BackwardSteps):
        def start(self, d_h_n: Tensor) -> Tensor:
            return torch.zeros_like(d_h_n)

    backward_steps = _Steps()
