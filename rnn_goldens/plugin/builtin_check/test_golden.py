"""One golden after the other against the implementation that was named."""

from collections.abc import Sequence
from typing import Any

import pytest

from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import Implementation, outputs_of
from rnn_goldens.plugin.implementation import stop_for_wrong_use


def test_golden(rnn_golden: Golden, rnn_implementation: Implementation, pytestconfig: pytest.Config) -> None:
    """The implementation's outputs are the golden's, in every way of calling that is asked for."""

    def run(golden: Question) -> Sequence[Any]:
        __tracebackhide__ = True
        try:
            return outputs_of(rnn_implementation(golden))
        except WrongUse as error:
            stop_for_wrong_use(pytestconfig, error)

    rnn_golden.check_calls(run)
