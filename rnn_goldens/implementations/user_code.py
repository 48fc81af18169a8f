"""Turns a user's network into an implementation, and into a function that returns gradients, depending on its kind.

====================================  ==============================================  ==================================
network                               run as                                          gradients
====================================  ==============================================  ==================================
a class with ``load_state_dict``      like ``torch.nn.GRU``: ``torch_shaped``         ``torch.autograd``, or none
a class of Keras layers               like ``keras.layers.GRU``: ``keras``            by Keras's backend
a class of Flax cells                 like ``flax.linen.GRUCell``: ``flax``           ``jax.vjp``
a path that ends in ``.onnx``         in ONNX Runtime: ``onnx_runtime``               none
a function ``(x_t, state, weights)``  one time step, unrolled: ``numpy_cells``        none
a function of a recurrence's arrays   by names of parameters: ``function_of_arrays``  ``jax.vjp`` or ``torch.autograd``
any other callable                    a function of a golden                          returned by name; or the same
====================================  ==============================================  ==================================

A function of a golden returns gradients, from ``golden.cotangents``, if ``golden.has_cotangents``; or outputs, which
JAX or torch differentiates. A golden of a recurrence needs a function.
"""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.calls import Backward
from rnn_goldens.comparison.returned import is_array
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.recurrences import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations import function_of_arrays
from rnn_goldens.implementations.array_library import name_of
from rnn_goldens.implementations.differentiation import with_gradients
from rnn_goldens.implementations.own_class import is_of, most_positional

Implementation = Callable[[Inputs], tuple[Any, ...]]

STEP_ARGUMENTS = 3

NO_GRADIENTS_IN_ONNX = "ONNX Runtime computes outputs but no gradients"

BY_NAME_ONLY = ("paddle", "mindspore", "mlx", "equinox")
"""Frameworks whose layers have torch's names but different arguments and weights."""


class Networks(Protocol):
    """What runs a user's network for a golden, and what computes its gradients."""

    def run(self, golden: Inputs, /) -> Any:  # noqa: ANN401 - as the network returns them
        """Return the outputs."""

    def gradients(self, golden: Inputs, /) -> Any:  # noqa: ANN401
        """Return the gradients by name."""


@dataclass(frozen=True)
class _Functions:
    """Networks as two functions."""

    run: Callable[[Inputs], Any]
    gradients: Callable[[Inputs], Any]


def adapt(found: object) -> Implementation:
    """Return an implementation, a function ``golden → outputs``, for a user's network; out alone is a tuple of one.

    Args:
        found: a network as in the table above. It receives inputs: a golden without its expected values.

    Raises:
        WrongUse: ``found`` is not in the table above.
    """
    run = refusing_what_is_not_implemented(_adapted(found).run)

    def implementation(golden: Inputs) -> tuple[Any, ...]:
        __tracebackhide__ = True
        found = run(golden.for_implementation() if isinstance(golden, Golden) else golden)
        return (found,) if is_array(found) else found

    return implementation


def adapt_backward(found: object) -> Backward:
    """Return a function that computes the gradients of a user's network, as accepted by ``adapt``, or refuses them."""
    return _adapted(found).gradients


def refusing_what_is_not_implemented(function: Callable[[Inputs], Any]) -> Callable[[Inputs], Any]:
    """Return a function that refuses a golden where a library raises NotImplementedError, with the error's text."""

    def run(golden: Inputs) -> Any:  # noqa: ANN401 - as the function returns it
        __tracebackhide__ = True
        try:
            return function(golden)
        except NotImplementedError as error:
            reason = str(error).strip().partition("\n")[0]
            raise Unsupported(reason or "NotImplementedError without a reason") from error

    return run


def raising(error: Exception) -> Callable[[Inputs], NoReturn]:
    """Return a function of a golden that raises an error."""

    def run(_: Inputs) -> NoReturn:
        raise error

    return run


