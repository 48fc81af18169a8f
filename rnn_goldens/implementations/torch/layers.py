"""``torch.nn.RNN``, ``LSTM`` and ``GRU`` on the CPU, called as a user calls them."""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnn_goldens.checkable.golden import Question
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.arguments import require_ours, takes_state
from rnn_goldens.implementations.kept import Kept


def layer(cell: str, config: Config) -> nn.RNNBase:
    """The torch layer for a cell and configuration, batch first."""
    if cell == "lstm":
        return nn.LSTM(**config, batch_first=True)
    if cell == "gru":
        return nn.GRU(**config, batch_first=True)
    return nn.RNN(**config, nonlinearity=cell.removeprefix("rnn_"), batch_first=True)


@torch.no_grad()
def run(golden: Question) -> tuple[Tensor, Any]:
    """Return out and h_n, or (h_n, c_n), as the layer does. Raises Unsupported for a cell of someone's own."""
    require_ours(golden, "torch")
    return run_layer(_network, golden)


def set_weights(network: nn.RNNBase, golden: Question) -> None:
    """Give a layer the golden's weights, and its precision."""
    network.to(getattr(torch, golden.dtype))
    network.load_state_dict({name: torch.tensor(array) for name, array in golden.weights.items()})


def run_layer(kept: Kept[nn.RNNBase], golden: Question) -> tuple[Tensor, Any]:
    """The same for any layer of the golden's shape."""
    dtype, network = getattr(torch, golden.dtype), kept(golden)
    return call_layer(network, tensor(golden.x, dtype), _state(golden.initial_state, dtype), golden.lengths)


def call_layer(network: nn.RNNBase, x: Tensor, state: Any, lengths: NDArray[Any] | None) -> tuple[Tensor, Any]:  # noqa: ANN401 - None, a tensor or a pair
    """Call a layer as a user does: sequences of several lengths are packed.

    Raises:
        Unsupported: a state is given, and the class of the layer, which may be derived, takes none.
    """
    more = (state,) if takes_state(type(network).__name__, network.forward, state) else ()
    if lengths is None:
        out, last = network(x, *more)
        return out, last
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    packed_out, last = network(packed, *more)
    out, _ = pad_packed_sequence(packed_out, batch_first=True, total_length=x.shape[1])
    return out, last


def tensor(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """A copy of an array, with gaps between its elements, that hold NaN, if the array has some."""
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
class Given:
    """What a network is given of a golden, in tensors that gradients are asked by.

    Attributes:
        x: the input.
        states: h0, and c0 of an LSTM; zeros where the golden gives none.
        given: whether it gives them.
    """

    x: Tensor
    states: tuple[Tensor, ...]
    given: bool

    @classmethod
    def of(cls, golden: Question) -> "Given":
        """That of a golden."""
        dtype = getattr(torch, golden.dtype)
        x = tensor(golden.x, dtype).requires_grad_()
        states = tuple(tensor(getattr(golden, f"{name}0"), dtype) for name in golden.layout.states)
        is_given = golden.initial_state is not None
        return cls(x, tuple(state.requires_grad_() for state in states) if is_given else states, is_given)

    @property
    def state(self) -> Any:  # noqa: ANN401 - None, a tensor or a pair of them
        """As a layer takes it."""
        if not self.given:
            return None
        return self.states if len(self.states) > 1 else self.states[0]

    @property
    def leaves(self) -> dict[str, Tensor]:
        """By name, what gradients are asked by, beside weights."""
        states = dict(zip(("h0", "c0"), self.states, strict=False)) if self.given else {}
        return {"x": self.x, **states}


def kept_layer(golden: Question) -> nn.RNNBase:
    """The layer of a golden, with its weights: the same one until another golden comes."""
    return _network(golden)


_network = Kept(lambda golden: layer(golden.cell, golden.config), set_weights)
