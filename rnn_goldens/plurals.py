"""Counts in words: 1 golden, 2 goldens."""


def counted(count: int, noun: str) -> str:
    """Return a number and a noun in the singular or plural."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def was_or_were(count: int) -> str:
    """Return the verb that agrees with a number."""
    return "was" if count == 1 else "were"
