"""Makes the output of a program readable: shortened, with control characters escaped."""

_LONGEST_EXCERPT = 80
_LONGEST_LINE = 200
_MAX_LINES = 16
"""Enough for an uncaught exception of Node, whose message comes before the stack."""


def excerpt(content: bytes | str) -> str:
    """Return the beginning of a line, quoted."""
    text = content if isinstance(content, str) else content[: 4 * _LONGEST_EXCERPT].decode("utf-8", "backslashreplace")
    return repr(text[:_LONGEST_EXCERPT]) + (" …" if len(text) > _LONGEST_EXCERPT else "")


def printable(text: str) -> str:
    """Return the text with its control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def last_lines(text: str) -> list[str]:
    """Return the last lines of a text, each cut to a readable length."""
    lines = [printable(line.expandtabs()) for line in text.splitlines() if line.strip()]
    return [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in lines[-_MAX_LINES:]]
