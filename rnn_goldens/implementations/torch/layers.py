"""``torch.nn.RNN``, ``LSTM`` and ``GRU`` on the CPU, called as users call them."""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.arguments import require_cell, takes_state
from rnn_goldens.implementations.instance_cache import InstanceCache

WITH_LAYERS = (*CELLS, "lstm_projection")
"""The cells that torch's layers compute. ``nn.LSTMCell`` has no projection."""


def layer(cell: str, config: Config) -> nn.RNNBase:
    """Return the torch layer for a cell and configuration, batch first."""
    if cell in ("lstm", "lstm_projection"):
        return nn.LSTM(**config, batch_first=True)
    if cell == "gru":
        return nn.GRU(**config, batch_first=True)
    return nn.RNN(**config, nonlinearity=cell.removeprefix("rnn_"), batch_first=True)


@torch.no_grad()
def run(golden: Inputs) -> tuple[Tensor, Any]:
    """Return out and h_n, or (h_n, c_n), as the layer does. Raises Unsupported for cells that torch lacks."""
    require_cell(golden, "torch", WITH_LAYERS)
    outputs: tuple[Tensor, Any] = run_layer(_network, golden)
    return outputs


def set_weights(network: nn.RNNBase, golden: Inputs) -> None:
    """Set the golden's weights and precision."""
    network.to(getattr(torch, golden.dtype))
    network.load_state_dict({name: torch.tensor(array) for name, array in golden.weights.items()})


def run_layer(kept: InstanceCache[nn.RNNBase], golden: Inputs) -> Any:  # noqa: ANN401 - a user's layer may return out alone
    """Return the outputs of a cached layer of the golden's shape."""
    dtype, network = getattr(torch, golden.dtype), kept(golden)
    return call_layer(network, tensor(golden.x, dtype), _state(golden.initial_state, dtype), golden.lengths)


def call_layer(network: nn.RNNBase, x: Tensor, state: Any, lengths: NDArray[Any] | None) -> Any:  # noqa: ANN401 - None, a tensor or a pair
    """Call a layer as users do: sequences of several lengths are packed. A user's layer may return out alone.

    Raises:
        Unsupported: the golden has an initial state, and the layer's class does not accept one.
    """
    more = (state,) if takes_state(type(network).__name__, network.forward, state) else ()
    if lengths is None:
        return network(x, *more)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    found = network(packed, *more)
    packed_out, *last = [found] if isinstance(found, PackedSequence) else found
    out, _ = pad_packed_sequence(packed_out, batch_first=True, total_length=x.shape[1])
    return out, *last


def tensor(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """Return a copy of an array; if there are gaps between its elements, the copy has gaps, too, filled with NaN."""
    if array.flags.c_contiguous:
        return torch.tensor(array, dtype=dtype)
    wide = torch.full((*array.shape[:-1], 2 * array.shape[-1]), torch.nan, dtype=dtype)
    wide[..., ::2] = torch.tensor(array, dtype=dtype)
    return wide[..., ::2]


def _state(state: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401 - None, an array or a pair of arrays
    if state is None:
        return None
    if isinstance(state, tuple):
        return tuple(tensor(part, dtype) for part in state)
    return tensor(state, dtype)


@dataclass(frozen=True)
class TorchInputs:
    """A golden's inputs as tensors to differentiate by.

    Attributes:
        x: the input.
        states: h0, and c0 of an LSTM; zeros if the golden has no initial state.
        given: whether the golden has an initial state.
    """

    x: Tensor
    states: tuple[Tensor, ...]
    given: bool

    @classmethod
    def of(cls, golden: Inputs) -> "TorchInputs":
        """Return the tensors of a golden."""
        dtype = getattr(torch, golden.dtype)
        x = tensor(golden.x, dtype).requires_grad_()
        states = tuple(tensor(state, dtype) for state in golden.states.values())
        is_given = golden.initial_state is not None
        return cls(x, tuple(state.requires_grad_() for state in states) if is_given else states, is_given)

    @property
    def state(self) -> Any:  # noqa: ANN401 - None, a tensor or a pair of them
        """The initial state as a layer accepts it."""
        if not self.given:
            return None
        return self.states if len(self.states) > 1 else self.states[0]

    @property
    def leaves(self) -> dict[str, Tensor]:
        """The tensors to differentiate by, besides weights, by name."""
        states = dict(zip(("h0", "c0"), self.states, strict=False)) if self.given else {}
        return {"x": self.x, **states}


def kept_layer(golden: Inputs) -> nn.RNNBase:
    """Return the layer of a golden with its weights: the same layer until another golden is passed."""
    return _network(golden)


_network = InstanceCache(lambda golden: layer(golden.cell, golden.network), set_weights)
