"""Schemas that stand alone: each holds those that it refers to, as JSON Schema bundles them (2020-12, 9.3).

    python -m rnn_goldens.generator.schema_files schema

A validator needs one file, and nobody has to register the others. What is embedded is never edited: it is the other
file, whole, under its own ``$id``.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnn_goldens.writing import write_whole

Schema = dict[str, Any]

_EMBEDDED = "urn:"
"""What the names of definitions begin with that are other files."""

_REFERENCE = re.compile(r"^(urn:[^#]*)#")


def main() -> None:
    """Write each schema of a folder anew, with those that it refers to."""
    folder = Path(sys.argv[1])
    for path, text in bundled(folder).items():
        write_whole(path, text.encode("utf-8"))


def bundled(folder: Path) -> dict[Path, str]:
    """The text of each schema of a folder as it is to be."""
    texts = {path: path.read_text("utf-8") for path in sorted(folder.glob("*.schema.json"))}
    own = {path: _without_embedded(text) for path, text in texts.items()}
    by_id = {json.loads(text)["$id"]: text for text in own.values()}
    return {path: _with(text, by_id) for path, text in own.items()}


def _with(text: str, by_id: Mapping[str, str]) -> str:
    document = json.loads(text)
    needed: dict[str, Schema] = {}
    waiting = [document]
    while waiting:
        for urn in _others(waiting.pop()):
            if urn not in needed and urn != document["$id"]:
                needed[urn] = json.loads(by_id[urn])
                waiting.append(needed[urn])
    if not needed:
        return text
    lines = [f"{json.dumps(urn)}: {json.dumps(schema, ensure_ascii=False)}" for urn, schema in sorted(needed.items())]
    return _joined(text, lines)


def _others(schema: object) -> Iterator[str]:
    """The ids of other schemas that a schema refers to."""
    if isinstance(schema, dict):
        if found := _REFERENCE.match(str(schema.get("$ref", ""))):
            yield found[1]
        for part in schema.values():
            yield from _others(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _others(part)


_DEFINITIONS = '  "$defs": {'
_END = ["  }", "}"]


def _joined(text: str, lines: list[str]) -> str:
    """The file with these last among its definitions, each on one line: what a person wrote stays as it is."""
    own = text.splitlines()
    if _DEFINITIONS in own:
        assert own[-2:] == _END, own[-2:]
        own = [*own[:-3], f"{own[-3]},"]
    else:
        own = [*own[:-2], f"{own[-2]},", _DEFINITIONS]
    return "\n".join([*own, ",\n".join(f"    {line}" for line in lines), *_END, ""])


def _without_embedded(text: str) -> str:
    own = [line for line in text.splitlines() if not line.startswith(f'    "{_EMBEDDED}')]
    if own[-3] == _DEFINITIONS:
        own = [*own[:-4], own[-4].removesuffix(","), "}"]
    elif own[-2:] == _END:
        own[-3] = own[-3].removesuffix(",")
    return "\n".join([*own, ""])


if __name__ == "__main__":
    main()
