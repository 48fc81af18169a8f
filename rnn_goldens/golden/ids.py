"""A golden's id: folder/name, which is also the path of its files below their corpus."""

import re

_WORD = "[a-z0-9]+(-[a-z0-9]+)*"
_ID = re.compile(f"{_WORD}(/{_WORD})+")


def is_id(given: object) -> bool:
    """Whether it is an id: words of small letters, digits and dashes, with slashes between; it leads nowhere else."""
    return isinstance(given, str) and _ID.fullmatch(given) is not None
