"""Reads JSON strictly and writes it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.encoding.size_limits import OTHER, Bounds
from rnn_goldens.errors import InvalidFile
from rnn_goldens.schema import FORMATS, schema_id

_DEEPEST = 32
"""Levels of brackets; a golden has four."""

_LONGEST_TEXT = 2**16


def read_document(path: Path, *, below: Path | None = None) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read one JSON document strictly: UTF-8, no NaN, no duplicate keys, limited size.

    Args:
        path: the file.
        below: a folder that must contain the file; a link that leads out of it is not followed.

    Raises:
        InvalidFile: the file cannot be read, or breaks one of these rules.
    """
    return decode(read_bytes(path, OTHER.size, below=below), path)


def decode(content: bytes, path: Path, bounds: Bounds = OTHER, *, not_finite: bool = False) -> Any:  # noqa: ANN401
    """Parse one JSON document as strictly as ``read_document``. Raises InvalidFile, which names the file.

    Args:
        content: the document.
        path: the name of the file.
        bounds: the limits.
        not_finite: whether ``NaN`` and ``Infinity`` are allowed, as in outputs that Python wrote.
    """
    constant = float if not_finite else _no_constant
    if problem := bounds.problem(content):
        raise InvalidFile(path, [problem])
    try:
        text = content.decode("utf-8")  # json.loads would guess the encoding of bytes
        document = json.loads(text, object_pairs_hook=no_key_twice, parse_constant=constant)
    except UnicodeDecodeError as error:
        raise InvalidFile(path, [f"not JSON: {error.reason} at byte {error.start}, JSON is UTF-8"]) from None
    except RecursionError:
        raise InvalidFile(path, [_TOO_DEEP]) from None
    except ValueError as error:
        raise InvalidFile(path, [f"not JSON: {error}"]) from None
    if problem := _limit_problem(document):
        raise InvalidFile(path, [problem])
    return document


def render(document: object, indent: str = "") -> str:
    """Return a document as JSON text that diffs well: a line per entry of an object, no line breaks in plain lists."""
    inner = indent + "  "
    if isinstance(document, dict) and document:
        entries = (f"{inner}{json.dumps(name)}: {render(value, inner)}" for name, value in document.items())
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if isinstance(document, list) and any(isinstance(item, dict) for item in document):
        return "[\n" + ",\n".join(inner + render(item, inner) for item in document) + f"\n{indent}]"
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def encode(document: object) -> bytes:
    """Return the bytes of a JSON file: UTF-8, with a final newline and the name of its schema if it has one."""
    if isinstance(document, dict) and document.get("kind") in FORMATS:
        document = {"$schema": schema_id(document["kind"]), **document}
    return (render(document) + "\n").encode("utf-8")


def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from its entries, for ``json.loads``. Raises ValueError if a key occurs twice."""
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} occurs twice in one object")
    return document


def require_each_key_once(content: bytes) -> None:
    """Raise ValueError if a key occurs twice in an object of valid JSON. Typed parsers would return the last entry."""
    json.loads(content, object_pairs_hook=lambda pairs: no_key_twice(pairs) and None)  # discards the content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


_TOO_DEEP = f"is nested in more than {_DEEPEST} levels"


def _limit_problem(document: object) -> str | None:
    """Return the limit on nesting or text that a document exceeds, or None. Limits protect recursion and regexes."""
    level = [document]
    for _ in range(_DEEPEST):
        level = [part for outer in level for part in _parts(outer)]
        for text in level:
            if isinstance(text, str) and (len(text) > _LONGEST_TEXT or not _is_unicode(text)):
                return f"holds a text that is not valid Unicode or is longer than {_LONGEST_TEXT} characters"
        if not level:
            return None
    return _TOO_DEEP


def _parts(outer: object) -> list[object]:
    """Return the content of a list or an object, keys included; nothing for a list of numbers."""
    if isinstance(outer, dict):
        return [*outer, *outer.values()]
    return outer if isinstance(outer, list) and not set(map(type, outer)) <= {int, float} else []


def _is_unicode(text: str) -> bool:
    """Return whether a text has no lone surrogate, which JSON can express and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
