"""What a library says it has not implemented is a refusal, in its words."""

from rnn_goldens.errors import Unsupported


def refusal(error: NotImplementedError) -> Unsupported:
    """The refusal that an implementation's error stands for."""
    said = str(error).strip().partition("\n")[0]
    return Unsupported(said or "NotImplementedError, and no reason given")
