"""Differentiates a function of a golden that returns outputs, by JAX or torch."""

from collections.abc import Mapping
from typing import Any

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import output_of
from rnn_goldens.implementations.traced_inputs import Function, with_cotangents
from rnn_goldens.implementations.user_code import is_of


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
