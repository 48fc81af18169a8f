"""What an index says of each golden: enough to select it without opening it."""

import re
import shlex
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS, is_own_cell

INDEX = "index.json"
OURS = "rnn-goldens"
"""The name of the corpus that the package carries."""


def remedy(corpus: str, folder: str) -> str:
    """What to do about a damaged file of a corpus of some name, in a folder."""
    if corpus == OURS:
        return "Restore it from where it came, or run 'rnn-goldens generate' in a checkout of rnn-goldens."
    make = f"rnn-goldens generate --scenarios FILE --into {shlex.quote(folder)}"
    return f"Restore it from where it came, or make it anew from its scenarios: {make}"


@dataclass(frozen=True)
class File:
    """A file of a golden: path relative to the index, and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Entry:
    """What the index says of a golden: enough to select it."""

    id: str
    title: str
    purpose: str
    cell: str
    features: tuple[str, ...]
    precisions: tuple[str, ...]
    files: Mapping[str, File]
    content: str


# An index of a thousand goldens is read whenever tests are collected, so what an entry says is checked here, by hand.
_FILES = {"h5": re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*\.h5"), "json": re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*\.json")}
"""The files of a golden, and what their paths look like: below the folder of the index."""


def entry_of(document: dict[str, Any]) -> Entry:
    """An entry; raises KeyError, TypeError, ValueError or AttributeError if it is none."""
    return Entry(
        id=text(document["id"]),
        title=text(document["title"]),
        purpose=text(document["purpose"]),
        cell=_cell(document["cell"]),
        features=tuple(_known(feature, FEATURES) for feature in listed(document["features"])),
        precisions=tuple(_known(precision, PRECISIONS) for precision in listed(document["precisions"])),
        files={kind: _file(document["files"][kind], pattern) for kind, pattern in _FILES.items()},
        content=text(document["content"]),
    )


def is_listed(folder: Path, file: File) -> bool:
    """Whether the index of a folder lists a file with these bytes, as it stands now; True if it is not valid."""
    from rnn_goldens.encoding.json_file import read_document

    try:
        goldens = read_document(folder / INDEX)["goldens"]
        return any({"path": file.path, "sha256": file.sha256} in golden["files"].values() for golden in goldens)
    except (InvalidFile, KeyError, TypeError, AttributeError):
        return True


def _file(document: dict[str, Any], pattern: re.Pattern[str]) -> File:
    path = text(document["path"])
    if not pattern.fullmatch(path):
        raise ValueError(f"{path!r} is no path of a file below the index")
    return File(path, text(document["sha256"]))


def text(value: object) -> str:
    """Text; raises TypeError if it is none."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def listed(value: object) -> list[Any]:
    """A list; raises TypeError if it is none."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _cell(value: object) -> str:
    return text(value) if is_own_cell(str(value)) else _known(value, CELLS)


def _known(value: object, names: Container[object]) -> str:
    if value not in names:
        raise ValueError(f"{value!r} is not known here")
    return text(value)
