"""The id of a golden: folder/name, which is also the path of its files in the corpus."""

import re

_WORD = "[a-z0-9]+(-[a-z0-9]+)*"
ID = f"{_WORD}(/{_WORD})+"
"""Pattern of an id: words of lowercase letters, digits and dashes, separated by slashes."""

LONGEST_ID = 200
_ID = re.compile(ID)


def is_id(value: object) -> bool:
    """Return whether a value is a valid id. A valid id cannot point outside its corpus."""
    return isinstance(value, str) and len(value) <= LONGEST_ID and _ID.fullmatch(value) is not None
