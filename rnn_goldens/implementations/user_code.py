"""Turns a user's network into an implementation, depending on its kind.

==================================================  =================================================================
network                                             run as
==================================================  =================================================================
a class with ``load_state_dict``                    like ``torch.nn.RNN``, ``LSTM`` or ``GRU``: ``torch.own_class``
a class of Keras layers                             like ``keras.layers.LSTM``: ``keras.own_class``
a class of Flax cells                               like ``flax.linen.GRUCell``: ``flax.own_class``
a path that ends in ``.onnx``                       in ONNX Runtime: ``onnx.file``
a function ``(x_t, state, weights)``                one time step, unrolled: ``step_function``
any other callable                                  a function of a golden
==================================================  =================================================================

A golden of a recurrence needs a function: see ``recurrence_function``.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any, TypeVar

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.comparison.returned import is_array
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.implementations.array_library import name_of

Implementation = Callable[[Inputs], tuple[Any, ...]]

Found = TypeVar("Found")
"""Outputs or gradients."""

STEP_ARGUMENTS = 3

BY_NAME_ONLY = ("paddle", "mindspore", "mlx", "equinox")
"""Frameworks whose layers have torch's names but different arguments and weights."""


def adapt(found: object) -> Implementation:
    """Return an implementation, a function ``golden → outputs``, for a user's network; out alone is a tuple of one.

    Args:
        found: a network as in the table above. It receives inputs: a golden without its expected values.

    Raises:
        WrongUse: ``found`` is not in the table above.
    """
    run = _adapted(found)

    def implementation(golden: Inputs) -> tuple[Any, ...]:
        __tracebackhide__ = True
        try:
            found = run(golden.for_implementation() if isinstance(golden, Golden) else golden)
        except NotImplementedError as error:
            raise refusal(error) from error
        return (found,) if is_array(found) else found

    return implementation


def refusal(error: NotImplementedError) -> Unsupported:
    """Return the refusal for a library's NotImplementedError, with its text."""
    reason = str(error).strip().partition("\n")[0]
    return Unsupported(reason or "NotImplementedError without a reason")


def _adapted(found: object) -> Implementation:
    if isinstance(found, str | os.PathLike):
        from rnn_goldens.implementations.onnx import file as onnx_file

        return networks_only("an ONNX file", onnx_file.wrap(os.fspath(found)))
    if isinstance(found, type):
        return networks_only(found.__name__, _of_class(found))
    if not callable(found):
        raise WrongUse(f"{found!r} is a {type(found).__name__}, not a function, a class or the path of an .onnx file")
    from rnn_goldens.implementations import recurrence_function

    try:
        of_networks = _of_function(found)
    except WrongUse as error:
        if not recurrence_function.resembles_recurrence(found):
            raise
        of_networks = _raising(error)
    return by_kind(of_networks, recurrence_function.wrap(found))


def by_kind(
    of_networks: Callable[[Inputs], Found], of_recurrences: Callable[[Inputs], Found]
) -> Callable[[Inputs], Found]:
    """Return a function of a golden that calls one function for networks, and another one for recurrences."""

    def run(golden: Inputs) -> Found:
        __tracebackhide__ = True
        return of_networks(golden) if golden.is_network else of_recurrences(golden)

    return run


def networks_only(what: str, of_networks: Callable[[Inputs], Found]) -> Callable[[Inputs], Found]:
    """Return a function of a golden that refuses recurrences; ``what`` names the network in the reason."""

    def refuse(golden: Inputs) -> Found:
        raise Unsupported(f"{what} is checked as a network: {golden.cell} needs a function of its arrays")

    return by_kind(of_networks, refuse)


def _raising(error: WrongUse) -> Implementation:
    def run(_: Inputs) -> tuple[Any, ...]:
        raise error

    return run


def _of_function(found: Callable[..., Any]) -> Implementation:
    """Return the implementation of networks by a function; raises WrongUse if it is none."""
    from rnn_goldens.implementations import recurrence_function

    if cells := recurrence_function.cells_of(found):
        raise WrongUse(
            f"{name_of(found)} takes the arrays of a recurrence: select its goldens, --cell {','.join(cells)}"
        )
    if is_of("torch", type(found)) or is_of("keras", type(found)) or is_of("flax", type(found)):
        raise WrongUse(
            f"a {type(found).__name__} that is already created has fixed sizes: name the class, which is created "
            "for each golden, or a function of a golden"
        )
    least, most = _takes(found)
    if is_step(found):
        from rnn_goldens.implementations import step_function

        return step_function.wrap(found)
    if least > 1 or most < 1:
        raise WrongUse(
            f"{getattr(found, '__name__', found)} takes {least} arguments: a function of a golden takes one, "
            "a time step three, (x_t, h, weights)"
        )
    return found


def _of_class(kind: type) -> Implementation:
    for package in BY_NAME_ONLY:
        if is_of(package, kind):
            raise WrongUse(
                f"{kind.__name__} is a class of {package}, which resembles torch's only by name: write a function of a "
                "golden that returns (out, h_n), or (out, h_n, c_n)"
            )
    if is_of("keras", kind):
        from rnn_goldens.implementations.keras import own_class as keras_layer

        return keras_layer.wrap(kind)
    if is_of("flax", kind):
        from rnn_goldens.implementations.flax import own_class as flax_cell

        return flax_cell.wrap(kind)
    if hasattr(kind, "load_state_dict"):
        from rnn_goldens.implementations.torch import own_class as torch_shaped

        return torch_shaped.wrap(kind)
    raise WrongUse(
        f"{kind.__name__} is a class without load_state_dict, and neither a Keras layer nor a Flax cell: "
        "write a function of a golden that returns (out, h_n), or (out, h_n, c_n)"
    )


def is_step(found: Callable[..., Any]) -> bool:
    """Return whether a function is one time step, judging by its number of required arguments."""
    return _takes(found)[0] == STEP_ARGUMENTS


def is_of(package: str, kind: type) -> bool:
    """Return whether a class is defined in a package, or derived from a class of the package."""
    return any(base.__module__.partition(".")[0] == package for base in kind.__mro__)


def _takes(function: Callable[..., Any]) -> tuple[int, float]:
    """Return the minimum and maximum number of positional arguments of a function."""
    from rnn_goldens.implementations.arguments import most_positional

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # built into an extension, without a signature
        return 1, 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is p.empty for p in parameters), most_positional(function)
