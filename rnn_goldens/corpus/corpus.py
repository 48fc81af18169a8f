"""A corpus: selecting goldens from its index, and loading the selected ones."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.index import INDEX, REMEDY, Entry, File
from rnn_goldens.errors import InvalidFile, UnknownName
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import CELLS


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
            raise InvalidFile(path, [f"is listed in {INDEX} but can not be read: {error.strerror}"], REMEDY) from None
        if found != file.sha256:
            reason = f"SHA-256 is {found[:12]}…, {INDEX} says {file.sha256[:12]}…: the file was changed or damaged"
            raise InvalidFile(path, [reason], REMEDY)
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


def names(argument: str, value: object) -> tuple[str, ...]:
    """One name or several, as a tuple; raises TypeError if an argument is neither."""
    if isinstance(value, str):
        return (value,)
    several = tuple(value) if isinstance(value, Iterable) else ()
    if not isinstance(value, Iterable) or not all(isinstance(name, str) for name in several):
        raise TypeError(f"{argument} takes a name or a list of names, not {value!r}")
    return several
