"""Lines of ours that Hypothesis does not see: it would tell them where it explains which lines only failures run."""

import sys
from types import TracebackType
from typing import Any

_TOOL = "scrutineer"
"""What Hypothesis calls itself where Python lets tools watch lines, from 3.12 on; before that it traces."""

_TOOLS = range(6)


class Untraced:
    """A block without the tracing by which Hypothesis explains what fails: it takes ten times as long, to no end here.

    A class, and none of contextlib's: their lines would be seen.
    """

    def __enter__(self) -> None:
        """Stop it."""
        self._tracing, self._watching = sys.gettrace(), _watching()
        sys.settrace(None)
        for monitoring, tool, _ in self._watching:
            monitoring.set_events(tool, 0)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Go on with it."""
        for monitoring, tool, events in self._watching:
            monitoring.set_events(tool, events)
        sys.settrace(self._tracing)


def _watching() -> list[tuple[Any, int, int]]:
    """Python's module for it, Hypothesis' number and what it watches; nothing if it does not."""
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None:
        return []
    return [(monitoring, tool, monitoring.get_events(tool)) for tool in _TOOLS if monitoring.get_tool(tool) == _TOOL]
