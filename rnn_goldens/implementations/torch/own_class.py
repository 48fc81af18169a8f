"""A class shaped like ``torch.nn.RNN``, ``LSTM`` or ``GRU``: its constructor's arguments, ``load_state_dict``, a call.

Made for each golden, and kept for further calls with the same, with those of ``input_size``, ``hidden_size``,
``num_layers``, ``bidirectional``, ``bias``, ``batch_first=True`` and ``nonlinearity`` that its constructor takes, and
called as ``network(x, initial_state)``. A class of torch gets tensors of the golden's precision, in eval mode; any
other gets NumPy arrays. Its weights may all stand one level down, as in ``self.rnn = nn.GRU(…)``.

Refused is what it cannot be asked: an argument its constructor does not take, a cell with another number of gates, an
initial state unless its call takes two arguments, lengths unless it is an ``nn.RNNBase``, which takes packed sequences,
or its call takes ``lengths``; an unbatched input that its call does not take, though it takes a batch of one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.arguments import (
    accepted,
    require_gates,
    require_no_more,
    takes,
    takes_state,
)
from rnn_goldens.implementations.batch_of_one import BATCHED, called_unbatched
from rnn_goldens.implementations.kept import Kept

if TYPE_CHECKING:
    from torch import nn

    from rnn_goldens.implementations.torch.layers import Given

    Call = Callable[[Question, Given], tuple[nn.Module, tuple[Any, Any]]]

Run = Callable[[Question], tuple[Any, Any]]

NEEDLESS = {"num_layers": 1, "bidirectional": False, "bias": True, "batch_first": True}
"""What a constructor that does not take these is taken to do; without ``nonlinearity``, a tanh."""


PROJECTION = "weight_hr_l0"
"""What a layer with a ``proj_size`` has beside the others."""


def wrap(kind: type) -> Run:
    """The implementation: out and h_n, or (h_n, c_n), as the class returns them.

    Raises:
        WrongUse: the constructor needs an argument that a golden does not give; or it is a cell, which is one step.
    """
    require_no_more(kind.__name__, kind, (*NEEDLESS, "input_size", "hidden_size", "nonlinearity"))
    of_torch = any(base.__module__.partition(".")[0] == "torch" for base in kind.__mro__)
    if of_torch:
        return _in_torch(kind)[0]
    kept = Kept(lambda golden: _made(kind, golden), _set_weights)
    return lambda golden: _run(kept(golden), kind.__name__, golden, lambda array: array)


def calling(kind: type) -> "Call":
    """The same of a class of torch's, with tensors that are given: the network, and what it returned."""
    require_no_more(kind.__name__, kind, (*NEEDLESS, "input_size", "hidden_size", "nonlinearity"))
    return _in_torch(kind)[1]


def _set_weights(network: Any, golden: Question) -> None:  # noqa: ANN401 - the user's class
    network.load_state_dict(_named(network, dict(golden.weights)))


def parameters(network: Any, names: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401 - the user's class
    """The parameters of a network of torch's by PyTorch's names, those that it has."""
    held = dict(network.named_parameters())
    return {name: held[own] for own, name in _named(network, {name: name for name in names}).items() if own in held}


def _run(network: Any, name: str, golden: Question, tensor: Callable[[Any], Any]) -> tuple[Any, Any]:  # noqa: ANN401
    """Call the user's network; ``tensor`` makes of an array what it takes for one."""
    __tracebackhide__ = True
    state = golden.initial_state
    given = tuple(map(tensor, state)) if isinstance(state, tuple) else None if state is None else tensor(state)
    lengths = None if golden.lengths is None else tensor(golden.lengths)
    return _called(network, name, tensor(golden.x), given, lengths)


def _called(network: Any, name: str, x: Any, state: Any, lengths: Any) -> tuple[Any, Any]:  # noqa: ANN401 - the user's
    """What a network returns; raises Unsupported if its call does not take the state or the lengths that are given."""
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
    """The weights as the network names them: under a prefix if all of its own have it.

    Raises:
        WrongUse: it has no name in common with PyTorch's.
    """
    held = list(network.state_dict()) if hasattr(network, "state_dict") else []
    prefixes = {name.rpartition(".")[0] for name in held}
    if len(prefixes) == 1 and (prefix := prefixes.pop()) and {f"{prefix}.{name}" for name in weights} == set(held):
        return {f"{prefix}.{name}": array for name, array in weights.items()}
    if held and not {name.rpartition(".")[2] for name in held} & weights.keys():
        raise WrongUse(
            f"{type(network).__name__} names its weights {', '.join(held)}; PyTorch's names are {', '.join(weights)}: "
            "name them so, or write a function of a golden that returns (out, h_n)"
        )
    return weights


def _in_torch(kind: type) -> "tuple[Run, Call]":
    import torch
    from torch import nn

    from rnn_goldens.implementations.torch import layers as torch_layers

    if issubclass(kind, nn.RNNCellBase):
        raise WrongUse(
            f"{kind.__name__} is a cell of torch.nn, which is one time step: name a class that goes through a "
            "sequence, as torch.nn:GRU does, or check torch-cells"
        )

    def tensor(array: Any, golden: Question) -> torch.Tensor:  # noqa: ANN401 - an array of any type
        return torch_layers.tensor(array, torch.int64 if array.dtype.kind == "i" else getattr(torch, golden.dtype))

    def set_weights(network: nn.Module, golden: Question) -> None:
        weights = {name: tensor(array, golden) for name, array in golden.weights.items()}
        network.load_state_dict(_named(network, weights))

    def make(golden: Question) -> nn.Module:
        network: nn.Module = _made(kind, golden).to(getattr(torch, golden.dtype)).eval()
        return network

    kept: Kept[Any] = Kept(make, torch_layers.set_weights if issubclass(kind, nn.RNNBase) else set_weights)

    @torch.no_grad()
    def run(golden: Question) -> tuple[Any, Any]:
        __tracebackhide__ = True
        if issubclass(kind, nn.RNNBase):
            return torch_layers.run_layer(kept, golden)
        return _run(kept(golden), kind.__name__, golden, lambda array: tensor(array, golden))

    def call(golden: Question, given: "Given") -> tuple[nn.Module, tuple[Any, Any]]:
        __tracebackhide__ = True
        network = kept(golden)
        if issubclass(kind, nn.RNNBase):
            return network, torch_layers.call_layer(network, given.x, given.state, golden.lengths)
        lengths = None if golden.lengths is None else tensor(golden.lengths, golden)
        return network, _called(network, kind.__name__, given.x, given.state, lengths)

    return run, call


def _made(kind: type, golden: Question) -> Any:  # noqa: ANN401 - the user's class
    wanted: dict[str, Any] = {**golden.config, "batch_first": True}
    projects = Unsupported(f"{kind.__name__} projects its state (proj_size), which is another network")
    try:
        network = kind(**accepted(kind.__name__, kind, wanted, NEEDLESS))
    except ValueError as error:
        if "proj_size" not in str(error):  # which torch wants to be smaller than hidden_size
            raise
        raise projects from error
    held: Mapping[str, Any] = network.state_dict() if hasattr(network, "state_dict") else {}
    if any(name.rpartition(".")[2] == PROJECTION for name in held):
        raise projects
    for name, array in held.items():
        if name.rpartition(".")[2] == "weight_hh_l0":
            require_gates(kind.__name__, golden, len(array))
    if golden.cell == "rnn_relu":
        network = kind(**accepted(kind.__name__, kind, {**wanted, "nonlinearity": "relu"}, NEEDLESS))
    return network
