"""Reads the fields of a scenario from a layer of torch."""

from typing import Any

import torch
from torch import nn

from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.precision import SupportedOnly, precision_name
from rnn_goldens.golden.shapes import Config
from rnn_goldens.plurals import counted

Fields = dict[str, Any]


_FOLLOW = ("config", "weights", "convention", "prefix")


def fields_of(module: object, x: Any, state: Any, given: Fields) -> Fields:  # noqa: ANN401 - as the module takes them
    """Return the fields that follow from a module and its arguments, and given ones. Raises WrongUse for wrong ones."""
    if not isinstance(module, (nn.RNN, nn.LSTM, nn.GRU)):
        raise WrongUse(f"a {type(module).__name__} is not an nn.RNN, nn.LSTM or nn.GRU")
    if module.dropout and module.training:
        raise WrongUse("the module uses dropout and is in training mode: call module.eval() first")
    if follow := [name for name in _FOLLOW if name in given]:
        raise WrongUse(f"{follow[0]} follows from the module: omit it, or use Scenario(…) instead of from_torch")
    cell = "lstm_projection" if module.proj_size else module.mode.lower()
    if given.get("cell", cell) != cell:
        raise WrongUse(f"the module is of the cell {cell}, not {given['cell']!r}: omit cell")
    x, states = _input(x), _states(module, state)
    return {
        "cell": cell,
        "config": Config(
            module.input_size,
            module.hidden_size,
            module.num_layers,
            bool(module.bidirectional),
            bool(module.bias),
            module.proj_size,
        ),
        "weights": module.state_dict(),
        "x": x.transpose(0, 1) if x.ndim == 3 and not module.batch_first else x,  # noqa: PLR2004 - a batch
        **dict(zip(("h0", "c0"), states, strict=False)),
        "precisions": SupportedOnly(("float64", precision_name(str(next(module.parameters()).dtype)))),
        "documented_in": f"torch.nn.{type(module).__name__}",
        **given,
    }


def _input(x: Any) -> torch.Tensor:  # noqa: ANN401 - as above
    if isinstance(x, nn.utils.rnn.PackedSequence):
        raise WrongUse("x is a PackedSequence: pass the padded x and lengths=")
    try:
        return torch.as_tensor(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WrongUse(f"x is of type {type(x).__name__}, which torch cannot convert to a tensor: {error}") from None


def _states(module: nn.RNNBase, state: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """Return h0, and c0 for an LSTM."""
    if state is None:
        return ()
    lstm = isinstance(module, nn.LSTM)
    given = tuple(state) if isinstance(state, (tuple, list)) else (state,)
    if len(given) != (2 if lstm else 1):
        raise WrongUse(
            f"the state has {counted(len(given), 'array')}; an nn.{type(module).__name__} takes "
            f"{'a pair, (h0, c0)' if lstm else 'one, h0'}"
        )
    return given
