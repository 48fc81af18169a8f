"""Layers of Hugging Face's models in torch, with the caches of the models, as stateful implementations.

In the place of projections are functions that hand on the arrays of a golden. All between them, which reads and writes
the cache, is the layer's own. An initial state is written into the cache, as another call of the layer leaves it there.
A recurrence is checked with a convolution that hands its inputs on, and a convolution with such a recurrence.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache
from transformers.masking_utils import create_recurrent_attention_mask
from transformers.models.mamba.configuration_mamba import MambaConfig
from transformers.models.mamba.modeling_mamba import MambaMixer
from transformers.models.qwen3_next.configuration_qwen3_next import Qwen3NextConfig
from transformers.models.qwen3_next.modeling_qwen3_next import Qwen3NextGatedDeltaNet
from transformers.models.recurrent_gemma.configuration_recurrent_gemma import RecurrentGemmaConfig
from transformers.models.recurrent_gemma.modeling_recurrent_gemma import RecurrentGemmaRecurrentBlock

from rnn_goldens.errors import Unsupported

Outputs = tuple[Tensor, Tensor]

_LARGE = 32.0
"""A number whose sigmoid is one, and whose silu is itself, in every precision."""


class _Projection(nn.Module):
    """A function in the place of a projection."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.forward = function


class _Convolution(NamedTuple):
    """A convolution of the last channels of a layer. The other channels hand their inputs on."""

    weight: Tensor
    bias: Tensor
    activation: str = "linear"

    @property
    def width(self) -> int:
        """The number of inputs that an output is computed from."""
        return self.weight.shape[1]

    def put_into(self, module: nn.Conv1d) -> None:
        """Set the weights of a module."""
        others = torch.eye(1, self.width).flip(1).expand(module.out_channels - len(self.weight), -1).to(self.weight)
        module.weight = nn.Parameter(torch.cat([others, self.weight])[:, None])
        module.bias = nn.Parameter(_last(self.bias[None], module.out_channels)[0])


def _of_golden(weight: Tensor, bias: Tensor, activation: str) -> _Convolution:
    return _Convolution(weight, bias, "linear" if activation == "none" else activation)


def _of_nothing(x: Tensor) -> _Convolution:
    return _Convolution(x.new_zeros(0, 4), x.new_zeros(0))


def _last(array: Tensor, channels: int) -> Tensor:
    """Return an array (batch, channels, …) with as many channels, the last of which are those of the given one."""
    return torch.cat([array.new_zeros(len(array), channels - array.shape[1], *array.shape[2:]), array], 1)


