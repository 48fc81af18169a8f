"""A class like ``torch.nn.RNN``, ``LSTM`` or ``GRU``, with the same constructor, ``load_state_dict`` and call.

A network is created for each golden, and cached for further calls with it. The constructor receives ``input_size``,
``hidden_size``, ``num_layers``, ``bidirectional``, ``bias``, ``batch_first=True`` and ``nonlinearity``, as far as it
accepts them; the call is ``network(x, initial_state)``. A torch class receives tensors of the golden's precision, in
eval mode; any other class receives NumPy arrays. All weights may be one level down, as in ``self.rnn = nn.GRU(…)``.

A golden is refused if it needs an argument that the constructor does not accept; if its cell has another number of
gates; if it has an initial state and the call accepts one argument; if it has lengths, it is not an ``nn.RNNBase``
and the call does not accept ``lengths``; or if it is unbatched and the call accepts only batches.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.shapes import STACKED
from rnn_goldens.implementations.arguments import (
    accepted,
    accepted_only,
    require_gates,
    require_no_more,
    takes,
    takes_state,
)
from rnn_goldens.implementations.batch_of_one import BATCHED, called_unbatched
from rnn_goldens.implementations.instance_cache import InstanceCache

if TYPE_CHECKING:
    from torch import nn

    from rnn_goldens.implementations.torch.layers import TorchInputs

    Call = Callable[[Inputs, TorchInputs], tuple[nn.Module, tuple[Any, Any]]]

Run = Callable[[Inputs], Any]

NEEDLESS = {"num_layers": 1, "bidirectional": False, "bias": True, "batch_first": True}
"""Assumed behaviour of a constructor that does not accept these arguments. ``nonlinearity`` is assumed to be tanh."""


PROJECTION = "weight_hr_l0"
"""Additional weight of a layer with a ``proj_size``."""


def wrap(kind: type) -> Run:
    """Return the implementation: out and h_n, or (h_n, c_n), or out alone, as the class returns them.

    Raises:
        WrongUse: the constructor requires an argument that goldens do not provide, or the class is a single time step.
    """
    require_no_more(kind.__name__, kind, (*NEEDLESS, "input_size", "hidden_size", "nonlinearity"))
    of_torch = any(base.__module__.partition(".")[0] == "torch" for base in kind.__mro__)
    if of_torch:
        return _in_torch(kind)[0]
    kept = InstanceCache(lambda golden: _new_network(kind, golden), _set_weights)
    return lambda golden: _run(kept(golden), kind.__name__, golden, lambda array: array)


def calling(kind: type) -> "Call":
    """Return, for a torch class, a function of a golden and its tensors that returns the network and its outputs."""
    require_no_more(kind.__name__, kind, (*NEEDLESS, "input_size", "hidden_size", "nonlinearity"))
    return _in_torch(kind)[1]


def _set_weights(network: Any, golden: Inputs) -> None:  # noqa: ANN401 - the user's class
    network.load_state_dict(_named(network, dict(golden.weights)))


def parameters(network: Any, names: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401 - the user's class
    """Return the parameters of a torch network by PyTorch's names."""
    own_names = dict(network.named_parameters())
    return {
        name: own_names[own]
        for own, name in _named(network, {name: name for name in names}).items()
        if own in own_names
    }


def _run(network: Any, name: str, golden: Inputs, tensor: Callable[[Any], Any]) -> tuple[Any, Any]:  # noqa: ANN401
    """Call the user's network; ``tensor`` converts an array to the type that it accepts."""
    __tracebackhide__ = True
    state = golden.initial_state
    start = tuple(map(tensor, state)) if isinstance(state, tuple) else None if state is None else tensor(state)
    lengths = None if golden.lengths is None else tensor(golden.lengths)
    return _called(network, name, tensor(golden.x), start, lengths)


def _called(network: Any, name: str, x: Any, state: Any, lengths: Any) -> tuple[Any, Any]:  # noqa: ANN401 - the user's
    """Return a network's outputs; raises Unsupported if its call does not accept the golden's state or lengths."""
    __tracebackhide__ = True
    forward = getattr(network, "forward", network)
    taken, with_state = takes(forward), takes_state(name, forward, state)
    if lengths is not None and taken is not None and "lengths" not in taken:
        raise Unsupported(f"{name} takes no lengths")
    named = {} if lengths is None else {"lengths": lengths}

    def call(x: Any, state: Any) -> Any:  # noqa: ANN401
        __tracebackhide__ = True
        return network(x, state, **named) if with_state else network(x, **named)

    result: tuple[Any, Any] = call(x, state) if x.ndim == BATCHED else called_unbatched(name, call, x, state)
    return result


