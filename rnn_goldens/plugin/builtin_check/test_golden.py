"""One golden after the other against the implementation that was named."""

from rnn_goldens.golden import Golden
from rnn_goldens.implementations import Implementation, outputs_of


def test_golden(rnn_golden: Golden, rnn_implementation: Implementation) -> None:
    """The implementation's outputs are the golden's, in every way of calling that is asked for."""
    rnn_golden.check_calls(lambda golden: outputs_of(rnn_implementation(golden)))
