"""What gives the gradients of an implementation: the backward pass of a framework, a user's function, or a program.

=======================================  ============================================================================
what it is                               how its gradients are had
=======================================  ============================================================================
a class of ``torch.nn.Module``           ``torch.autograd``, from the cotangents of what it returns
a class of Keras layers                  ``jax.vjp`` or ``torch.autograd``, as Keras runs on JAX or torch
a class of Flax cells                    ``jax.vjp``
a function of a golden                   it returns them by name where ``golden.asks_gradients``, from ``cotangents``
one that returns outputs                 ``jax.vjp`` or ``torch.autograd``, as its outputs are of JAX or of torch
=======================================  ============================================================================

What can not give any is refused, golden by golden: an ONNX file, a class with NumPy arrays, a single time step.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.builtin import BUILTIN
from rnn_goldens.implementations.differentiated import differentiated
from rnn_goldens.implementations.named import ONNX
from rnn_goldens.implementations.users_own import Implementation, is_of, is_step, refusal
from rnn_goldens.importing import imported
from rnn_goldens.judging.calls import Backward
from rnn_goldens.judging.outputs import OUTPUTS, is_array
from rnn_goldens.programs.program import Program


def backward_of(name: str, run: Implementation, folder: Path | None = None) -> Backward:  # noqa: ARG001
    """What gives the gradients of an implementation; what can not raises Unsupported when it is called.

    Args:
        name: as for ``resolve``.
        run: what that returned.
        folder: likewise.
    """
    if isinstance(run, Program):
        return run.gradients
    backward = _backward_of(name)

    def gradients(golden: Question) -> Mapping[str, Any]:
        __tracebackhide__ = True
        try:
            return backward(golden)
        except NotImplementedError as error:
            raise refusal(error) from error

    return gradients


def _backward_of(name: str) -> Backward:
    if name.endswith(ONNX):
        return refusing("ONNX Runtime computes outputs, and no gradients")
    if name not in BUILTIN:
        return adapt_backward(imported(name, f"implementation {name!r}"))
    if not (gradients := BUILTIN[name].gradients):
        return refusing(f"{name} computes outputs, and no gradients")
    return _of_function(imported(gradients, f"implementation {name!r}"))


def adapt_backward(found: object) -> Backward:
    """The same of a user's class or function, which ``adapt`` takes."""
    if not isinstance(found, type):
        if callable(found) and is_step(found):
            return refusing(
                "a single time step has no gradients: give a function of a golden that returns them by name"
            )
        return _of_function(found)
    if is_of("keras", found):
        from rnn_goldens.implementations.keras.gradients import wrap as of_keras

        return of_keras(found)
    if is_of("flax", found):
        from rnn_goldens.implementations.flax.gradients import wrap as of_flax

        return of_flax(found)
    if is_of("torch", found):
        from rnn_goldens.implementations.torch.gradients import wrap as of_torch

        return of_torch(found)
    return refusing(
        f"{found.__name__} takes NumPy arrays, through which no framework goes back: give a function of a golden that "
        "returns gradients by name"
    )


def refusing(reason: str) -> Backward:
    """What refuses every golden."""

    def refuse(_: Question) -> Mapping[str, Any]:
        raise Unsupported(reason)

    return refuse


def _of_function(function: Any) -> Backward:  # noqa: ANN401 - the user's
    def backward(golden: Question) -> Mapping[str, Any]:
        __tracebackhide__ = True
        found = function(golden)
        if is_array(found) or (isinstance(found, tuple | list) and len(found) in OUTPUTS):
            return differentiated(function, golden, found)
        gradients: Mapping[str, Any] = found
        return gradients

    return backward
