"""ONNX's own backend tests of operators."""

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from numpy.typing import NDArray


@lru_cache(maxsize=1)
def node_tests() -> tuple[Any, ...]:
    """Return the tests of single operators that have a model: objects of ``onnx.backend.test.case.TestCase``."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # load_model_tests creates the tests of every operator, and some overflow
        return tuple(test for test in load_model_tests(kind="node") if test.model)


def parts(
    test: Any,  # noqa: ANN401 - a TestCase
    names: Mapping[str, Sequence[str]],
) -> tuple[Any, dict[str, Any], dict[str, NDArray[Any]], list[NDArray[Any]]]:
    """Return the only node of a test, its attributes, its inputs by name, and the expected outputs.

    ``names`` are those of the inputs in order, by operator.
    """
    from onnx import helper

    (node,), ((inputs, outputs),) = test.model.graph.node, test.data_sets
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    given = [name for name, used in zip(names[node.op_type], node.input, strict=False) if used]
    return node, attributes, dict(zip(given, inputs, strict=True)), list(outputs)


def accepts(expected: Sequence[NDArray[Any]], got: Sequence[NDArray[Any]], rtol: float, atol: float) -> bool:
    """Return whether ONNX's test runner accepts outputs."""
    from onnx.backend.test.runner import Runner

    try:
        Runner.assert_similar_outputs(list(expected), list(got), rtol, atol)
    except AssertionError:
        return False
    return True
