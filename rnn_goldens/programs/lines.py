"""Parses lines that a program printed as JSON."""

import json
from typing import Any

from rnn_goldens.encoding.json_file import no_key_twice
from rnn_goldens.programs.misbehaviour import Misbehaviour
from rnn_goldens.programs.text import excerpt

_LONGEST_INTEGER = 300
_DEEPEST = 16
"""Maximum levels of brackets; an answer has four."""


def parse(line: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse a line. NaN and Infinity are accepted although JSON does not have them, because many writers produce them.

    Raises:
        Misbehaviour: the line is not JSON, or nested too deep for the recursive functions that read it.
    """
    try:
        message = json.loads(line.decode("utf-8"), object_pairs_hook=no_key_twice, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise _no_json(line, f"JSON is UTF-8, byte {error.start} is not") from None
    except RecursionError:
        raise _nested_too_deep(line) from None
    except ValueError as error:
        raise _no_json(line, str(error)) from None
    if _is_deep(message):
        raise _nested_too_deep(line)
    return message


def _no_json(line: bytes, problem: str) -> Misbehaviour:
    hint = "stdout is for answers; print everything else to stderr"
    return Misbehaviour(f"printed a line that is not JSON ({problem}): {excerpt(line)}", [hint])


def _is_deep(message: object) -> bool:
    level = [message]
    for _ in range(_DEEPEST):
        level = [part for outer in level for part in _nested_in(outer)]
        if not level:
            return False
    return True


def _nested_in(outer: object) -> list[Any]:
    parts = list(outer.values()) if isinstance(outer, dict) else outer if isinstance(outer, list) else []
    return [part for part in parts if isinstance(part, dict | list)] if {dict, list} & set(map(type, parts)) else []


def _nested_too_deep(line: bytes) -> Misbehaviour:
    return Misbehaviour(f"printed JSON that is nested too deep, in more than {_DEEPEST} levels: {excerpt(line)}")


def _integer(digits: str) -> int | float:
    """Parse an integer. -0 becomes -0.0, which C prints as -0; a number beyond the largest double becomes infinite."""
    return int(digits) if digits != "-0" and len(digits) < _LONGEST_INTEGER else float(digits)
