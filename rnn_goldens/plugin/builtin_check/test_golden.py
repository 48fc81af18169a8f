"""One golden after the other against the implementation that was named."""

from rnn_goldens.golden import Golden
from rnn_goldens.implementations import Implementation, outputs_of


def test_golden(rnn_golden: Golden, rnn_implementation: Implementation) -> None:
    """The implementation's outputs are the golden's."""
    rnn_golden.check(*outputs_of(rnn_implementation(rnn_golden)))
