"""A corpus: a folder of goldens, which its index lists, and loading those that are selected."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.index import INDEX, OURS, Entry, File, remedy
from rnn_goldens.corpus.selection import Selection
from rnn_goldens.errors import InvalidFile


@dataclass(frozen=True)
class Corpus(Selection):
    """A folder of goldens with an index; entries go from simple to hard.

    Attributes:
        folder: where it is.
        name: whose it is: ``rnn-goldens`` for what the package carries.
        version: MAJOR.MINOR.PATCH.
        entries: what the index says of each golden.
        where: what ``--corpus`` takes for it; "" for the one that commands take without.
    """

    folder: Path
    name: str
    version: str
    entries: tuple[Entry, ...]
    where: str = ""
    _last: list[Golden] = field(default_factory=list, init=False, repr=False, compare=False)
    """The golden that was loaded last, which nobody else holds: its precisions are asked for one after the other."""

    @property
    def label(self) -> str:
        """Its version, with its name if it is not what the package carries."""
        return self.version if self.name == OURS else f"{self.name} {self.version}"

    @property
    def _remedy(self) -> str:
        return remedy(self.name, self.where)

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
        return replace(golden.in_precision(dtype).copied(), corpus=self.where)

    def verified(self, file: File) -> Path:
        """Path of a file of this corpus whose bytes are what the index says; raises InvalidFile otherwise."""
        path = self.folder / file.path
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise InvalidFile(
                path, [f"is listed in {INDEX} but can not be read: {error.strerror}"], self._remedy
            ) from None
        if found != file.sha256:
            reason = f"SHA-256 is {found[:12]}…, {INDEX} says {file.sha256[:12]}…: the file was changed or damaged"
            raise InvalidFile(path, [reason], self._remedy)
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
