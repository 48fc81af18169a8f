"""A golden's id: folder/name, which is also the path of its files below their corpus."""

import re

_WORD = "[a-z0-9]+(-[a-z0-9]+)*"
ID = f"{_WORD}(/{_WORD})+"
"""What one looks like: words of small letters, digits and dashes, with slashes between."""

LONGEST_ID = 200
_ID = re.compile(ID)


def is_id(given: object) -> bool:
    """Whether it is an id, which leads nowhere else."""
    return isinstance(given, str) and len(given) <= LONGEST_ID and _ID.fullmatch(given) is not None
