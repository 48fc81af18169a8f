"""A corpus: its index, selecting goldens from it without opening any, and loading the selected ones."""

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rnn_goldens.errors import InvalidFile, UnknownName, WrongUse
from rnn_goldens.golden import FEATURES, Golden, precision_name
from rnn_goldens.precision import PRECISIONS
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
    _last: list[Golden] = field(default_factory=list, init=False, repr=False, compare=False)
    """The golden that was loaded last, which nobody else holds: its precisions are asked for one after the other."""

    @property
    def ids(self) -> list[str]:
        """Every golden's id, in the order of the index."""
        return [entry.id for entry in self.entries]

    def entry(self, golden_id: str) -> Entry:
        """Look a golden up; raises UnknownName with the nearest id."""
        if not isinstance(golden_id, str):
            raise TypeError(f"a golden's id is text, such as {self.ids[0]!r}, not {golden_id!r}")
        for entry in self.entries:
            if entry.id == golden_id:
                return entry
        raise UnknownName("golden", golden_id, self.ids)

    def select(
        self,
        ids: str | Iterable[str] = (),
        cell: str | Iterable[str] = (),
        features: str | Iterable[str] = (),
        without: str | Iterable[str] = (),
    ) -> list[Entry]:
        """Select goldens: one of the ids and cells if any are given, all of the features, none of ``without``.

        Each argument is one name or several.

        Args:
            ids: ids or patterns such as ``documented/*``.
            cell: cells.
            features: tags a golden must have.
            without: tags it must not have.

        Raises:
            UnknownName: an id or pattern that matches nothing, or a cell or feature that does not exist.
            TypeError: an argument that is neither a name nor several.
        """
        ids, cell = names("ids", ids), names("cell", cell)
        features, without = names("features", features), names("without", without)
        for kind, asked, known in (("cell", cell, CELLS), ("feature", (*features, *without), FEATURES)):
            for name in asked:
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

    def load(self, golden_id: str, dtype: object = "float64") -> Golden:
        """Load a golden in a precision, named as for ``Golden.in_precision``.

        Raises:
            UnknownName: no such golden, or it does not support the precision.
            InvalidFile: its file is missing, or is not the one the index describes.
        """
        from rnn_goldens.encoding import read_known

        entry = self.entry(golden_id)
        golden = next((last for last in self._last if last.id == entry.id), None)
        if golden is None:
            path = self.verified(entry.files["h5"])
            known = {name: value for name, value in vars(entry).items() if name not in ("files", "content")}
            golden = read_known(path, {**known, "provenance": _Provenance(path)})
            self._last[:] = [golden]
        return golden.in_precision(dtype).copied()

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


@dataclass(frozen=True, eq=False)
class _Provenance(Mapping[str, str]):
    """A golden's provenance, read when it is first looked at: checking an implementation never does."""

    path: Path
    _read: dict[str, str] = field(default_factory=dict, init=False)

    def _all(self) -> dict[str, str]:
        from rnn_goldens import encoding

        if not self._read:
            self._read.update(encoding.read(self.path).provenance)
        return self._read

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[type[dict[str, str]], tuple[dict[str, str]]]:
        return dict, (self._all(),)


def packaged() -> dict[str, Path]:
    """The corpus versions this package carries, oldest first, and their folders."""
    from rnn_goldens import fixtures

    folders = (index.parent for index in Path(fixtures.__path__[0]).glob(f"v*/{INDEX}"))
    return {folder.name: folder for folder in sorted(folders, key=lambda f: int(f.name[1:]))}


def find(where: str | Path | None = None) -> Path:
    """Folder of a corpus: a version such as ``v1``, a folder that holds an index, or by default the newest version.

    Raises:
        UnknownName: no such version or folder.
        WrongUse: a folder without an index.
    """
    versions = packaged()
    if where is None:
        return list(versions.values())[-1]
    if str(where) in versions:
        return versions[str(where)]
    if (Path(where) / INDEX).is_file():
        return Path(where)
    if Path(where).is_dir():
        raise WrongUse(f"{where} is no corpus: it holds no {INDEX}")
    raise UnknownName("corpus", str(where), versions, plural="corpora (or give a folder that holds an index.json)")


def open_corpus(where: str | Path | None = None) -> Corpus:
    """Open the index of a corpus, found as by ``find``; raises InvalidFile if the index is not valid."""
    return open_folder(find(where))


def open_folder(folder: Path) -> Corpus:
    """Open the index of the corpus in a folder; raises InvalidFile if it is not valid."""
    index = folder / INDEX
    from rnn_goldens.encoding.json_file import read_document

    document = read_document(index)
    try:
        if (document["kind"], document["format"]) != ("index", 1):
            raise ValueError
        version = _text(document["version"])
        return Corpus(folder, version, tuple(map(_entry, _listed(document["goldens"]))))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # The schema would find it too, but costs more than the index itself: it is asked only for the reason.
        from rnn_goldens import schema

        raise InvalidFile(index, schema.problems(document, "index") or [str(error)], _REMEDY) from None


def load(golden_id: str, *, dtype: object = "float32", corpus: str | Path | None = None) -> Golden:
    """Load a golden.

    Args:
        golden_id: such as ``documented/single-sequence``.
        dtype: ``float64``, ``float32``, ``bfloat16`` or ``float16``, or as a library names it: ``np.float32``.
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
    dtype: object = "float32",
    corpus: str | Path | None = None,
) -> list[Golden]:
    """Load every golden that matches and can be checked in the precision, from simple to hard.

    Arguments are as for ``Corpus.select`` and ``load``.
    """
    opened, wanted = open_corpus(corpus), precision_name(dtype)
    entries = opened.select(ids, cell, features, without)
    return [opened.load(entry.id, wanted) for entry in entries if wanted in entry.precisions]


def names(argument: str, value: object) -> tuple[str, ...]:
    """One name or several, as a tuple; raises TypeError if an argument is neither."""
    if isinstance(value, str):
        return (value,)
    several = tuple(value) if isinstance(value, Iterable) else ()
    if not isinstance(value, Iterable) or not all(isinstance(name, str) for name in several):
        raise TypeError(f"{argument} takes a name or a list of names, not {value!r}")
    return several


# An index of a thousand goldens is read whenever tests are collected, so what an entry says is checked here, by hand.
_FILES = {"h5": re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*\.h5"), "json": re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*\.json")}
"""The files of a golden, and what their paths look like: below the folder of the index."""


def _entry(document: dict[str, Any]) -> Entry:
    return Entry(
        id=_text(document["id"]),
        title=_text(document["title"]),
        purpose=_text(document["purpose"]),
        cell=_known(document["cell"], CELLS),
        features=tuple(_known(feature, FEATURES) for feature in _listed(document["features"])),
        precisions=tuple(_known(precision, PRECISIONS) for precision in _listed(document["precisions"])),
        files={kind: _file(document["files"][kind], pattern) for kind, pattern in _FILES.items()},
        content=_text(document["content"]),
    )


def _file(document: dict[str, Any], pattern: re.Pattern[str]) -> File:
    path = _text(document["path"])
    if not pattern.fullmatch(path):
        raise ValueError(f"{path!r} is no path of a file below the index")
    return File(path, _text(document["sha256"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _known(value: object, names: Container[object]) -> str:
    if value not in names:
        raise ValueError(f"{value!r} is not known here")
    return _text(value)
