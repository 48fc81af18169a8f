"""One golden after the other against the implementation that was named."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.errors import WrongUse
from rnn_goldens.plugin.implementation import stop_for_wrong_use

if TYPE_CHECKING:
    from rnn_goldens.plugin.guard import Guard


def test_golden(rnn_golden: Golden, rnn_implementation: "Guard", pytestconfig: pytest.Config) -> None:
    """The implementation's outputs are the golden's, in every way of calling that is asked for; or its gradients."""

    def run(golden: Question) -> Any:  # noqa: ANN401 - whatever it returns
        __tracebackhide__ = True
        try:
            return rnn_implementation(golden)
        except WrongUse as error:
            stop_for_wrong_use(pytestconfig, error)

    def backward(golden: Question) -> Mapping[str, Any]:
        __tracebackhide__ = True
        try:
            return rnn_implementation.gradients(golden)
        except WrongUse as error:
            stop_for_wrong_use(pytestconfig, error)

    if rnn_golden.asks_gradients:
        rnn_golden.check_gradient_calls(backward, rnn_implementation)
    else:
        rnn_golden.check_calls(run)
