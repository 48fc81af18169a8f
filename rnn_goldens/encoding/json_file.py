"""How this project reads and prints JSON."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rnn_goldens.encoding.bounds import OTHER, Bounds
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.errors import InvalidFile
from rnn_goldens.schema import FORMATS, schema_id

_DEEPEST = 32
"""Levels of brackets; a golden has four."""

_LONGEST_TEXT = 2**16


def read_document(path: Path, *, below: Path | None = None) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read one JSON document strictly: UTF-8, no NaN, no key twice, and of bounded size.

    Args:
        path: the file.
        below: a folder that it is said to lie in; a link that leads out of it is not followed.

    Raises:
        InvalidFile: it is something else, or can not be read.
    """
    return decode(read_bytes(path, OTHER.size, below=below), path)


def decode(content: bytes, path: Path, bounds: Bounds = OTHER) -> Any:  # noqa: ANN401 - until a schema has seen it
    """The document that a file holds, read as strictly. Raises InvalidFile, which names the file."""
    if too_much := bounds.problem(content):
        raise InvalidFile(path, [too_much])
    try:
        text = content.decode("utf-8")  # json.loads would guess the encoding of bytes
        document = json.loads(text, object_pairs_hook=no_key_twice, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InvalidFile(path, [f"not JSON: {error.reason} at byte {error.start}, JSON is UTF-8"]) from None
    except RecursionError:
        raise InvalidFile(path, [_TOO_DEEP]) from None
    except ValueError as error:
        raise InvalidFile(path, [f"not JSON: {error}"]) from None
    if beyond := _beyond(document):
        raise InvalidFile(path, [beyond])
    return document


def render(document: object, indent: str = "") -> str:
    """Print a document: an object's entries on lines of their own, a list on one line, so that a diff is readable."""
    inner = indent + "  "
    if isinstance(document, dict) and document:
        entries = (f"{inner}{json.dumps(name)}: {render(value, inner)}" for name, value in document.items())
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if isinstance(document, list) and any(isinstance(item, dict) for item in document):
        return "[\n" + ",\n".join(inner + render(item, inner) for item in document) + f"\n{indent}]"
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def encode(document: object) -> bytes:
    """The bytes of a JSON file: UTF-8, one final newline; one of a kind that has a schema names it."""
    if isinstance(document, dict) and document.get("kind") in FORMATS:
        document = {"$schema": schema_id(document["kind"]), **document}
    return (render(document) + "\n").encode("utf-8")


def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its entries, for ``json.loads``; raises ValueError if two have one name."""
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return document


def require_each_key_once(content: bytes) -> None:
    """Raise ValueError if an object in valid JSON has two entries of one name, of which typed readers give the last."""
    json.loads(content, object_pairs_hook=lambda pairs: no_key_twice(pairs) and None)  # what it holds is not kept


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


_TOO_DEEP = f"is nested in more than {_DEEPEST} levels, and no file of this kind is"


def _beyond(document: object) -> str | None:
    """What goes beyond anything that recursion, or a regular expression, is to see; None if nothing does."""
    level = [document]
    for _ in range(_DEEPEST):
        level = [part for outer in level for part in _parts(outer)]
        for text in level:
            if isinstance(text, str) and (len(text) > _LONGEST_TEXT or not _is_unicode(text)):
                return f"holds a text that is no Unicode or longer than {_LONGEST_TEXT} characters"
        if not level:
            return None
    return _TOO_DEEP


def _parts(outer: object) -> list[object]:
    """What is in a list or an object, keys included, but for lists of numbers alone."""
    if isinstance(outer, dict):
        return [*outer, *outer.values()]
    return outer if isinstance(outer, list) and not set(map(type, outer)) <= {int, float} else []


def _is_unicode(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone, which JSON can write and UTF-8 can not."""
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
