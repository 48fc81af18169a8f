"""What became otherwise since a report was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.schema import problems

Document = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One line for people, and whether it can come from other versions of the implementation or another machine."""

    line: str
    by_versions: bool


def read(path: Path) -> Document:
    """A report; raises InvalidFile if it is none."""
    document: Document = json_file.read_document(path)
    if wrong := problems(document, "conformance"):
        raise InvalidFile(path, wrong)
    return document


def changes(before: Document, after: Document) -> Iterator[Change]:
    """Every implementation, cell and precision that fares otherwise; the largest errors are not compared."""
    if before["corpus"] != after["corpus"]:
        yield Change(f"corpus {after['corpus']}, was {before['corpus']}", by_versions=False)
    earlier = {i["name"]: i for i in before["implementations"]}
    for name in earlier.keys() - {i["name"] for i in after["implementations"]}:
        yield Change(f"{name}: is in the file and was not checked", by_versions=False)
    for now in after["implementations"]:
        if (was := earlier.get(now["name"])) is None:
            yield Change(f"{now['name']}: is not in the file", by_versions=False)
            continue
        other = was["versions"] != now["versions"] or before["made_with"]["machine"] != after["made_with"]["machine"]
        for old, new in zip(was["results"], now["results"], strict=True):
            for outcome in ("passed", "refused", "wrong"):
                if old[outcome] != new[outcome]:
                    place = f"{now['name']}, {new['cell']}, {new['dtype']}"
                    yield Change(f"{place}: {new[outcome]} {outcome}, was {old[outcome]}", other and outcome != "wrong")
