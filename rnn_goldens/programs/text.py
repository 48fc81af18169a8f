"""What a program printed, as people are shown it: short, and nothing in it that a terminal would obey."""

_LONGEST_EXCERPT = 80
_LONGEST_LINE = 200
_MOST_LINES = 16
"""What an uncaught exception of Node takes: its message stands above the stack."""


def excerpt(content: bytes | str) -> str:
    """The beginning of a line, quoted."""
    text = content if isinstance(content, str) else content[: 4 * _LONGEST_EXCERPT].decode("utf-8", "backslashreplace")
    return repr(text[:_LONGEST_EXCERPT]) + (" …" if len(text) > _LONGEST_EXCERPT else "")


def printable(text: str) -> str:
    """The text with its control characters written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def last_lines(text: str) -> list[str]:
    """The last lines of a longer text, each cut to a readable length."""
    lines = [printable(line.expandtabs()) for line in text.splitlines() if line.strip()]
    return [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in lines[-_MOST_LINES:]]
