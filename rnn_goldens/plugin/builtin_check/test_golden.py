"""One golden after the other against the implementation that was named."""

from collections.abc import Sequence
from typing import Any

from rnn_goldens.golden import Golden
from rnn_goldens.implementations import Implementation, outputs_of


def test_golden(rnn_golden: Golden, rnn_implementation: Implementation) -> None:
    """The implementation's outputs are the golden's, in every way of calling that is asked for."""

    def run(golden: Golden) -> Sequence[Any]:
        __tracebackhide__ = True
        return outputs_of(rnn_implementation(golden))

    rnn_golden.check_calls(run)
