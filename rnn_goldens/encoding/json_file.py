"""Golden ↔ ``.json``, and how this project reads and prints JSON."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rnn_goldens.errors import InvalidFile, not_readable


def read_document(path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds, until a schema has seen it
    """Read one JSON document strictly: UTF-8, no NaN, no key twice. Raises InvalidFile."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise not_readable(path, error) from None
    return decode(content, path)


def decode(content: bytes, path: Path) -> Any:  # noqa: ANN401 - as above
    """The document that a file holds, read as strictly. Raises InvalidFile, which names the file."""
    try:
        text = content.decode("utf-8")  # json.loads would guess the encoding of bytes
        return json.loads(text, object_pairs_hook=no_key_twice, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InvalidFile(path, [f"not JSON: {error.reason} at byte {error.start}, JSON is UTF-8"]) from None
    except (ValueError, RecursionError) as error:
        raise InvalidFile(path, [f"not JSON: {error}"]) from None


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
    """The bytes of a JSON file: UTF-8, one final newline."""
    return (render(document) + "\n").encode("utf-8")


def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its entries, for ``json.loads``; raises ValueError if two have one name."""
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
