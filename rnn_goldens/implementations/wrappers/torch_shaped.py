"""A class shaped like ``torch.nn.RNN``, ``LSTM`` or ``GRU``: its constructor's arguments, ``load_state_dict``, a call.

Made anew for each golden, with those of ``input_size``, ``hidden_size``, ``num_layers``, ``bidirectional``, ``bias``,
``batch_first=True`` and ``nonlinearity`` that its constructor takes, and called as ``network(x, initial_state)``. A
class of torch gets tensors of the golden's precision; any other gets NumPy arrays. Refused is what it can not be asked:
an argument its constructor does not take, a cell with another number of gates, lengths unless it is an ``nn.RNNBase``,
which takes packed sequences, or its call takes ``lengths``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rnn_goldens.errors import Unsupported
from rnn_goldens.golden import Golden
from rnn_goldens.implementations.wrappers.arguments import accepted, require_gates, takes

Run = Callable[[Golden], tuple[Any, Any]]

NEEDLESS = {"num_layers": 1, "bidirectional": False, "bias": True, "batch_first": True}
"""What a constructor that does not take these is taken to do; without ``nonlinearity``, a tanh."""


def wrap(kind: type) -> Run:
    """The implementation: out and h_n, or (h_n, c_n), as the class returns them."""
    of_torch = any(base.__module__.partition(".")[0] == "torch" for base in kind.__mro__)
    return _in_torch(kind) if of_torch else lambda golden: _run(kind, golden, lambda array: array)


def _in_torch(kind: type) -> Run:
    import torch
    from torch import nn

    from rnn_goldens.implementations import torch_layers

    @torch.no_grad()
    def run(golden: Golden) -> tuple[Any, Any]:
        dtype = getattr(torch, golden.dtype)
        if issubclass(kind, nn.RNNBase):
            return torch_layers.run_layer(_made(kind, golden), golden)
        return _run(kind, golden, lambda array: torch.tensor(array, dtype=dtype), lambda network: network.to(dtype))

    return run


def _run(
    kind: type, golden: Golden, tensor: Callable[[Any], Any], cast: Callable[[Any], Any] = lambda network: network
) -> tuple[Any, Any]:
    network = cast(_made(kind, golden))
    network.load_state_dict({name: tensor(array) for name, array in golden.weights.items()})
    state = golden.initial_state
    given = tuple(map(tensor, state)) if isinstance(state, tuple) else None if state is None else tensor(state)
    more: dict[str, Any] = {}
    if golden.lengths is not None:
        called = takes(getattr(network, "forward", network))
        if called is not None and "lengths" not in called:
            raise Unsupported(f"{kind.__name__} takes no lengths")
        more["lengths"] = golden.lengths
    result: tuple[Any, Any] = network(tensor(golden.x), given, **more)
    return result


def _made(kind: type, golden: Golden) -> Any:  # noqa: ANN401 - the user's class
    wanted: dict[str, Any] = {**golden.config, "batch_first": True}
    network = kind(**accepted(kind.__name__, kind, wanted, NEEDLESS))
    held: Mapping[str, Any] = network.state_dict() if hasattr(network, "state_dict") else {}
    if "weight_hh_l0" in held:
        require_gates(kind.__name__, golden, len(held["weight_hh_l0"]))
    if golden.cell == "rnn_relu":
        network = kind(**accepted(kind.__name__, kind, {**wanted, "nonlinearity": "relu"}, NEEDLESS))
    return network
