"""What a library says it has not implemented is a refusal, in its words."""

from collections.abc import Sequence

from rnn_goldens.errors import Unsupported


def refusal(error: NotImplementedError) -> Unsupported:
    """The refusal that an implementation's error stands for."""
    said = str(error).strip().partition("\n")[0]
    return Unsupported(said or "NotImplementedError, and no reason given")


def line_that_says(error: Exception, texts: Sequence[str]) -> str | None:
    """The first line of an error that holds one of several texts: of errors that no type tells apart."""
    return next((line.strip() for line in str(error).splitlines() if any(text in line for text in texts)), None)