def _adapted(found: object) -> Networks:
    if isinstance(found, str | os.PathLike):
        from rnn_goldens.implementations.onnx_runtime import file_implementation

        run = file_implementation(os.fspath(found))
        return _networks_only("an ONNX file", _Functions(run, raising(Unsupported(NO_GRADIENTS_IN_ONNX))))
    if isinstance(found, type):
        return _networks_only(found.__name__, _of_class(found))
    if not callable(found):
        raise WrongUse(f"{found!r} is a {type(found).__name__}, not a function, a class or the path of an .onnx file")
    try:
        networks = _of_function(found)
    except WrongUse as error:
        if not function_of_arrays.resembles_recurrence(found):
            raise
        networks = _Functions(raising(error), raising(error))
    of_arrays = function_of_arrays.wrap(found)
    return _ByKind(networks, _Functions(of_arrays, with_gradients(of_arrays)))


class _ByKind:
    """Networks for a golden, depending on its kind."""

    def __init__(self, networks: Networks, recurrences: Networks) -> None:
        self._by_kind = {Config.kind: networks, RecurrenceConfig.kind: recurrences}

    def run(self, golden: Inputs) -> Any:  # noqa: ANN401 - as the network returns them
        __tracebackhide__ = True
        return self._by_kind[golden.config.kind].run(golden)

    def gradients(self, golden: Inputs) -> Any:  # noqa: ANN401
        __tracebackhide__ = True
        return self._by_kind[golden.config.kind].gradients(golden)


def _networks_only(what: str, networks: Networks) -> Networks:
    """Return networks that refuse recurrences; ``what`` names them in the reason."""

    def refuse(golden: Inputs) -> NoReturn:
        raise Unsupported(f"{what} is checked as a network: {golden.cell} needs a function of its arrays")

    return _ByKind(networks, _Functions(refuse, refuse))


def _of_function(found: Callable[..., Any]) -> Networks:
    """Return what computes networks by a function; raises WrongUse if it computes none."""
    if cells := function_of_arrays.cells_of(found):
        raise WrongUse(
            f"{name_of(found)} takes the arrays of a recurrence: select its goldens, --cell {','.join(cells)}"
        )
    if any(is_of(package, type(found)) for package in ("torch", "keras", "flax")):
        raise WrongUse(
            f"a {type(found).__name__} that is already created has fixed sizes: name the class, which is created "
            "for each golden, or a function of a golden"
        )
    least, most = _takes(found)
    if least == STEP_ARGUMENTS:
        from rnn_goldens.implementations.numpy_cells import of_step

        reason = "a single time step has no gradients: give a function of a golden that returns them by name"
        return _Functions(of_step(found), raising(Unsupported(reason)))
    if least > 1 or most < 1:
        raise WrongUse(
            f"{getattr(found, '__name__', found)} takes {least} arguments: a function of a golden takes one, "
            "a time step three, (x_t, h, weights)"
        )
    return _Functions(found, with_gradients(found))


def _of_class(kind: type) -> Networks:
    for package in BY_NAME_ONLY:
        if is_of(package, kind):
            raise WrongUse(
                f"{kind.__name__} is a class of {package}, which resembles torch's only by name: write a function of a "
                "golden that returns (out, h_n), or (out, h_n, c_n)"
            )
    if is_of("keras", kind):
        from rnn_goldens.implementations.keras import own_layers

        return own_layers(kind)
    if is_of("flax", kind):
        from rnn_goldens.implementations.flax import own_cells

        return own_cells(kind)
    if hasattr(kind, "load_state_dict"):
        from rnn_goldens.implementations.torch_shaped import torch_shaped

        return torch_shaped(kind)
    raise WrongUse(
        f"{kind.__name__} is a class without load_state_dict, and neither a Keras layer nor a Flax cell: "
        "write a function of a golden that returns (out, h_n), or (out, h_n, c_n)"
    )


def _takes(function: Callable[..., Any]) -> tuple[int, float]:
    """Return the minimum and maximum number of positional arguments of a function."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # built into an extension, without a signature
        return 1, 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is p.empty for p in parameters), most_positional(function)
