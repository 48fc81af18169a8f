"""Gradients of a function of a golden that returns outputs: JAX or torch differentiates it."""

from collections.abc import Mapping
from typing import Any

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.implementations.traced import Function, with_cotangents
from rnn_goldens.implementations.users_own import is_of


def differentiated(function: Function, golden: Question, outputs: Any) -> Mapping[str, Any]:  # noqa: ANN401 - the user's
    """Call it again, with arrays that are followed, and go back from what it returns.

    Args:
        function: the user's.
        golden: a question with cotangents.
        outputs: what the function returned for it: they tell what it computes in.

    Raises:
        Unsupported: it computes in neither, or not with the arrays it is given.
        Exception: what its own backward code raises.
    """
    __tracebackhide__ = True
    found = {COTANGENTS[name]: output for name, output in with_cotangents(golden, outputs).items()}
    if all(is_of("torch", type(output)) for output in found.values()):
        from rnn_goldens.implementations.torch.function import gradients as by_torch

        return by_torch(function, golden)
    if all(is_of("jax", type(output)) or is_of("jaxlib", type(output)) for output in found.values()):
        from rnn_goldens.implementations.jax_function import gradients as by_jax

        return by_jax(function, golden)
    kinds = ", ".join(f"{name} of {type(output).__module__}.{type(output).__name__}" for name, output in found.items())
    raise Unsupported(
        f"the function returned {kinds}: outputs in JAX or in torch can be differentiated; "
        "any other function returns gradients by name where golden.asks_gradients"
    )
