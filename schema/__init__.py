"""JSON Schemas (draft 2020-12) of every file and message, and the one function that validates with them."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

FORMATS = {"conformance": 1, "golden": 1, "gradients": 1, "index": 1, "kill-matrix": 1, "results": 1}
"""Kinds of document, and the newest format of each that this version reads and writes."""

PROTOCOLS = (1, 2)
"""The versions of the messages that are exchanged with a program; which one is spoken, the program's hello says."""

MESSAGES = {"protocol-request": PROTOCOLS[-1], "protocol-answer": PROTOCOLS[-1]}
"""Kinds of message, and the newest version. A message states neither its kind nor, after the hello, its version."""

_LONGEST_MESSAGE = 160
_MOST_PROBLEMS = 100
_NUMBERS: dict[str, set[type]] = {"number": {float, int}, "integer": {int}}


def schema_id(kind: str) -> str:
    """What the schema of a kind of file calls itself, and a file its schema, in its member ``$schema``."""
    return f"urn:rnn-goldens:schema:{kind}:{FORMATS[kind]}"


def schema_path(kind: str, version: int | None = None) -> Path:
    """Where the schema of a kind of document lies."""
    return Path(__file__).with_name(f"{kind}-{version or (FORMATS | MESSAGES)[kind]}.schema.json")


def problems(document: object, kind: str, version: int | None = None) -> list[str]:
    """List what is wrong with a document or a message: empty if it is valid.

    Args:
        document: what ``json.loads`` returned.
        kind: one of ``FORMATS`` or ``MESSAGES``.
        version: of a message, its protocol; the newest if None.

    Returns:
        One sentence a problem, each beginning with where it is; a hundred at most.
    """
    if not isinstance(document, Mapping):
        where = "a message is" if kind in MESSAGES else f"a file of kind {kind} holds"
        return [f"holds a {type(document).__name__}, where {where} one JSON object"]
    if kind in FORMATS and (found := _unknown_format(document, kind)):
        return [found]
    errors = islice(_validator(kind, version).iter_errors(document), _MOST_PROBLEMS)
    return [_sentence(error) for error in sorted(errors, key=_place)]


def _unknown_format(document: Mapping[str, Any], kind: str) -> str | None:
    """What to say of a file of another kind, or of a format that is not known here."""
    if document.get("kind", kind) != kind:
        return f"is a file of kind {document['kind']!r}, not of kind {kind!r}"
    newest, found = FORMATS[kind], document.get("format", FORMATS[kind])
    if found != newest:
        return f"{kind} format {found!r} is not known here: this version reads format {newest}; install a newer one"
    return None


@cache
def _validator(kind: str, version: int | None) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend
    from referencing import Registry, Resource

    every = [schema_path(name) for name in FORMATS] + [schema_path(name, v) for name in MESSAGES for v in PROTOCOLS]
    schemas = {path: json.loads(path.read_text("utf-8")) for path in every}
    registry: Registry[Any] = Registry().with_resources((s["$id"], Resource.from_contents(s)) for s in schemas.values())
    items, unique = (Draft202012Validator.VALIDATORS[name] for name in ("items", "uniqueItems"))

    def of_items(validator: object, asked: object, given: object, schema: object) -> Iterable["ValidationError"]:
        """As jsonschema has it, which asks at length of each of thousands of numbers whether it is one."""
        return () if _only_numbers(asked, given) else items(validator, asked, given, schema)

    def of_unique(
        validator: object, asked: object, given: object, schema: Mapping[str, Any]
    ) -> Iterable["ValidationError"]:
        """As jsonschema has it, which compares each with each: not of more than there may be."""
        most = schema.get("maxItems", math.inf)
        return () if isinstance(given, list) and len(given) > most else unique(validator, asked, given, schema)

    def of_pattern(_: object, asked: str, given: object, __: object) -> Iterable["ValidationError"]:
        """As JSON Schema asks, whose ``$`` is the end; Python's is before a last line break, too."""
        if isinstance(given, str) and not re.search(re.sub(r"\$$", r"\\Z", asked), given):
            yield ValidationError(f"{given!r} does not match {asked!r}")

    changed = {"items": of_items, "uniqueItems": of_unique, "pattern": of_pattern}
    validator: Draft202012Validator = extend(Draft202012Validator, changed)(
        schemas[schema_path(kind, version)], registry=registry
    )
    return validator


def _only_numbers(asked: object, given: object) -> bool:
    """Whether items have to be numbers, no more, and are."""
    if not isinstance(asked, dict) or asked.keys() != {"type"} or not isinstance(given, list):
        return False
    return set(map(type, given)) <= _NUMBERS.get(asked["type"], set())


def _place(error: "ValidationError") -> str:
    return _join(error.absolute_path)


def _join(path: Iterable[Any]) -> str:
    return "/".join(map(str, path))


def _sentence(error: "ValidationError") -> str:
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[: _LONGEST_MESSAGE // 2]} … {message[-_LONGEST_MESSAGE // 2 :]}"
    return f"{_place(error) or 'top level'}: {message}"
