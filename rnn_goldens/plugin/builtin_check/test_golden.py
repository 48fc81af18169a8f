"""The test that checks the implementation under test against each selected golden."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from rnn_goldens.checkable_golden import Golden, Inputs
from rnn_goldens.errors import WrongUse
from rnn_goldens.plugin.implementation import stop_for_wrong_use

if TYPE_CHECKING:
    from rnn_goldens.plugin.guard import Guard


def test_golden(rnn_golden: Golden, rnn_implementation: "Guard", pytestconfig: pytest.Config) -> None:
    """Check the gradients if the golden has cotangents; else check the outputs in every selected call pattern."""

    def ending_the_run(call: Callable[[Inputs], Any]) -> Callable[[Inputs], Any]:
        def called(golden: Inputs) -> Any:  # noqa: ANN401 - whatever it returns
            __tracebackhide__ = True
            try:
                return call(golden)
            except WrongUse as error:
                stop_for_wrong_use(pytestconfig, error)

        return called

    if rnn_golden.has_cotangents:
        rnn_golden.check_gradient_calls(ending_the_run(rnn_implementation.gradients), rnn_implementation)
    else:
        rnn_golden.check_calls(ending_the_run(rnn_implementation))
