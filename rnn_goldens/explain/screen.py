"""The size of a terminal that a text fits, and lines that are indented and wrapped for it."""

import textwrap

WIDTH = 80
SCREEN = 50
"""Largest number of lines of a text. Code that does not fit is named but not printed."""


def indent(blanks: int, lines: list[str]) -> list[str]:
    """Indent lines and wrap long ones; empty lines are dropped."""
    moved = (" " * blanks + line for line in lines if line.strip())
    return [part for line in moved for part in _folded(line)]


def _folded(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" +-")) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False)