class _Layer:
    """A layer and its cache, which is reset where a sequence begins."""

    ignores_cache: ClassVar[bool] = False
    """Whether calls of several steps do not read the cache: from an initial state, the steps are called one by one."""

    def __init__(self) -> None:
        self.layer: Any = None
        self.cache: Any = None
        self.sizes: object = None
        self.filled = False

    def reset_states(self) -> None:
        """Begin anew with the next call."""
        if self.cache is not None:
            self.cache.reset()
        self.layer = None

    def begin(self, layer: nn.Module, config: Any, x: Tensor) -> Any:  # noqa: ANN401 - a layer, and its configuration
        """Take a layer, and a cache if the last one has other sizes; return the layer in the precision of x."""
        if x.dtype == torch.float64:
            raise Unsupported("transformers computes this in float32")
        if self.sizes != (sizes := (config.to_dict(), x.dtype, len(x))):
            self.cache, self.sizes = DynamicCache(config=config), sizes
        self.layer, self.filled = layer.to(x.dtype), False
        return self.layer

    def fill(self, window: Tensor, state: Tensor, conv: nn.Conv1d) -> None:
        """Write the last inputs of the last channels, and a state, into the cache."""
        self.cache.update_conv_state(_last(window, conv.in_channels), 0, conv_kernel_size=conv.kernel_size[0])
        self.cache.update_recurrent_state(state.float(), 0)
        self.filled = True

    def called(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Return the outputs of one call, as the model calls its layer."""
        found: Tensor = self.layer(hidden, cache=self.cache, attention_mask=mask)
        return found

    def run(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the outputs."""
        if self.filled and mask is not None:
            raise Unsupported("the padding of a prompt stands before states of zero")
        length = 1 if self.filled and self.ignores_cache else hidden.shape[1]
        parts = [hidden[:, begin : begin + length] for begin in range(0, hidden.shape[1], length)]
        self.filled = False
        with torch.no_grad():
            return torch.cat([self.called(part, mask) for part in parts], 1)


class _Qwen3Next(_Layer):
    """Gated DeltaNet without the gate and the norm of its outputs."""

    def make(self, q: Tensor, v: Tensor, conv: _Convolution, A_log: Tensor, dt_bias: Tensor) -> Any:  # noqa: ANN401
        """Return a new layer."""
        (key_heads, d_k), (heads, d_v) = q.shape[2:], v.shape[2:]
        config = Qwen3NextConfig(
            linear_num_key_heads=key_heads, linear_num_value_heads=heads, linear_key_head_dim=d_k,
            linear_value_head_dim=d_v, linear_conv_kernel_dim=conv.width, hidden_act=conv.activation,
            num_hidden_layers=1, layer_types=["linear_attention"],
        )  # fmt: skip
        layer = self.begin(Qwen3NextGatedDeltaNet(config, 0), config, q)
        layer.in_proj_qkvz = _Projection(lambda hidden: hidden[..., : -2 * heads])
        layer.in_proj_ba = _Projection(lambda hidden: hidden[..., -2 * heads :])
        layer.norm, layer.out_proj = _Projection(lambda o, _gate: o), nn.Identity()
        layer.A_log, layer.dt_bias = nn.Parameter(A_log), nn.Parameter(dt_bias)
        conv.put_into(layer.conv1d)
        return layer

    def called(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        return super().called(hidden, create_recurrent_attention_mask(None, hidden, mask, self.cache))

    def steps(self, q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, mask: Tensor | None) -> Tensor:
        """Return o."""
        values, gate, b, a = (x.reshape(*q.shape[:3], -1) for x in (v, torch.zeros_like(v), b, a))
        parts = (torch.cat([q, k, values, gate], -1), torch.cat([b, a], -1))
        return self.run(torch.cat([part.flatten(2) for part in parts], -1), mask).reshape(v.shape)


class Qwen3NextRecurrence(_Qwen3Next):
    """The gated delta rule of Qwen3-Next."""

    def __call__(
        self, q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, A_log: Tensor, dt_bias: Tensor, beta_limit: float,
        state: Tensor | None = None, attention_mask: Tensor | None = None,
    ) -> Outputs:  # fmt: skip
        """Return o and the last state."""
        if beta_limit != 1:
            raise Unsupported("beta of Qwen3-Next is at most one")
        if self.layer is None:
            layer = self.make(q, v, _of_nothing(q), A_log, dt_bias)
            if state is not None:
                self.fill(q.new_zeros(len(q), 0, 3), state, layer.conv1d)
        o = self.steps(q, k, v, a, b, attention_mask)
        return o, self.cache.get_recurrent_state(0).to(q.dtype)


class Qwen3NextConvolution(_Qwen3Next):
    """The convolution of Qwen3-Next: of the values, which the recurrence hands on; its state is forgotten."""

    def __call__(
        self, x: Tensor, weight: Tensor, bias: Tensor, activation: str, state: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Outputs:  # fmt: skip
        """Return y and the last inputs."""
        v, one = x[:, :, None], x.new_ones(*x.shape[:2], 1)
        key = 1024 * one[..., None]
        if self.layer is None:
            layer = self.make(key, v, _of_golden(weight, bias, activation), 10 * one[0, 0], one[0, 0])
            if state is not None:
                self.fill(state, x.new_zeros(len(x), 1, 1, x.shape[2]), layer.conv1d)
        y = self.steps(key, key, v, one, _LARGE * one, attention_mask)[:, :, 0]
        return y, self.cache.get_conv_state(0)[:, 2:, 1:]


class _Mamba(_Layer):
    """A mixer, whose channels are those of dt, B, C and, last, u."""

    def make(self, x: Tensor, conv: _Convolution, A: Tensor, D: Tensor, dt_bias: Tensor) -> Any:  # noqa: ANN401
        """Return a new layer."""
        d, n = A.shape
        config = MambaConfig(
            hidden_size=2 * (d + n), expand=1, state_size=n, time_step_rank=d, conv_kernel=conv.width,
            hidden_act=conv.activation, num_hidden_layers=1,
        )  # fmt: skip
        layer = self.begin(MambaMixer(config, 0), config, x)
        layer.in_proj = nn.Identity()
        layer.x_proj, layer.out_proj = _Projection(lambda x: x[..., :-d]), _Projection(lambda y: y[..., -d:])
        weights = {"bias": dt_bias, "weight": torch.eye(d).to(x)}
        for name, of_last in weights.items():
            setattr(layer.dt_proj, name, nn.Parameter(_last(of_last[None], config.hidden_size)[0]))
        layer.A_log = nn.Parameter(_last((-A.float()).log()[None], config.hidden_size)[0])
        layer.D = nn.Parameter(_last(D[None], config.hidden_size)[0])
        conv.put_into(layer.conv1d)
        return layer

    def steps(self, u: Tensor, dt: Tensor, B: Tensor, C: Tensor, z: Tensor | None, mask: Tensor | None) -> Tensor:
        """Return y. Without a gate the layer's is large, and divided out."""
        x = torch.cat([dt, B, C, u], -1)
        gate = torch.full_like(x, _LARGE)
        if z is not None:
            gate[..., -z.shape[-1] :] = z
        y = self.run(torch.cat([x, gate], -1), mask)
        return y / _LARGE if z is None else y


class MambaRecurrence(_Mamba):
    """The scan of Mamba."""

    ignores_cache = True

    def __call__(
        self, u: Tensor, dt: Tensor, B: Tensor, C: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor, step_size: str,
        z: Tensor | None = None, state: Tensor | None = None, attention_mask: Tensor | None = None,
    ) -> Outputs:  # fmt: skip
        """Return y and the last state."""
        if step_size != "softplus":
            raise Unsupported("the step size of Mamba has a softplus")
        if self.layer is None:
            layer = self.make(u, _of_nothing(u), A, D, dt_bias)
            if state is not None:
                self.fill(u.new_zeros(len(u), 0, 3), _last(state, layer.intermediate_size), layer.conv1d)
        y = self.steps(u, dt, B, C, z, attention_mask)
        return y, self.cache.get_recurrent_state(0)[:, -len(D) :].to(u.dtype)


class MambaConvolution(_Mamba):
    """The convolution of Mamba, whose outputs the scan hands on."""

    def __call__(
        self, x: Tensor, weight: Tensor, bias: Tensor, activation: str, state: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Outputs:  # fmt: skip
        """Return y and the last inputs."""
        if self.layer is None:
            one = torch.ones_like(bias)
            layer = self.make(x, _of_golden(weight, bias, activation), -one[:, None], one, 0 * one)
            if state is not None:
                self.fill(state, x.new_zeros(len(x), layer.intermediate_size, 1), layer.conv1d)
        zero = torch.zeros_like(x)
        y = self.steps(x, zero, zero[..., :1], zero[..., :1], None, attention_mask)
        return y, self.cache.get_conv_state(0)[:, -len(bias) :, 1:]


class _RecurrentGemma(_Layer):
    """A recurrent block, which keeps its states itself. At position 0 it has no factor √(1 - a²): it begins at 1."""

    position = 1

    def make(self, x: Tensor, conv: _Convolution) -> Any:  # noqa: ANN401
        """Return a new layer, whose RG-LRU has weights of zero."""
        config = RecurrentGemmaConfig(
            hidden_size=x.shape[2], num_attention_heads=1, conv1d_width=conv.width, hidden_activation="linear",
            num_hidden_layers=1,
        )  # fmt: skip
        layer, self.position = self.begin(RecurrentGemmaRecurrentBlock(config, 0), config, x), 1
        layer.linear_x, layer.linear_y = nn.Identity(), _Projection(torch.ones_like)
        layer.linear_out = nn.SiLU() if conv.activation == "silu" else nn.Identity()
        for parameter in layer.rg_lru.parameters():
            nn.init.zeros_(parameter)
        conv.put_into(layer.conv_1d)
        return layer

    def fill(self, window: Tensor, state: Tensor, conv: nn.Conv1d) -> None:
        self.layer.conv1d_state = _last(window, conv.in_channels)
        self.layer.rg_lru.recurrent_states = _last(state, conv.in_channels).float()
        self.filled = True

    def called(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        begin, self.position = self.position, self.position + hidden.shape[1]
        positions = torch.arange(begin, self.position)[None]
        found: Tensor = self.layer(hidden, position_ids=positions, attention_mask=mask)[0]
        return found


class RecurrentGemmaRecurrence(_RecurrentGemma):
    """The RG-LRU of RecurrentGemma. Its channels are those of r, i and, last, x."""

    def __call__(self, x: Tensor, r: Tensor, i: Tensor, Lambda: Tensor, state: Tensor | None = None) -> Outputs:
        """Return out and the last state."""
        d, hidden = len(Lambda), torch.cat([r, i, x], -1)
        if self.layer is None:
            layer = self.make(hidden, _of_nothing(x))
            with torch.no_grad():
                layer.rg_lru.recurrent_param[-d:] = Lambda
                layer.rg_lru.recurrent_gate_weight[0, :d, -d:] = torch.eye(d)
                layer.rg_lru.input_gate_weight[0, d:-d, -d:] = torch.eye(d)
            if state is not None:
                self.fill(x.new_zeros(len(x), 0, 3), state, layer.conv_1d)
        out = self.run(hidden)
        return out[..., -d:], self.layer.rg_lru.recurrent_states[:, -d:].to(x.dtype)


class RecurrentGemmaConvolution(_RecurrentGemma):
    """The convolution of RecurrentGemma, whose outputs the RG-LRU hands on, and an activation if the golden has one."""

    ignores_cache = True

    def __call__(
        self, x: Tensor, weight: Tensor, bias: Tensor, activation: str, state: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Outputs:  # fmt: skip
        """Return y and the last inputs."""
        if activation != "none" and x.dtype != torch.float32:
            raise Unsupported("the convolution of RecurrentGemma has no activation, and rounds what it would take")
        if self.layer is None:
            layer = self.make(x, _of_golden(weight, bias, activation))
            nn.init.constant_(layer.rg_lru.recurrent_param, 100)
            for gate in (layer.rg_lru.input_gate_bias, layer.rg_lru.recurrent_gate_bias):
                nn.init.constant_(gate, _LARGE)
            if state is not None:
                self.fill(state, x.new_zeros(x.shape[0], x.shape[2]), layer.conv_1d)
        return self.run(x, attention_mask), self.layer.conv1d_state
