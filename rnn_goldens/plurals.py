"""Counts and lists in words: 1 golden, 2 goldens; a, b and c."""

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """Return a number and a noun in the singular or plural."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def was_or_were(count: int) -> str:
    """Return the verb that agrees with a number."""
    return "was" if count == 1 else "were"


def listed(names: Sequence[str]) -> str:
    """Return names with "and" before the last one."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
