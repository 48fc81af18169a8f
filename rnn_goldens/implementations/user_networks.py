"""Turns a user's network into an implementation, and into a function that returns gradients, depending on its kind.

====================================  ==============================================  ==================================
network                               run as                                          gradients
====================================  ==============================================  ==================================
a class with ``load_state_dict``      like ``torch.nn.GRU``: ``torch_shaped``         ``torch.autograd``, or none
a class of Keras layers               like ``keras.layers.GRU``: ``keras``            by Keras's backend
a class of Flax cells                 like ``flax.linen.GRUCell``: ``flax``           ``jax.vjp``
a path that ends in ``.onnx``         in ONNX Runtime: ``onnx_runtime``               none
a function ``(x_t, state, weights)``  one time step, unrolled: ``numpy_cells``        none
a function of a recurrence's arrays   by parameters: ``recurrence_function``          ``jax.vjp`` or ``torch.autograd``
any other callable                    a function of a golden                          returned by name; or the same
====================================  ==============================================  ==================================

A function of a golden returns gradients, from ``golden.cotangents``, if ``golden.has_cotangents``; or outputs, which
JAX or torch differentiates. A golden of a recurrence needs a function.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.call_patterns import Backward
from rnn_goldens.comparison.returned import is_array
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.implementations.differentiation import with_gradients
from rnn_goldens.implementations.network_construction import is_of, positional
from rnn_goldens.implementations.recurrence_function import FunctionOfArrays, name_of

Implementation = Callable[[Inputs], tuple[Any, ...]]

STEP_ARGUMENTS = 3

NO_GRADIENTS_IN_ONNX = "ONNX Runtime computes outputs but no gradients"

BY_NAME_ONLY = ("paddle", "mindspore", "mlx", "equinox")
"""Frameworks whose layers have torch's names but different arguments and weights."""


@dataclass(frozen=True)
class Networks:
    """What runs a user's network for a golden: the functions that return its outputs, and its gradients."""

    run: Callable[[Inputs], Any]
    gradients: Callable[[Inputs], Any]


def adapt(found: object) -> Implementation:
    """Return an implementation, a function ``golden → outputs``, for a user's network; out alone is a tuple of one.

    Args:
        found: a network as in the table above. It receives inputs: a golden without its expected values.

    Raises:
        WrongUse: ``found`` is not in the table above.
    """
    by_kind = _by_kind(found)

    def implementation(golden: Inputs) -> tuple[Any, ...]:
        __tracebackhide__ = True
        inputs = golden.for_implementation() if isinstance(golden, Golden) else golden
        found = by_kind[golden.config.kind].run(inputs)
        return (found,) if is_array(found) else found

    return refusing_what_is_not_implemented(implementation)


def adapt_backward(found: object) -> Backward:
    """Return a function that computes the gradients of a user's network, as accepted by ``adapt``, or refuses them."""
    by_kind = _by_kind(found)
    return refusing_what_is_not_implemented(lambda golden: by_kind[golden.config.kind].gradients(golden))


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


def raising(kind: type[Exception], message: str) -> Callable[[Inputs], NoReturn]:
    """Return a function of a golden that raises an error: a new one in each call, as its traceback holds the golden."""

    def run(_: Inputs) -> NoReturn:
        raise kind(message)

    return run


def _by_kind(found: object) -> Mapping[str, Networks]:
    """Return what runs a user's network for a golden, by the kind of the golden."""
    if isinstance(found, str | os.PathLike):
        from rnn_goldens.implementations.onnx_runtime import file_implementation

        file = Networks(file_implementation(os.fspath(found)), raising(Unsupported, NO_GRADIENTS_IN_ONNX))
        return _networks_only("an ONNX file", file)
    if isinstance(found, type):
        own = _of_class(found)
        return _networks_only(found.__name__, Networks(own.run, own.gradients))
    if not callable(found):
        raise WrongUse(f"{found!r} is a {type(found).__name__}, not a function, a class or the path of an .onnx file")
    of_arrays = FunctionOfArrays(found)
    try:
        networks = _of_function(found, of_arrays.cells)
    except WrongUse as error:
        if not of_arrays.resembles_recurrence and of_arrays.least <= STEP_ARGUMENTS:
            raise
        refuse = raising(WrongUse, str(error))
        networks = Networks(refuse, refuse)
    return {Config.kind: networks, RecurrenceConfig.kind: Networks(of_arrays.run, with_gradients(of_arrays.run))}


def _networks_only(what: str, networks: Networks) -> Mapping[str, Networks]:
    """Refuse recurrences; ``what`` names the network in the reason."""

    def refuse(golden: Inputs) -> NoReturn:
        raise Unsupported(f"{what} is checked as a network: {golden.cell} needs a function of its arrays")

    return {Config.kind: networks, RecurrenceConfig.kind: Networks(refuse, refuse)}


def _of_function(found: Callable[..., Any], cells: Sequence[str]) -> Networks:
    """Return what computes networks by a function; raises WrongUse for one that takes the arrays of recurrences."""
    if cells:
        raise WrongUse(
            f"{name_of(found)} takes the arrays of a recurrence: select its goldens, --cell {','.join(cells)}"
        )
    if any(is_of(package, type(found)) for package in ("torch", "keras", "flax")):
        raise WrongUse(
            f"a {type(found).__name__} that is already created has fixed sizes: name the class, which is created "
            "for each golden, or a function of a golden"
        )
    least, most = positional(found)
    if least == STEP_ARGUMENTS:
        from rnn_goldens.implementations.numpy_cells import of_step

        reason = "a single time step has no gradients: give a function of a golden that returns them by name"
        return Networks(of_step(found), raising(Unsupported, reason))
    if least > 1 or most < 1:
        raise WrongUse(
            f"{getattr(found, '__name__', found)} takes {least} arguments: a function of a golden takes one, "
            "a time step three, (x_t, h, weights)"
        )
    return Networks(found, with_gradients(found))


def _of_class(kind: type) -> Any:  # noqa: ANN401 - of the module that runs it
    """Return an object whose ``run`` and ``gradients`` run networks of a class."""
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
        from rnn_goldens.implementations.torch_shaped import TorchShaped

        return TorchShaped(kind)
    raise WrongUse(
        f"{kind.__name__} is a class without load_state_dict, and neither a Keras layer nor a Flax cell: "
        "write a function of a golden that returns (out, h_n), or (out, h_n, c_n)"
    )
