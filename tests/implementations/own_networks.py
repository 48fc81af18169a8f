"""Networks of users, importable by name. They are correct, except where a name, docstring or comment names a bug."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class MyGRU(nn.Module):
    """A GRU of one layer in one direction."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, batch_first: bool = False) -> None:
        super().__init__()
        assert batch_first
        gates = 3 * hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.zeros(gates, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(gates, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(gates)) if bias else None
        self.bias_hh_l0 = nn.Parameter(torch.zeros(gates)) if bias else None

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if x.ndim == 2:
            out, h_n = self(x[None], None if h0 is None else h0[:, None])
            return out[0], h_n[:, 0]
        h = x.new_zeros(len(x), self.weight_hh_l0.shape[1]) if h0 is None else h0[0]
        outs = []
        for x_t in x.unbind(1):
            of_x = nn.functional.linear(x_t, self.weight_ih_l0, self.bias_ih_l0).chunk(3, -1)
            of_h = nn.functional.linear(h, self.weight_hh_l0, self.bias_hh_l0).chunk(3, -1)
            r, z = torch.sigmoid(of_x[0] + of_h[0]), torch.sigmoid(of_x[1] + of_h[1])
            h = (1 - z) * torch.tanh(of_x[2] + r * of_h[2]) + z * h
            outs.append(h)
        return torch.stack(outs, 1), h[None]


class MyProjectedLSTM(nn.LSTM):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more, proj_size=1)


class MyTorchCell(nn.GRUCell):
    pass


class MyGRUWithoutForward(nn.Module):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size, batch_first=True)


class MyGRUThatPassesOn(MyGRU):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)


class MyGRUThatKeepsItsState(MyGRU):
    """A GRU that starts from the last state of the previous call if no state is passed."""

    last: Tensor | None = None

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        out, self.last = super().forward(x, self.last if h0 is None and self.last is not None else h0)
        return out, self.last


class MyGRUThatKeepsItsWeights(MyGRU):
    """A GRU that loads weights only once."""

    loaded = False

    def load_state_dict(self, *args: Any, **more: Any) -> Any:
        if not self.loaded:
            self.loaded = True
            return super().load_state_dict(*args, **more)
        return None


class MyGRUThatSpoilsItsWeights(MyGRU):
    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        result = super().forward(x, h0)
        self.weight_hh_l0.mul_(2)
        return result


class MyGRUThatIgnoresStrides(MyGRU):
    """A GRU that reads x as if it were contiguous."""

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        contiguous = torch.arange(x.numel()).reshape(x.shape).stride()
        return super().forward(torch.as_strided(x, x.shape, contiguous), h0)


class MyInner(nn.Module):
    """A module that contains a GRU layer, with dropout in training; it takes no initial state."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, dropout: float = 0.5) -> None:
        super().__init__()
        self.rnn = nn.GRU(input_size, hidden_size, bias=bias, batch_first=True)
        self.dropout = dropout

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        out, h_n = self.rnn(nn.functional.dropout(x, self.dropout, self.training))
        return out, h_n


class MyRenamed(nn.Module):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.zeros(hidden_size, input_size))
        self.U = nn.Parameter(torch.zeros(hidden_size, hidden_size))

    def forward(self, x: Tensor, h0: Tensor) -> tuple[Tensor, Tensor]:
        return x, h0


class MyNeedy(nn.Module):
    def __init__(self, vocabulary: int, hidden_size: int) -> None: ...


class MyLSTM(nn.LSTM):
    """A subclass of torch's layer; its constructor accepts any arguments."""


class MyLSTMWithoutC(nn.LSTM):
    def forward(self, *arguments: Any) -> Any:
        out, (h_n, _) = super().forward(*arguments)
        return out, h_n


class MyLSTMOfOneLayer(nn.LSTM):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, batch_first=True)


class MyLSTMOfOut(nn.LSTM):
    def forward(self, *arguments: Any) -> Any:
        return super().forward(*arguments)[0]


class MyGRUOfOut(MyGRU):
    def forward(self, x: Tensor, h0: Tensor | None = None) -> Any:
        return super().forward(x, h0)[0]


class MyNumPyRNN:
    """A class without a framework: NumPy arrays in and out, lengths as an argument."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:  # noqa: ARG002 - the weights include it
        self.hidden_size = hidden_size

    def load_state_dict(self, weights: dict[str, Any]) -> None:
        self.w_ih, self.w_hh = weights["weight_ih_l0"], weights["weight_hh_l0"]
        self.b = weights.get("bias_ih_l0", 0) + weights.get("bias_hh_l0", 0)

    def __call__(self, x: Any, h0: Any, lengths: Any = None) -> tuple[Any, Any]:
        h = np.zeros((len(x), self.hidden_size), x.dtype) if h0 is None else h0[0]
        out = np.zeros((*x.shape[:2], self.hidden_size), x.dtype)
        for t in range(x.shape[1]):
            new = np.tanh(x[:, t] @ self.w_ih.T + h @ self.w_hh.T + self.b)
            within = np.full((len(x), 1), True) if lengths is None else (t < lengths)[:, None]
            h = np.where(within, new, h)
            out[:, t] = np.where(within, h, 0)
        return out, h[None]


def tensor_of(array: Any) -> Tensor:
    return array if torch.is_tensor(array) else torch.tensor(array)


def in_torch(golden: Any, tensor: Any = tensor_of) -> Any:
    w = {name: tensor(array) for name, array in golden.weights.items()}
    h, out = tensor(golden.h0)[0], []
    for x_t in tensor(golden.x).unbind(1):
        h = torch.tanh(x_t @ w["weight_ih_l0"].T + w["bias_ih_l0"] + h @ w["weight_hh_l0"].T + w["bias_hh_l0"])
        out.append(h)
    return torch.stack(out, 1), h[None]


def gru_step(x_t: Any, h: Any, weights: Any) -> Any:
    (a_r, a_z, a_n), (b_r, b_z, b_n) = affine(x_t, weights, "ih", 3), affine(h, weights, "hh", 3)
    r, z = sigmoid(a_r + b_r), sigmoid(a_z + b_z)
    return (1 - z) * np.tanh(a_n + r * b_n) + z * h


def lstm_step(x_t: Any, state: Any, weights: Any) -> Any:
    h, c = state
    gates = [a + b for a, b in zip(affine(x_t, weights, "ih", 4), affine(h, weights, "hh", 4), strict=True)]
    c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * np.tanh(gates[2])
    return sigmoid(gates[3]) * np.tanh(c), c


def torch_rnn_step(x_t: Any, h: Any, weights: Any) -> Any:
    w = {name: torch.tensor(array) for name, array in weights.items()}
    of_x = nn.functional.linear(torch.tensor(x_t), w["weight_ih"], w.get("bias_ih"))
    return torch.tanh(of_x + nn.functional.linear(torch.tensor(h), w["weight_hh"], w.get("bias_hh")))


def affine(v: Any, weights: Any, which: str, gates: int) -> Any:
    return np.split(v @ weights[f"weight_{which}"].T + weights.get(f"bias_{which}", 0), gates, axis=-1)


def sigmoid(z: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))
