"""Where a source can be edited, said alike for every language."""

from dataclasses import dataclass
from typing import Literal

Span = tuple[int, int]
"""From a character of a source to another, which is not in it."""

What = Literal[
    "operation", "number", "text", "name", "row", "block", "condition", "call", "index", "sequence", "negative"
]


@dataclass(frozen=True)
class Place:
    """A piece of a source, and what is needed to edit it.

    Attributes:
        what: an ``operation`` has its left side, operator and right side as parts; a ``row`` is of arguments or of
            elements; a ``block`` is of statements; a ``call`` has as parts what it can be replaced by; an ``index``
            is one end of a slice, too; a ``sequence`` is what is gone through in order; a ``negative`` is -a.
        others: what might stand there by mistake.
    """

    what: What
    span: Span
    parts: tuple[Span, ...] = ()
    others: tuple[str, ...] = ()