def _named(network: Any, weights: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - the user's class
    """Return the weights under the network's own names: with a prefix if all of its parameters have it.

    Raises:
        WrongUse: no name matches PyTorch's.
    """
    own_names = list(network.state_dict()) if hasattr(network, "state_dict") else []
    prefixes = {name.rpartition(".")[0] for name in own_names}
    if len(prefixes) == 1 and (prefix := prefixes.pop()) and {f"{prefix}.{name}" for name in weights} == set(own_names):
        return {f"{prefix}.{name}": array for name, array in weights.items()}
    if own_names and not {name.rpartition(".")[2] for name in own_names} & weights.keys():
        names = dict.fromkeys((*(f"{name}_l0" for name, _ in STACKED), *weights))
        raise WrongUse(
            f"{type(network).__name__} names its weights {', '.join(own_names)}; PyTorch's names are "
            f"{', '.join(names)}: use these names, or write a function of a golden that returns (out, h_n), or "
            "(out, h_n, c_n)"
        )
    return weights


def _in_torch(kind: type) -> "tuple[Run, Call]":
    import torch
    from torch import nn

    from rnn_goldens.implementations.torch import layers as torch_layers

    if issubclass(kind, nn.RNNCellBase):
        raise WrongUse(
            f"{kind.__name__} is a cell of torch.nn, which is one time step: name a class that processes a "
            "sequence, as torch.nn:GRU does, or check torch-cells"
        )

    def tensor(array: Any, golden: Inputs) -> torch.Tensor:  # noqa: ANN401 - an array of any type
        return torch_layers.tensor(array, torch.int64 if array.dtype.kind == "i" else getattr(torch, golden.dtype))

    def set_weights(network: nn.Module, golden: Inputs) -> None:
        weights = {name: tensor(array, golden) for name, array in golden.weights.items()}
        network.load_state_dict(_named(network, weights))

    def make(golden: Inputs) -> nn.Module:
        network: nn.Module = _new_network(kind, golden).to(getattr(torch, golden.dtype)).eval()
        return network

    kept: InstanceCache[Any] = InstanceCache(
        make, torch_layers.set_weights if issubclass(kind, nn.RNNBase) else set_weights
    )

    @torch.no_grad()
    def run(golden: Inputs) -> Any:  # noqa: ANN401 - as the class returns it
        __tracebackhide__ = True
        if issubclass(kind, nn.RNNBase):
            return torch_layers.run_layer(kept, golden)
        return _run(kept(golden), kind.__name__, golden, lambda array: tensor(array, golden))

    def call(golden: Inputs, inputs: "TorchInputs") -> tuple[nn.Module, tuple[Any, Any]]:
        __tracebackhide__ = True
        network = kept(golden)
        if issubclass(kind, nn.RNNBase):
            return network, torch_layers.call_layer(network, inputs.x, inputs.state, golden.lengths)
        lengths = None if golden.lengths is None else tensor(golden.lengths, golden)
        return network, _called(network, kind.__name__, inputs.x, inputs.state, lengths)

    return run, call


def _new_network(kind: type, golden: Inputs) -> Any:  # noqa: ANN401 - the user's class
    """Return a network for a golden; refuse the golden for the network's weights before missing arguments."""
    wanted: dict[str, Any] = {**golden.network, "batch_first": True}
    accepted(kind.__name__, kind, {name: wanted[name] for name in ("input_size", "hidden_size")}, {})
    projects = Unsupported(f"{kind.__name__} projects its state (proj_size), which is another network")
    try:
        network = kind(**accepted_only(kind, wanted))
    except ValueError as error:
        if "proj_size" not in str(error):  # torch requires it to be smaller than hidden_size
            raise
        raise projects from error
    except TypeError as error:
        if "'direction'" not in str(error):  # torch's layers pass on any argument
            raise
        raise Unsupported(f"{kind.__name__} takes no direction") from error
    _named(network, dict(golden.weights))
    own_names: Mapping[str, Any] = network.state_dict() if hasattr(network, "state_dict") else {}
    if not golden.network.proj_size and any(name.rpartition(".")[2] == PROJECTION for name in own_names):
        raise projects
    last_parts = {name.rpartition(".")[2] for name in own_names}
    for name in golden.layout.further:
        if "weight_hh_l0" in last_parts and not any(part.startswith(f"{name}_l") for part in last_parts):
            raise Unsupported(f"{kind.__name__} has no weight {name}, which {golden.cell} has")
    for name, array in own_names.items():
        if name.rpartition(".")[2] == "weight_hh_l0":
            require_gates(kind.__name__, golden, len(array))
    wanted |= {"nonlinearity": "relu"} if golden.cell == "rnn_relu" else {}
    arguments = accepted(kind.__name__, kind, wanted, NEEDLESS)
    return kind(**arguments) if golden.cell == "rnn_relu" else network
