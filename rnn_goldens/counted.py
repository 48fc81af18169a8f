"""How many there are of something, in words: 1 golden, 2 goldens."""


def counted(count: int, noun: str) -> str:
    """The number, and the noun as it follows that number."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def was_or_were(count: int) -> str:
    """What follows such a number as a verb."""
    return "was" if count == 1 else "were"
