"""A corpus: its index, selecting goldens from it without opening any, and loading the selected ones."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rnn_goldens.errors import InvalidFile, UnknownName
from rnn_goldens.golden import FEATURES, Golden
from rnn_goldens.shapes import CELLS

INDEX = "index.json"
_REMEDY = "Restore it from where it came, or run 'rnn-goldens generate' in a checkout of rnn-goldens."


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


@dataclass(frozen=True)
class Corpus:
    """A folder of goldens with an index; entries go from simple to hard."""

    folder: Path
    version: str
    entries: tuple[Entry, ...]

    @property
    def ids(self) -> list[str]:
        """Every golden's id, in the order of the index."""
        return [entry.id for entry in self.entries]

    def entry(self, golden_id: str) -> Entry:
        """Look a golden up; raises UnknownName with the nearest id."""
        for entry in self.entries:
            if entry.id == golden_id:
                return entry
        raise UnknownName("golden", golden_id, self.ids)

    def select(
        self,
        ids: Iterable[str] = (),
        cell: Iterable[str] = (),
        features: Iterable[str] = (),
        without: Iterable[str] = (),
    ) -> list[Entry]:
        """Select goldens: one of the ids and cells if any are given, all of the features, none of ``without``.

        Args:
            ids: ids or patterns such as ``documented/*``.
            cell: cells.
            features: tags a golden must have.
            without: tags it must not have.

        Raises:
            UnknownName: an id or pattern that matches nothing, or a cell or feature that does not exist.
        """
        ids, cell, features, without = tuple(ids), tuple(cell), tuple(features), tuple(without)
        for kind, names, known in (("cell", cell, CELLS), ("feature", (*features, *without), FEATURES)):
            for name in names:
                if name not in known:
                    raise UnknownName(kind, name, known)
        for pattern in ids:
            if not any(fnmatchcase(known, pattern) for known in self.ids):
                raise UnknownName("golden", pattern, self.ids)
        return [
            entry
            for entry in self.entries
            if (not ids or any(fnmatchcase(entry.id, pattern) for pattern in ids))
            and (not cell or entry.cell in cell)
            and set(features) <= set(entry.features)
            and not set(without) & set(entry.features)
        ]

    def load(self, golden_id: str, dtype: str = "float64") -> Golden:
        """Load a golden in a precision.

        Raises:
            UnknownName: no such golden, or it does not support the precision.
            InvalidFile: its file is missing, or is not the one the index describes.
        """
        from rnn_goldens.encoding import read_trusted

        return read_trusted(self.verified(self.entry(golden_id).files["h5"])).in_precision(dtype)

    def verified(self, file: File) -> Path:
        """Path of a file of this corpus whose bytes are what the index says; raises InvalidFile otherwise."""
        path = self.folder / file.path
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise InvalidFile(path, [f"is listed in {INDEX} but can not be read: {error.strerror}"], _REMEDY) from None
        if found != file.sha256:
            reason = f"SHA-256 is {found[:12]}…, {INDEX} says {file.sha256[:12]}…: the file was changed or damaged"
            raise InvalidFile(path, [reason], _REMEDY)
        return path


def packaged() -> dict[str, Path]:
    """The corpus versions this package carries, oldest first, and their folders."""
    from rnn_goldens import fixtures

    folders = (index.parent for index in Path(fixtures.__path__[0]).glob(f"v*/{INDEX}"))
    return {folder.name: folder for folder in sorted(folders, key=lambda f: int(f.name[1:]))}


def find(where: str | Path | None = None) -> Path:
    """Folder of a corpus: a version such as ``v1``, a folder that holds an index, or by default the newest version."""
    versions = packaged()
    if where is None:
        return list(versions.values())[-1]
    if str(where) in versions:
        return versions[str(where)]
    if (Path(where) / INDEX).is_file():
        return Path(where)
    if Path(where).is_dir():
        raise InvalidFile(where, [f"is no corpus: it holds no {INDEX}"])
    raise UnknownName("corpus", str(where), versions, plural="corpora (or give a folder that holds an index.json)")


def open_corpus(where: str | Path | None = None) -> Corpus:
    """Open the index of a corpus, found as by ``find``.

    Raises:
        UnknownName: no such version or folder.
        InvalidFile: the index is not valid.
    """
    folder = find(where)
    index = folder / INDEX
    from rnn_goldens.encoding.json_file import read_document

    document = read_document(index)
    try:
        if (document["kind"], document["format"]) != ("index", 1):
            raise ValueError
        return Corpus(folder, document["version"], tuple(map(_entry, document["goldens"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # The schema would find it too, but costs more than the index itself: it is asked only for the reason.
        from rnn_goldens import schema

        raise InvalidFile(index, schema.problems(document, "index") or [repr(error)], _REMEDY) from None


def load(golden_id: str, *, dtype: str = "float32", corpus: str | Path | None = None) -> Golden:
    """Load a golden.

    Args:
        golden_id: such as ``documented/single-sequence``.
        dtype: ``float64``, ``float32``, ``bfloat16`` or ``float16``.
        corpus: a version or a folder; by default the newest version.

    Raises:
        UnknownName: the id, precision or corpus does not exist.
        InvalidFile: a file is missing or damaged.
    """
    return open_corpus(corpus).load(golden_id, dtype)


def select(
    *,
    ids: str | Iterable[str] = (),
    cell: str | Iterable[str] = (),
    features: str | Iterable[str] = (),
    without: str | Iterable[str] = (),
    dtype: str = "float32",
    corpus: str | Path | None = None,
) -> list[Golden]:
    """Load every golden that matches and can be checked in the precision, from simple to hard.

    Arguments are as for ``Corpus.select`` (one name or several) and ``load``.
    """
    from rnn_goldens.precision import precision

    opened = open_corpus(corpus)
    entries = opened.select(names(ids), names(cell), names(features), names(without))
    return [opened.load(entry.id, dtype) for entry in entries if precision(dtype).name in entry.precisions]


def names(value: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value)


def _entry(document: dict[str, Any]) -> Entry:
    return Entry(
        id=document["id"],
        title=document["title"],
        purpose=document["purpose"],
        cell=document["cell"],
        features=tuple(document["features"]),
        precisions=tuple(document["precisions"]),
        files={kind: File(**file) for kind, file in document["files"].items()},
        content=document["content"],
    )
