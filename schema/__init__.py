"""JSON Schemas (draft 2020-12) of every file and message, and the function that validates against them."""

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

FORMATS = dict.fromkeys(
    ("conformance", "golden", "gradients", "index", "integer", "kill-matrix", "recurrence", "results"), 1
)
"""Kinds of document, each with the newest format that this version reads and writes."""

PROTOCOLS = (1, 2)
"""Protocol versions of messages to and from a program; the program's hello states which one it speaks."""

MESSAGES = {"protocol-request": PROTOCOLS[-1], "protocol-answer": PROTOCOLS[-1]}
"""Kinds of message, and the newest version. A message states neither its kind nor, after the hello, its version."""

_LONGEST_MESSAGE = 160
_MAX_PROBLEMS = 100
_NUMBERS: dict[str, set[type]] = {"number": {float, int}, "integer": {int}}


def schema_id(kind: str) -> str:
    """Return the id of the schema of a kind of file, which a file states in ``$schema``."""
    return f"urn:rnn-goldens:schema:{kind}:{FORMATS[kind]}"


def schema_path(kind: str, version: int | None = None) -> Path:
    """Return the path of the schema of a kind of document."""
    return Path(__file__).with_name(f"{kind}-{version or (FORMATS | MESSAGES)[kind]}.schema.json")


def problems(document: object, kind: str, version: int | None = None) -> list[str]:
    """Return what is wrong with a document or message; empty if it is valid.

    Args:
        document: what ``json.loads`` returned.
        kind: one of ``FORMATS`` or ``MESSAGES``.
        version: protocol version of a message; the newest if None.

    Returns:
        One sentence per problem, each starting with its path; at most a hundred.
    """
    if not isinstance(document, Mapping):
        where = "a message is" if kind in MESSAGES else f"a file of kind {kind} holds"
        return [f"holds a {type(document).__name__}, where {where} one JSON object"]
    if kind in FORMATS and (found := _unknown_format(document, kind)):
        return [found]
    errors = sorted(islice(_validator(kind, version).iter_errors(document), _MAX_PROBLEMS), key=_place)
    if kind in FORMATS and (empty := list(filter(_is_of_no_size, errors))):
        return [_empty(empty), *(_sentence(error) for error in errors if not _is_of_no_size(error))]
    return list(map(_sentence, errors))


def _is_of_no_size(error: "ValidationError") -> bool:
    """Return whether a size of the shape of an array is 0."""
    return error.validator == "minimum" and error.instance == 0 and list(error.absolute_path)[-2:-1] == ["shape"]


def _empty(errors: Iterable["ValidationError"]) -> str:
    """Return one sentence about all arrays without numbers: without a sequence, most arrays of a golden are empty."""
    names = list(dict.fromkeys(_join(list(error.absolute_path)[:-2]) for error in errors))
    first = next((name for name in names if name.startswith("inputs/")), names[0])
    others = {1: "", 2: ", as is another array"}.get(len(names), f", as are {len(names) - 1} other arrays")
    return f"{first}: is empty{others}: write it with sizes of at least 1, also of sequences and time steps"


def _unknown_format(document: Mapping[str, Any], kind: str) -> str | None:
    """Return the problem of a file of another kind, or of an unknown format."""
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
    of = Draft202012Validator.VALIDATORS

    def of_items(validator: object, required: object, value: object, schema: object) -> Iterable["ValidationError"]:
        """Validate items as jsonschema does, but check thousands of numbers at once."""
        return () if _only_numbers(required, value) else of["items"](validator, required, value, schema)

    def unless_too_many(keyword: str, most: str) -> Any:  # noqa: ANN401 - a keyword of jsonschema
        """Validate a keyword as jsonschema does, but visit no list or object that is longer than allowed."""
        validate = of_items if keyword == "items" else of[keyword]

        def of_keyword(
            validator: object, required: object, value: object, schema: Mapping[str, Any]
        ) -> Iterable["ValidationError"]:
            too_many = isinstance(value, list | dict) and len(value) > schema.get(most, math.inf)
            return () if too_many else validate(validator, required, value, schema)

        return of_keyword

    def of_most(_: object, most: int, value: object, __: object) -> Iterable["ValidationError"]:
        """Validate the length of a list or an object; the message has the number instead of the content."""
        if isinstance(value, list | dict) and len(value) > most:
            yield ValidationError(f"has {len(value):,} values; at most {most} are allowed")

    def of_pattern(_: object, required: str, value: object, __: object) -> Iterable["ValidationError"]:
        """Validate a pattern as JSON Schema does: ``$`` is the end; Python's also matches before a final newline."""
        if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", required), value):
            yield ValidationError(f"{value!r} does not match {required!r}")

    in_lists, in_objects = ("items", "uniqueItems"), ("additionalProperties", "patternProperties", "propertyNames")
    changed = {
        **{keyword: unless_too_many(keyword, "maxItems") for keyword in in_lists},
        **{keyword: unless_too_many(keyword, "maxProperties") for keyword in in_objects},
        "pattern": of_pattern,
        "maxItems": of_most,
        "maxProperties": of_most,
    }
    validator: Draft202012Validator = extend(Draft202012Validator, changed)(
        schemas[schema_path(kind, version)], registry=registry
    )
    return validator


def _only_numbers(required: object, value: object) -> bool:
    """Whether items must be numbers, without further conditions, and are."""
    if not isinstance(required, dict) or required.keys() != {"type"} or not isinstance(value, list):
        return False
    return set(map(type, value)) <= _NUMBERS.get(required["type"], set())


def _place(error: "ValidationError") -> str:
    return _join(error.absolute_path)


def _join(path: Iterable[Any]) -> str:
    return "/".join(map(str, path))


def _sentence(error: "ValidationError") -> str:
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[: _LONGEST_MESSAGE // 2]} … {message[-_LONGEST_MESSAGE // 2 :]}"
    return f"{_place(error) or 'top level'}: {message}"
