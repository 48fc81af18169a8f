"""Computes the gradients of an implementation: by a framework, a user's function, or a program.

=======================================  ============================================================================
implementation                           gradients
=======================================  ============================================================================
a class of ``torch.nn.Module``           ``torch.autograd``, from the cotangents of its outputs
a class of Keras layers                  ``jax.vjp``, ``torch.autograd`` or ``tf.GradientTape``: Keras's backend decides
a class of Flax cells                    ``jax.vjp``
a function of a golden                   returned by name, from ``golden.cotangents``, if ``golden.has_cotangents``
a function that returns outputs          ``jax.vjp`` or ``torch.autograd``, depending on the library of its outputs
a function of a recurrence's arrays      the same
=======================================  ============================================================================

A program answers requests for gradients. Gradients are refused for: an ONNX file, ``onnxruntime``,
``onnx-reference``, a class that computes with NumPy arrays, and a single time step.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.calls import Backward
from rnn_goldens.comparison.returned import is_array, possible_counts, unknown
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import output_of
from rnn_goldens.implementations import recurrence_function
from rnn_goldens.implementations.builtin import BUILTIN, built_in
from rnn_goldens.implementations.resolution import ONNX
from rnn_goldens.implementations.traced_inputs import Function, with_cotangents
from rnn_goldens.implementations.user_code import Implementation, by_kind, is_of, is_step, networks_only, refusal
from rnn_goldens.named_object import import_object
from rnn_goldens.programs.program import Program


def backward_of(name: str, run: Implementation, folder: Path | None = None) -> Backward:  # noqa: ARG001
    """Return a function that computes the gradients of an implementation, or raises Unsupported.

    Args:
        name: as for ``resolve``.
        run: the implementation that ``resolve`` returned.
        folder: as for ``resolve``.
    """
    if isinstance(run, Program):
        return run.gradients
    backward = _backward_of(name)

    def gradients(golden: Inputs) -> Mapping[str, Any]:
        __tracebackhide__ = True
        try:
            return backward(golden)
        except NotImplementedError as error:
            raise refusal(error) from error

    return gradients


def _backward_of(name: str) -> Backward:
    if name.endswith(ONNX):
        return refusing("ONNX Runtime computes outputs but no gradients")
    if name in BUILTIN:
        return _of_function(built_in(name, back=True))
    return adapt_backward(import_object(name, f"implementation {name!r}"))


def adapt_backward(found: object) -> Backward:
    """Return the function that ``backward_of`` returns for a user's class or function, as accepted by ``adapt``."""
    if isinstance(found, type):
        return networks_only(found.__name__, _of_class(found))
    of_networks = _of_function(found)
    if callable(found) and is_step(found):
        of_networks = refusing(
            "a single time step has no gradients: give a function of a golden that returns them by name"
        )
    return by_kind(of_networks, _of_function(recurrence_function.wrap(found)))  # type: ignore[arg-type] # it is called


def _of_class(found: type) -> Backward:
    if is_of("keras", found):
        from rnn_goldens.implementations.keras.gradients import wrap as of_keras

        return of_keras(found)
    if is_of("flax", found):
        from rnn_goldens.implementations.flax.own_class import wrap_gradients as of_flax

        return of_flax(found)
    if is_of("torch", found):
        from rnn_goldens.implementations.torch.gradients import wrap as of_torch

        return of_torch(found)
    return refusing(
        f"{found.__name__} takes NumPy arrays, which no framework can differentiate: give a function of a golden that "
        "returns gradients by name"
    )


def refusing(reason: str) -> Backward:
    """Return a function that refuses every golden."""

    def refuse(_: Inputs) -> Mapping[str, Any]:
        raise Unsupported(reason)

    return refuse


def _of_function(function: Any) -> Backward:  # noqa: ANN401 - the user's
    def backward(golden: Inputs) -> Mapping[str, Any]:
        __tracebackhide__ = True
        found = function(golden)
        if _are_outputs(found, golden):
            return differentiated(function, golden, found)
        gradients: Mapping[str, Any] = found
        return gradients

    return backward


def _are_outputs(found: object, golden: Inputs) -> bool:
    """Return whether a function returned outputs rather than gradients by name."""
    if isinstance(found, Mapping):
        return bool(found) and not unknown(golden.layout, found)
    counts = {1, *possible_counts(golden.layout)}
    return is_array(found) or (isinstance(found, tuple | list) and len(found) in counts)


def differentiated(function: Function, golden: Inputs, outputs: Any) -> Mapping[str, Any]:  # noqa: ANN401 - the user's
    """Call the function again with traced arrays, and differentiate its outputs.

    Args:
        function: the user's function.
        golden: inputs with cotangents.
        outputs: the function's outputs from the first call; their type selects the framework.

    Raises:
        Unsupported: the outputs are of neither JAX nor torch, or the function does not accept traced arrays.
        Exception: raised by the user's own backward code.
    """
    __tracebackhide__ = True
    found = {output_of(name): output for name, output in with_cotangents(golden, outputs).items()}
    if all(is_of("torch", type(output)) for output in found.values()):
        from rnn_goldens.implementations.torch.gradients import function_gradients as by_torch

        return by_torch(function, golden)
    if all(is_of("jax", type(output)) or is_of("jaxlib", type(output)) for output in found.values()):
        from rnn_goldens.implementations.jax_function import gradients as by_jax

        return by_jax(function, golden)
    kinds = ", ".join(f"{name} as {type(output).__module__}.{type(output).__name__}" for name, output in found.items())
    raise Unsupported(
        f"the function returned {kinds}: only outputs in JAX or in torch can be differentiated; "
        "any other function must return gradients by name where golden.has_cotangents"
    )
