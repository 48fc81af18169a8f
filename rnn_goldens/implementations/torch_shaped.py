"""A class like ``torch.nn.RNN``, ``LSTM`` or ``GRU``, with the same constructor, ``load_state_dict`` and call.

A network is created for each golden, and cached for further calls with it. The constructor receives ``input_size``,
``hidden_size``, ``num_layers``, ``bidirectional``, ``bias``, ``batch_first=True`` and ``nonlinearity``, as far as it
accepts them; the call is ``network(x, initial_state)``. docs/implementations.md says which goldens are refused.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.shapes import STACKED
from rnn_goldens.implementations.array_library import TORCH, Make
from rnn_goldens.implementations.differentiation import given_arrays, gradients, initial_state
from rnn_goldens.implementations.network_construction import (
    BATCHED,
    InstanceCache,
    accepted,
    accepted_only,
    called_unbatched,
    is_of,
    require_gates,
    require_no_more,
    takes,
    takes_state,
)

NEEDLESS = {"num_layers": 1, "bidirectional": False, "bias": True, "batch_first": True}
"""Assumed behaviour of a constructor that does not accept these arguments. ``nonlinearity`` is assumed to be tanh."""

RECURRENT, PROJECTION = "weight_hh_l0", "weight_hr_l0"
"""The recurrent weight, and an additional weight of a layer with a ``proj_size``."""


class TorchShaped:
    """Networks of a user's class."""

    def __init__(self, kind: type) -> None:
        """Store the class; raises WrongUse if it needs an argument that goldens do not have, or is one time step."""
        require_no_more(kind, (*NEEDLESS, "input_size", "hidden_size", "nonlinearity"))
        self.kind, self._is_of_torch, self._is_layer = kind, is_of("torch", kind), False
        if self._is_of_torch:
            from torch import nn

            self._is_layer = issubclass(kind, nn.RNNBase)
            if issubclass(kind, nn.RNNCellBase):
                raise WrongUse(
                    f"{kind.__name__} is a cell of torch.nn, which is one time step: name a class that processes a "
                    "sequence, as torch.nn:GRU does, or check torch-cells"
                )
        self._kept = InstanceCache(self._new, self._set_weights)

    def run(self, golden: Inputs) -> Any:  # noqa: ANN401 - as the class returns them
        """Return out and h_n, or (h_n, c_n), or out alone, as the class returns them."""
        __tracebackhide__ = True
        if not self._is_of_torch:
            return self._call(self._kept(golden), golden, self._given(golden))
        import torch

        with torch.no_grad():
            return self._call(self._kept(golden), golden, self._given(golden))

    def gradients(self, golden: Inputs) -> Mapping[str, Any]:
        """Return the gradients by ``torch.autograd``.

        Raises Unsupported if the class computes with NumPy arrays, or a weight is not a parameter.
        """
        __tracebackhide__ = True
        name = self.kind.__name__
        if not self._is_of_torch:
            raise Unsupported(
                f"{name} takes NumPy arrays, which no framework can differentiate: give a function of a golden that "
                "returns gradients by name"
            )
        if not hasattr(self.kind, "named_parameters"):
            raise Unsupported(f"{name} is not an nn.Module: give a function of a golden that returns gradients")
        network = self._kept(golden)
        own_names = dict(network.named_parameters())
        names = _named(network, {weight: weight for weight in golden.weights})
        weights = {weight: own_names[own] for own, weight in names.items() if own in own_names}
        if missing := [weight for weight in golden.weights if weight not in weights]:
            raise Unsupported(f"{name} has no parameter for {', '.join(missing)}, whose gradients were requested")
        return gradients(TORCH, golden, partial(self._call, network, golden), {**self._given(golden), **weights})

    def _maker(self, golden: Inputs) -> Make:
        """Return the function that creates the arrays that the network accepts."""
        return TORCH.maker(golden.dtype) if self._is_of_torch else lambda array: array

    def _given(self, golden: Inputs) -> dict[str, Any]:
        """Return the input and, if the golden has them, the initial states, as the network accepts them."""
        make = self._maker(golden)
        return {name: make(array) for name, array in given_arrays(golden).items()}

    def _set_weights(self, network: Any, golden: Inputs) -> None:  # noqa: ANN401 - the user's class
        make = self._maker(golden)
        network.load_state_dict(_named(network, {name: make(array) for name, array in golden.weights.items()}))

    def _call(self, network: Any, golden: Inputs, given: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Call the network; raises Unsupported if its call does not accept the golden's state or lengths."""
        __tracebackhide__ = True
        if self._is_layer:
            from rnn_goldens.implementations.torch import call_layer

            return call_layer(network, golden, given)
        name, x, state = self.kind.__name__, given["x"], initial_state(golden, given)
        forward = getattr(network, "forward", network)
        taken, with_state = takes(forward), takes_state(name, forward, state)
        if golden.lengths is not None and taken is not None and "lengths" not in taken:
            raise Unsupported(f"{name} takes no lengths")
        more = {} if golden.lengths is None else {"lengths": self._maker(golden)(golden.lengths)}

        def call(x: Any, state: Any) -> Any:  # noqa: ANN401
            __tracebackhide__ = True
            return network(x, state, **more) if with_state else network(x, **more)

        return call(x, state) if x.ndim == BATCHED else called_unbatched(name, call, x, state)

    def _new(self, golden: Inputs) -> Any:  # noqa: ANN401 - the user's class
        """Return a network for a golden; refuse the golden for the network's weights before missing arguments."""
        kind, name = self.kind, self.kind.__name__
        wanted: dict[str, Any] = {**golden.network, "batch_first": True}
        accepted(kind, {size: wanted[size] for size in ("input_size", "hidden_size")}, {})
        projects = Unsupported(f"{name} projects its state (proj_size), which is another network")
        try:
            network = kind(**accepted_only(kind, wanted))
        except ValueError as error:
            if "proj_size" not in str(error):  # torch requires it to be smaller than hidden_size
                raise
            raise projects from error
        except TypeError as error:
            if "'direction'" not in str(error):  # torch's layers pass on any argument
                raise
            raise Unsupported(f"{name} takes no direction") from error
        _named(network, dict(golden.weights))
        own_names: Mapping[str, Any] = network.state_dict() if hasattr(network, "state_dict") else {}
        parts = [own.rpartition(".")[2] for own in own_names]
        if not golden.network.proj_size and PROJECTION in parts:
            raise projects
        for weight in golden.layout.further:
            if RECURRENT in parts and not any(part.startswith(f"{weight}_l") for part in parts):
                raise Unsupported(f"{name} has no weight {weight}, which {golden.cell} has")
        for part, array in zip(parts, own_names.values(), strict=True):
            if part == RECURRENT:
                require_gates(name, golden, len(array))
        options = {"nonlinearity": "relu"} if golden.cell == "rnn_relu" else {}
        arguments = accepted(kind, {**wanted, **options}, NEEDLESS)
        network = kind(**arguments) if options else network
        if not self._is_of_torch:
            return network
        import torch

        return network.to(getattr(torch, golden.dtype)).eval()


def _named(network: Any, weights: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - the user's class
    """Return the weights under the network's own names, which may share a prefix; raises WrongUse if none matches."""
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
