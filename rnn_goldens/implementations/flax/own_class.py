"""A class of Flax cells shaped like ``flax.linen.SimpleCell``, ``LSTMCell`` or ``GRUCell``, unrolled by ``linen.RNN``.

A cell is created for each layer and direction of a golden as ``Kind(hidden_size, param_dtype=…)``. If the constructor
accepts them, it also receives the arguments that select the golden's cell: ``activation_fn``, ``gate_fn``. A cell whose
parameters differ from those of Flax's own cell is refused.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, traverse_util

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.arguments import accepted, accepted_only
from rnn_goldens.implementations.flax.cells import CELLS, Make, gradients_of_cells, run_cells
from rnn_goldens.implementations.jax_function import in_precision

_flat: Callable[..., dict[str, Any]] = traverse_util.flatten_dict


def wrap(kind: type[linen.RNNCellBase]) -> Callable[[Inputs], tuple[Any, ...]]:
    """Return the implementation, which returns out, h_n (and c_n).

    Raises:
        WrongUse: the class is not a cell of ``flax.linen``.
    """
    make = making(kind)
    return lambda golden: run_cells(golden, make(golden))


def making(kind: type[linen.RNNCellBase]) -> Callable[[Inputs], Make]:
    """Return a function that returns the constructor of a golden's cells; raises WrongUse as ``wrap`` does."""
    if not issubclass(kind, linen.RNNCellBase):
        of = "flax.nnx" if any(base.__module__.startswith("flax.nnx") for base in kind.__mro__) else "Flax"
        raise WrongUse(
            f"{kind.__name__} is a class of {of}; supported are cells of flax.linen, derived from "
            "linen.RNNCellBase: write a function of a golden that returns (out, h_n), or (out, h_n, c_n)"
        )

    def make(golden: Inputs) -> linen.RNNCellBase:
        wanted: dict[str, Any] = {"features": golden.network.hidden_size, "param_dtype": jnp.dtype(golden.dtype)}
        _, arguments = CELLS.get(golden.cell, (None, {}))
        wanted |= accepted_only(kind, arguments)
        if golden.cell == "rnn_relu":
            wanted["activation_fn"] = jax.nn.relu
        return kind(**accepted(kind.__name__, kind, wanted, {"param_dtype": jnp.dtype("float32")}))

    def fitting(golden: Inputs) -> Make:
        with in_precision(golden):
            _require_parameters(kind.__name__, make(golden), golden)
        return make

    return fitting


def _require_parameters(name: str, cell: linen.RNNCellBase, golden: Inputs) -> None:
    x = jnp.zeros((1, golden.network.input_size), jnp.dtype(golden.dtype))
    key = jax.random.key(0)
    shapes: Any = jax.eval_shape(lambda: cell.init(key, cell.initialize_carry(key, x.shape), x))
    has = {path: array.shape for path, array in _flat(shapes.get("params", {}), sep="/").items()}
    first = f"{golden.network.suffixes[0]}/"
    wanted = {
        path.removeprefix(first): array.shape
        for path, array in golden.weights_as("flax").items()
        if path.startswith(first)
    }
    for path in sorted(has.keys() ^ wanted.keys()):
        raise Unsupported(f"{name} has {'no' if path in wanted else 'a'} {path}, unlike Flax's cell for {golden.cell}")
    for path, shape in wanted.items():
        if has[path] != shape:
            raise Unsupported(f"{name} has {path} of shape {has[path]}, Flax's cell for {golden.cell} has {shape}")


def wrap_gradients(kind: type[linen.RNNCellBase]) -> Callable[[Inputs], dict[str, Any]]:
    """Return a function that computes the gradients of a user's class; raises WrongUse as ``wrap`` does."""
    make = making(kind)
    return lambda golden: gradients_of_cells(golden, make(golden))
