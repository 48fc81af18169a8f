"""What a layer of torch's is asked, as a scenario says it."""

from typing import Any

import torch
from torch import nn

from rnn_goldens.counted import counted
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.precision import WhereHeld, precision_name
from rnn_goldens.golden.shapes import Config

Fields = dict[str, Any]


_FOLLOW = ("config", "weights", "convention", "prefix")
"""Fields that a module has an answer to, and nobody else."""


def require_of_module(found: Fields, fields: Fields) -> None:
    """Raise WrongUse where a field says something else than the module, which is asked as a whole."""
    if given := [name for name in _FOLLOW if name in fields]:
        raise WrongUse(f"{given[0]} follows from the module: leave it out; or say what is asked with Scenario(…)")
    if fields.get("cell", found["cell"]) != found["cell"]:
        raise WrongUse(f"the module is of the cell {found['cell']}, not {fields['cell']!r}: leave cell out")


def fields_of(module: object, x: Any, state: Any) -> Fields:  # noqa: ANN401 - as the module takes them
    """The cell, configuration, weights, input, initial state and precisions of a scenario.

    Raises:
        WrongUse: no such layer, or one that does what no golden asks.
    """
    if not isinstance(module, (nn.RNN, nn.LSTM, nn.GRU)):
        raise WrongUse(f"a {type(module).__name__} is no nn.RNN, nn.LSTM or nn.GRU")
    if module.proj_size:
        raise WrongUse("the module has a projection (proj_size), which goldens do not have")
    if module.dropout and module.training:
        raise WrongUse("the module drops out, and is in training: call module.eval() first")
    x, states = _input(x), _states(module, state)
    return {
        "cell": {"RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu"}.get(module.mode, module.mode.lower()),
        "config": Config(
            module.input_size, module.hidden_size, module.num_layers, bool(module.bidirectional), bool(module.bias)
        ),
        "weights": module.state_dict(),
        "x": x.transpose(0, 1) if x.ndim == 3 and not module.batch_first else x,  # noqa: PLR2004 - a batch
        **dict(zip(("h0", "c0"), states, strict=False)),
        "precisions": WhereHeld(("float64", precision_name(str(next(module.parameters()).dtype)))),
        "documented_in": f"torch.nn.{type(module).__name__}",
    }


def _input(x: Any) -> torch.Tensor:  # noqa: ANN401 - as above
    if isinstance(x, nn.utils.rnn.PackedSequence):
        raise WrongUse("x is a PackedSequence: give the padded x and lengths=")
    try:
        return torch.as_tensor(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WrongUse(f"x is of type {type(x).__name__}, of which torch makes no tensor: {error}") from None


def _states(module: nn.RNNBase, state: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """h0, and c0 of an LSTM, as the module takes them."""
    if state is None:
        return ()
    lstm = isinstance(module, nn.LSTM)
    given = tuple(state) if isinstance(state, (tuple, list)) else (state,)
    if len(given) != (2 if lstm else 1):
        raise WrongUse(
            f"the state is {counted(len(given), 'array')}; an nn.{type(module).__name__} takes "
            f"{'a pair, (h0, c0)' if lstm else 'one, h0'}"
        )
    return given
