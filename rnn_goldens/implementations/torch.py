"""torch on the CPU: ``torch.nn.RNN``, ``LSTM`` and ``GRU``, called as users call them, and their cells, unrolled."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.array_library import TORCH
from rnn_goldens.implementations.differentiation import given_arrays, gradients, initial_state
from rnn_goldens.implementations.network_construction import InstanceCache, batched, outputs, require_cell, takes_state

OF_CELLS: dict[str, tuple[str, dict[str, str]]] = {
    "rnn_tanh": ("RNN", {"nonlinearity": "tanh"}),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}),
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
    "lstm_projection": ("LSTM", {}),  # ``nn.LSTMCell`` has no projection
}
"""The name and arguments of torch's layer, for each cell that torch computes."""

State = tuple[Tensor, ...]
"""h of one layer and direction, (batch, hidden); for an LSTM h and c."""


def layer(cell: str, config: Config) -> nn.RNNBase:
    """Return the torch layer for a cell and configuration, batch first."""
    kind, arguments = OF_CELLS[cell]
    made: nn.RNNBase = getattr(nn, kind)(**config, **arguments, batch_first=True)
    return made


def set_weights(network: nn.RNNBase, golden: Inputs) -> None:
    """Set the golden's weights and precision."""
    network.to(getattr(torch, golden.dtype))
    network.load_state_dict({name: torch.tensor(array) for name, array in golden.weights.items()})


kept_layer = InstanceCache(lambda golden: layer(golden.cell, golden.network), set_weights)
"""Returns the layer of a golden with its weights: the same layer until another golden is passed."""


def given_tensors(golden: Inputs) -> dict[str, Tensor]:
    """Return the input and, if the golden has them, the initial states."""
    make = TORCH.maker(golden.dtype)
    return {name: make(array) for name, array in given_arrays(golden).items()}


@torch.no_grad()
def run_layers(golden: Inputs) -> tuple[Tensor, Any]:
    """Return out and h_n, or (h_n, c_n), as the layer does. Raises Unsupported for cells that torch lacks."""
    require_cell(golden, "torch", OF_CELLS)
    found: tuple[Tensor, Any] = call_layer(kept_layer(golden), golden, given_tensors(golden))
    return found


def gradients_of_layers(golden: Inputs) -> Mapping[str, Tensor | None]:
    """Return the gradients of ``torch.nn.RNN``, ``LSTM`` or ``GRU``. Raises Unsupported for cells that torch lacks."""
    require_cell(golden, "torch", OF_CELLS)
    network = kept_layer(golden)
    leaves = {**given_tensors(golden), **dict(network.named_parameters())}
    return gradients(TORCH, golden, lambda tensors: call_layer(network, golden, tensors), leaves)


def call_layer(network: nn.RNNBase, golden: Inputs, given: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - a user's layer may return out alone
    """Call a layer as users do, with the golden's input and given states: sequences of several lengths are packed.

    Raises Unsupported if the golden has an initial state, and the layer's class does not accept one.
    """
    x, state = given["x"], initial_state(golden, given)
    more = (state,) if takes_state(type(network).__name__, network.forward, state) else ()
    if golden.lengths is None:
        return network(x, *more)
    packed = pack_padded_sequence(x, torch.tensor(golden.lengths), batch_first=True, enforce_sorted=False)
    found = network(packed, *more)
    packed_out, *last = [found] if isinstance(found, PackedSequence) else found
    out, _ = pad_packed_sequence(packed_out, batch_first=True, total_length=x.shape[1])
    return out, *last


@torch.no_grad()
def run_cells(golden: Inputs) -> tuple[Tensor, ...]:
    """Return out, h_n (and c_n). Raises Unsupported for cells that torch lacks."""
    require_cell(golden, "torch")
    return unrolled(golden, cells(golden), given_tensors(golden))


def gradients_of_cells(golden: Inputs) -> Mapping[str, Tensor | None]:
    """Return the gradients of ``RNNCell``, ``LSTMCell`` or ``GRUCell``. Raises Unsupported as ``run_cells`` does."""
    require_cell(golden, "torch")
    made = cells(golden)
    weights = {f"{name}_{suffix}": p for suffix, cell in made.items() for name, p in cell.named_parameters()}
    leaves = {**given_tensors(golden), **weights}
    return gradients(TORCH, golden, lambda tensors: unrolled(golden, made, tensors), leaves)


def cells(golden: Inputs) -> dict[str, nn.RNNCellBase]:
    """Return the cell of each layer and direction, with its weights."""
    config = golden.network
    kind, nonlinearity = OF_CELLS[golden.cell]
    arguments = {"bias": config.bias, "dtype": getattr(torch, golden.dtype), **nonlinearity}
    found: dict[str, nn.RNNCellBase] = {}
    for suffix in config.suffixes:
        ending = f"_{suffix}"
        weights = {n.removesuffix(ending): torch.tensor(a) for n, a in golden.weights.items() if n.endswith(ending)}
        found[suffix] = getattr(nn, f"{kind}Cell")(weights["weight_ih"].shape[1], config.hidden_size, **arguments)
        found[suffix].load_state_dict(weights)
    return found


def unrolled(golden: Inputs, made: Mapping[str, Callable[..., Any]], given: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Return the outputs for given cells, input and initial states, which are zero by default."""
    make = TORCH.maker(golden.dtype)
    states = {name: given[name] if name in given else make(array) for name, array in golden.states.items()}
    x, state0 = batched(golden, "x", given["x"]), [batched(golden, name, state) for name, state in states.items()]
    lengths = torch.full(x.shape[:1], x.shape[1]) if golden.lengths is None else torch.tensor(golden.lengths)
    last_states: list[State] = []
    for suffixes in golden.network.layers:
        outs = []
        for suffix in suffixes:
            start = tuple(s[len(last_states)] for s in state0)
            out, last = _unroll(made[suffix], x, start, lengths, suffix)
            outs.append(out)
            last_states.append(last)
        x = torch.cat(outs, dim=-1)
    return outputs(golden, [x, *(torch.stack(parts) for parts in zip(*last_states, strict=True))])


def _unroll(cell: Callable[..., Any], x: Tensor, state: State, lengths: Tensor, suffix: str) -> tuple[Tensor, State]:
    """Run a cell over the time steps. Beyond a sequence's length, its state does not change and its output is zero."""
    times = range(x.shape[1])
    outs = [torch.empty(0)] * len(times)
    for t in reversed(times) if suffix.endswith("_reverse") else times:
        within = (t < lengths)[:, None]
        new = cell(x[:, t], state if len(state) > 1 else state[0])
        new = new if isinstance(new, tuple) else (new,)
        state = tuple(torch.where(within, after, before) for after, before in zip(new, state, strict=True))
        outs[t] = torch.where(within, state[0], 0)
    return torch.stack(outs, dim=1), state
