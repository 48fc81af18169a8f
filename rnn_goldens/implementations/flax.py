"""Flax: ``flax.linen.RNN`` over a cell per layer and direction: Flax's own cells, and users' classes of cells.

Flax's own are ``SimpleCell``, ``OptimizedLSTMCell`` and ``GRUCell``. Flax documents that it does not mask outputs
beyond a sequence's end; here they are set to zero, as users do.

A user's cell is created as ``Kind(hidden_size, param_dtype=…)``. If the constructor accepts them, it also receives the
arguments that select the golden's cell: ``activation_fn``, ``gate_fn``. A cell whose parameters differ from those of
Flax's own cell is refused.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, traverse_util

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.array_library import JAX, Named
from rnn_goldens.implementations.differentiation import given_arrays, gradients
from rnn_goldens.implementations.network_construction import accepted, require_cell, selecting

OF_CELLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (linen.SimpleCell, {"activation_fn": jnp.tanh}),
    "rnn_relu": (linen.SimpleCell, {"activation_fn": jax.nn.relu}),
    "lstm": (linen.OptimizedLSTMCell, {}),
    "gru": (linen.GRUCell, {}),
    "rnn_tanh_reverse": (linen.SimpleCell, {"activation_fn": jnp.tanh}),
    "lstm_reverse": (linen.OptimizedLSTMCell, {}),
    "gru_reverse": (linen.GRUCell, {}),
    "lstm_hard_sigmoid_sixth": (linen.OptimizedLSTMCell, {"gate_fn": jax.nn.hard_sigmoid}),
    "gru_hard_sigmoid_sixth": (linen.GRUCell, {"gate_fn": jax.nn.hard_sigmoid}),
    "rnn_sigmoid": (linen.SimpleCell, {"activation_fn": jax.nn.sigmoid}),
    "rnn_softsign": (linen.SimpleCell, {"activation_fn": jax.nn.soft_sign}),
    "rnn_softplus": (linen.SimpleCell, {"activation_fn": jax.nn.softplus}),
}
"""The class and arguments of Flax's own cell, for each cell that Flax computes."""

_nested: Callable[..., dict[str, Any]] = traverse_util.unflatten_dict
_flat: Callable[..., dict[str, Any]] = traverse_util.flatten_dict


class Cells:
    """Networks of cells.

    Attributes:
        make: creates the cell for a golden, of its hidden size and precision.
        require_fit: raises Unsupported if the cell cannot have the golden's weights.
    """

    def __init__(
        self,
        make: Callable[[Inputs], linen.RNNCellBase],
        require_fit: Callable[[Inputs, linen.RNNCellBase], None] = lambda *_: None,
    ) -> None:
        self.make, self.require_fit = make, require_fit

    def run(self, golden: Inputs) -> tuple[jax.Array, ...]:
        """Return out, h_n (and c_n)."""
        with JAX.in_precision(golden):
            return self._call(golden, self._arrays(golden))

    def gradients(self, golden: Inputs) -> Mapping[str, Any]:
        """Return the gradients by ``jax.vjp``, under PyTorch's names."""
        with JAX.in_precision(golden):
            return gradients(JAX, golden, partial(self._call, golden), self._arrays(golden), "flax")

    def _arrays(self, golden: Inputs) -> Named:
        """Return weights, input and given initial states; refuse a golden that the cell does not fit."""
        self.require_fit(golden, self.make(golden))
        arrays = {**given_arrays(golden), **golden.weights_as("flax")}
        return {name: jnp.asarray(array, jnp.dtype(golden.dtype)) for name, array in arrays.items()}

    def _call(self, golden: Inputs, arrays: Named) -> tuple[jax.Array, ...]:
        given = given_arrays(golden)
        params = _nested({name: array for name, array in arrays.items() if name not in given}, sep="/")
        x, states = arrays["x"], [arrays[name] for name in golden.given_states]
        lengths = None if golden.lengths is None else jnp.asarray(golden.lengths, jnp.int32)
        last_states: list[tuple[jax.Array, ...]] = []
        for suffixes in golden.network.layers:
            outs = []
            for suffix in suffixes:
                is_reverse = suffix.endswith("_reverse")
                rnn = linen.RNN(self.make(golden), reverse=is_reverse, keep_order=True, return_carry=True)
                start = tuple(state[len(last_states)] for state in reversed(states))  # Flax expects (c, h)
                carry = start if len(start) > 1 else next(iter(start), None)
                variables = {"params": {"cell": params[suffix]}}
                result: Any = rnn.apply(variables, x, initial_carry=carry, seq_lengths=lengths)
                last, out = result
                outs.append(out)
                last_states.append(tuple(reversed(last)) if isinstance(last, tuple) else (last,))
            x = jnp.concatenate(outs, axis=-1)
            if lengths is not None:
                x = jnp.where(jnp.arange(x.shape[1])[:, None] < lengths[:, None, None], x, 0)
        return x, *(jnp.stack(states) for states in zip(*last_states, strict=True))


def _own(golden: Inputs) -> linen.RNNCellBase:
    """Return Flax's own cell for a golden."""
    require_cell(golden, "Flax", OF_CELLS)
    kind, arguments = OF_CELLS[golden.cell]
    cell: linen.RNNCellBase = kind(golden.network.hidden_size, param_dtype=jnp.dtype(golden.dtype), **arguments)
    return cell


CELLS = Cells(_own)


def own_cells(kind: type[linen.RNNCellBase]) -> Cells:
    """Return networks of a user's class, shaped like a cell of ``flax.linen``; raises WrongUse if it is none."""
    if not issubclass(kind, linen.RNNCellBase):
        of = "flax.nnx" if any(base.__module__.startswith("flax.nnx") for base in kind.__mro__) else "Flax"
        raise WrongUse(
            f"{kind.__name__} is a class of {of}; supported are cells of flax.linen, derived from "
            "linen.RNNCellBase: write a function of a golden that returns (out, h_n), or (out, h_n, c_n)"
        )

    def make(golden: Inputs) -> linen.RNNCellBase:
        wanted: dict[str, Any] = {"features": golden.network.hidden_size, "param_dtype": jnp.dtype(golden.dtype)}
        wanted |= selecting(golden, kind, OF_CELLS)
        return kind(**accepted(kind, wanted, {"param_dtype": jnp.dtype("float32")}))

    return Cells(make, _require_parameters)


def _require_parameters(golden: Inputs, cell: linen.RNNCellBase) -> None:
    """Raise Unsupported if the parameters of a cell differ from those of Flax's own cell for a golden."""
    name, key = type(cell).__name__, jax.random.key(0)
    x = jnp.zeros((1, golden.network.input_size), jnp.dtype(golden.dtype))
    shapes: Any = jax.eval_shape(lambda: cell.init(key, cell.initialize_carry(key, x.shape), x))
    has = {path: array.shape for path, array in _flat(shapes.get("params", {}), sep="/").items()}
    first = f"{golden.network.suffixes[0]}/"
    weights = golden.weights_as("flax").items()
    wanted = {path.removeprefix(first): array.shape for path, array in weights if path.startswith(first)}
    for path in sorted(has.keys() ^ wanted.keys()):
        raise Unsupported(f"{name} has {'no' if path in wanted else 'a'} {path}, unlike Flax's cell for {golden.cell}")
    for path, shape in wanted.items():
        if has[path] != shape:
            raise Unsupported(f"{name} has {path} of shape {has[path]}, Flax's cell for {golden.cell} has {shape}")
