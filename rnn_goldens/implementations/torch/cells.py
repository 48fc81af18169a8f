"""``torch.nn.RNNCell``, ``LSTMCell`` and ``GRUCell`` on the CPU, unrolled over layers, directions and time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.implementations.arguments import require_cell

State = tuple[Tensor, ...]
"""h of one layer and direction, (batch, hidden); for an LSTM h and c."""


@torch.no_grad()
def run(golden: Inputs) -> tuple[Tensor, ...]:
    """Return out, h_n (and c_n). Raises Unsupported for cells that torch lacks."""
    require_cell(golden, "torch")
    dtype = getattr(torch, golden.dtype)
    states = [torch.tensor(state, dtype=dtype) for state in golden.states.values()]
    return unrolled(golden, cells(golden), torch.tensor(golden.x, dtype=dtype), states)


def cells(golden: Inputs) -> dict[str, nn.RNNCellBase]:
    """Return the cell of each layer and direction, with its weights."""
    config = golden.network
    found: dict[str, nn.RNNCellBase] = {}
    for layer, suffixes in enumerate(config.layers):
        inputs = config.num_directions * config.hidden_size if layer else config.input_size
        found |= {suffix: _cell(golden, suffix, inputs, getattr(torch, golden.dtype)) for suffix in suffixes}
    return found


def unrolled(
    golden: Inputs, made: Mapping[str, Callable[..., Any]], x: Tensor, state0: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Return the outputs for given cells, input and initial states."""
    if not golden.batch_shape:
        x, state0 = x[None], [s[:, None] for s in state0]
    lengths = torch.full(x.shape[:1], x.shape[1]) if golden.lengths is None else torch.tensor(golden.lengths)
    last_states: list[State] = []
    for layer in range(golden.network.num_layers):
        outs = []
        for suffix in golden.network.layers[layer]:
            start = tuple(s[len(last_states)] for s in state0)
            out, last = _unroll(made[suffix], x, start, lengths, suffix)
            outs.append(out)
            last_states.append(last)
        x = torch.cat(outs, dim=-1)
    state_n = [torch.stack(states) for states in zip(*last_states, strict=True)]
    return (x, *state_n) if golden.batch_shape else (x[0], *(s[:, 0] for s in state_n))


def _cell(golden: Inputs, suffix: str, inputs: int, dtype: torch.dtype) -> nn.RNNCellBase:
    """Return the cell of one layer and direction, with its weights."""
    arguments: dict[str, Any] = {"bias": golden.network.bias, "dtype": dtype}
    kind: Callable[..., nn.RNNCellBase] = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}.get(golden.cell, nn.RNNCell)
    if kind is nn.RNNCell:
        arguments["nonlinearity"] = golden.cell.removeprefix("rnn_")
    cell = kind(inputs, golden.network.hidden_size, **arguments)
    ending = f"_{suffix}"
    weights = {name: array for name, array in golden.weights.items() if name.endswith(ending)}
    cell.load_state_dict({name.removesuffix(ending): torch.tensor(array) for name, array in weights.items()})
    return cell


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
