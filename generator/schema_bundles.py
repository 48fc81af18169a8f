"""Bundles schemas: embeds the schemas that each one refers to, as JSON Schema defines (2020-12, 9.3).

A validator then needs only one file. Embedded schemas are never edited: each is a complete copy of another file under
its own ``$id``.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

_EMBEDDED = "urn:"
"""The prefix of definitions that are embedded schemas."""

_REFERENCE = re.compile(r'"\$ref": "(urn:[^#"]*)#')
"""A reference to another schema, by its id."""


def bundled(folder: Path) -> dict[Path, str]:
    """Return the bundled text of each schema of a folder."""
    texts = {path: path.read_text("utf-8") for path in sorted(folder.glob("*.schema.json"))}
    own = {path: _without_embedded(text) for path, text in texts.items()}
    by_id = {json.loads(text)["$id"]: text for text in own.values()}
    return {path: _with(text, by_id) for path, text in own.items()}


def _with(text: str, by_id: Mapping[str, str]) -> str:
    own = json.loads(text)["$id"]
    needed: set[str] = set()
    waiting = [text]
    while waiting:
        found = set(_REFERENCE.findall(waiting.pop())) - needed - {own}
        needed |= found
        waiting += [by_id[urn] for urn in found]
    if not needed:
        return text
    return _joined(
        text, [f"{json.dumps(u)}: {json.dumps(json.loads(by_id[u]), ensure_ascii=False)}" for u in sorted(needed)]
    )


_DEFINITIONS = '  "$defs": {'
_END = ["  }", "}"]


def _joined(text: str, lines: list[str]) -> str:
    """Append definitions to a schema, one per line, and keep the rest of the file unchanged."""
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
