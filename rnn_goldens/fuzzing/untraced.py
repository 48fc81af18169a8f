"""Lines of ours that Hypothesis does not see: it would tell them where it explains which lines only failures run."""

import sys
from types import TracebackType


class Untraced:
    """A block without the tracing by which Hypothesis explains what fails: it takes ten times as long, to no end here.

    A class, and none of contextlib's: their lines would be seen.
    """

    def __enter__(self) -> None:
        """Stop it."""
        self._tracing = sys.gettrace()
        sys.settrace(None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Go on with it."""
        sys.settrace(self._tracing)
