"""Gradients by name, from what people have: a mapping, keywords, or a torch module after ``backward()``."""

from collections.abc import Mapping
from typing import Any

from rnn_goldens.counted import counted
from rnn_goldens.golden.data import QuestionData

HOW = "check_gradients({'x': …, 'weight_ih_l0': …}), or check_gradients(module, x=x.grad)"


def given_gradients(golden: QuestionData, gradients: object, named: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients by name.

    Args:
        golden: whose.
        gradients: a mapping; a torch module, whose parameters' ``.grad`` count; or None.
        named: others.

    Raises:
        TypeError: it is something else, such as outputs, or a name is given twice.
    """
    found = _by_name(golden, gradients)
    if twice := sorted(found.keys() & named.keys()):
        raise TypeError(f"the gradient of {', '.join(twice)} is given twice: in the first argument and by name")
    if odd := [name for name in found if not isinstance(name, str)]:
        raise TypeError(f"gradients are given by name, and {odd[0]!r} is none: {HOW}")
    return {**found, **named}


def _by_name(golden: QuestionData, gradients: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a user gave
    if gradients is None:
        return {}
    if isinstance(gradients, Mapping):
        return dict(gradients)
    if hasattr(gradients, "named_parameters"):
        return _of_module(golden, gradients)
    if isinstance(gradients, tuple | list):
        outputs = " are these the outputs? check(out, h_n) compares those;" if len(gradients) in (2, 3) else ""
        what = f"a {type(gradients).__name__} of {counted(len(gradients), 'part')}:{outputs} gradients"
        raise TypeError(f"what was given is {what} are given by name: {HOW}")
    raise TypeError(f"what was given is a {type(gradients).__name__}; gradients are given by name: {HOW}")


def _of_module(golden: QuestionData, module: Any) -> dict[str, Any]:  # noqa: ANN401 - a torch.nn.Module
    """The gradients of its parameters, by PyTorch's names: without what stands before all of them."""
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    before = {name.rpartition(".")[0] for name in found}
    if len(before) == 1 and {name.rpartition(".")[2] for name in found} <= set(golden.stored.weights):
        return {name.rpartition(".")[2]: gradient for name, gradient in found.items()}
    return found
