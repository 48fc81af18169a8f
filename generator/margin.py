"""How near to the tolerance a correct implementation may come."""

LARGEST_CORRECT_ERROR = 0.7
"""Correct implementations stay within this fraction of the tolerance, or what they are held against is refused."""
