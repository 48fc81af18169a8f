"""Reads JSON of any document strictly, and writes it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnn_goldens.encoding.untrusted_files import OTHER, Bounds, read_bytes
from rnn_goldens.errors import InvalidFile
from rnn_goldens.schema import FORMATS, schema_id

_DEEPEST = 32
"""Levels of brackets; a golden has four."""

_LONGEST_TEXT = 2**16


def read_document(path: Path, *, below: Path | None = None) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read JSON strictly: UTF-8, no NaN, no key twice, limited size, no link out of ``below``. Raises InvalidFile."""
    return decode(read_bytes(path, OTHER.size, below=below), path)


def decode(content: bytes, path: Path, bounds: Bounds = OTHER, *, not_finite: bool = False) -> Any:  # noqa: ANN401
    """Parse JSON as strictly as ``read_document``; with ``NaN`` and ``Infinity`` if ``not_finite``."""
    if problem := bounds.problem(content):
        raise InvalidFile(path, [problem])
    try:
        return parse(content, _DEEPEST, lenient=not_finite)
    except RecursionError:
        raise InvalidFile(path, [f"is nested in more than {_DEEPEST} levels"]) from None
    except ValueError as error:
        raise InvalidFile(path, [f"not JSON: {error}"]) from None


def parse(
    content: bytes, deepest: int, *, lenient: bool = False, parse_int: Callable[[str], float] | None = None
) -> Any:  # noqa: ANN401
    """Parse JSON without duplicate keys. The limits on nesting and text protect recursive functions and regexes.

    ``lenient``: ``NaN``, ``Infinity`` and any text are allowed. Raises RecursionError if there are more than
    ``deepest`` levels of brackets, and ValueError if it is not JSON, or holds a text that is too long or not valid
    Unicode.
    """
    constant = float if lenient else _no_constant
    try:
        text = content.decode("utf-8")  # json.loads would guess the encoding of bytes
    except UnicodeDecodeError as error:
        raise ValueError(f"JSON is UTF-8, byte {error.start} is not") from None
    document = json.loads(text, object_pairs_hook=no_key_twice, parse_constant=constant, parse_int=parse_int)
    level = [document]
    for _ in range(deepest):
        level = [part for outer in level for part in _parts(outer)]
        if not level:
            return document
        if not (lenient or all(map(_is_valid_text, level))):
            raise ValueError(f"holds a text that is not valid Unicode or is longer than {_LONGEST_TEXT} characters")
    raise RecursionError


def render(document: object, indent: str = "") -> str:
    """Return a document as JSON text that diffs well: a line per entry of an object, no line breaks in plain lists.

    Lists of numbers, objects of nothing else, and arrays, have no spaces and no line breaks: they are most of a corpus.
    """
    inner = indent + "  "
    if isinstance(document, dict) and (_is_array(document) or _has_only_numbers(document)):
        return json.dumps(document, allow_nan=False, separators=(",", ":"))
    if isinstance(document, dict) and document:
        entries = (f"{inner}{json.dumps(name)}: {render(value, inner)}" for name, value in document.items())
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if isinstance(document, list) and any(isinstance(item, dict) for item in document):
        return "[\n" + ",\n".join(inner + render(item, inner) for item in document) + f"\n{indent}]"
    separators = (",", ":") if _is_of_numbers(document) else None
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=separators)


def _is_array(document: Mapping[str, object]) -> bool:
    return document.keys() == {"shape", "dtype", "data"}


def _has_only_numbers(document: Mapping[str, object]) -> bool:
    return bool(document) and all(map(_is_of_numbers, document.values()))


def _is_of_numbers(document: object) -> bool:
    return isinstance(document, list) and set(map(type, document)) <= {int, float}


_LISTS = ("index", "kill-matrix")
"""Kinds of files that are long lists: a line per golden, or per deviation, without spaces."""


def encode(document: object) -> bytes:
    """Return the bytes of a JSON file: UTF-8, with a final newline and the name of its schema if it has one."""
    if isinstance(document, dict) and document.get("kind") in FORMATS:
        document = {"$schema": schema_id(document["kind"]), **document}
        if document["kind"] in _LISTS:
            entries = (f"{json.dumps(name)}:{_on_lines(value)}" for name, value in document.items())
            return ("{" + ",\n".join(entries) + "}\n").encode("utf-8")
    return (render(document) + "\n").encode("utf-8")


def _on_lines(value: object) -> str:
    """Return a value without spaces; a list of objects has a line for each."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(map(_on_lines, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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


def _parts(outer: object) -> list[object]:
    """Return the content of a list or an object, keys included; nothing for a list of numbers."""
    if isinstance(outer, dict):
        return [*outer, *outer.values()]
    return outer if isinstance(outer, list) and not set(map(type, outer)) <= {int, float} else []


def _is_valid_text(part: object) -> bool:
    """Return whether a part is no text, or is short and has no lone surrogate, which UTF-8 cannot express."""
    if not isinstance(part, str) or (len(part) <= _LONGEST_TEXT and part.isascii()):
        return True
    return len(part) <= _LONGEST_TEXT and not any("\ud800" <= character <= "\udfff" for character in part)
