"""A corpus: a folder of goldens with an index. Loads goldens by id."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from msgspec import UNSET

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.index import INDEX, OURS, Entry, File, GradientsFile, is_listed, remedy
from rnn_goldens.corpus.selection import Selection
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.encoding.not_in_wheel import not_in_wheel
from rnn_goldens.encoding.size_limits import GOLDEN
from rnn_goldens.errors import InvalidFile, UnknownName
from rnn_goldens.golden.features import CORE

_CHECKED: set[str] = set()
"""SHA-256 of the files that this process has validated; for gradients, preceded by the golden's content hash."""


@dataclass(frozen=True)
class Corpus(Selection):
    """A folder of goldens with an index.

    Attributes:
        folder: the folder.
        name: the name of the corpus, ``rnn-goldens`` for the built-in one.
        version: MAJOR.MINOR.PATCH.
        entries: the entries of the index, from simple to hard.
        where: the value of ``--corpus`` for this corpus; "" for the default.
        is_packaged: whether the corpus is built in. Then links are followed, because an installer may have created
            them, and files with the listed hash are not validated again.
    """

    folder: Path
    name: str
    version: str
    entries: tuple[Entry, ...]
    where: str = ""
    is_packaged: bool = False

    @property
    def label(self) -> str:
        """The version, preceded by the name of the corpus unless the corpus is built in."""
        return self.version if self.name == OURS else f"{self.name} {self.version}"

    @cached_property
    def not_in_wheel(self) -> frozenset[str]:
        """The paths of the HDF5 files that are missing because the wheel does not carry them."""
        return not_in_wheel(self.folder)

    @property
    def _remedy(self) -> str:
        return remedy(self.name, self.where)

    def load(self, golden_id: str, dtype: object = "float64", *, gradients: bool = False) -> Golden:
        """Load a golden in a precision.

        Args:
            golden_id: the id.
            dtype: the precision, as for ``Golden.in_precision``.
            gradients: whether to load its gradients too.

        Raises:
            UnknownName: the golden does not exist, cannot be checked in the precision, or has no gradients.
            InvalidFile: a file is missing, damaged, or not as the index describes it.
        """
        entry = self.entry(golden_id)
        golden = self._loaded(entry)
        if gradients:
            golden = self._with_gradients(golden, entry)
        loaded = replace(golden, dtype=golden.precision_name(dtype), features=entry.features, corpus=self.where)
        if gradients:
            loaded.checkable_gradients()  # raises if they cannot be checked in this precision
        return loaded

    def load_all(self, golden_id: str) -> Golden:
        """Load a golden, with its gradients if it has some, in the widest precision."""
        entry = self.entry(golden_id)
        precisions = entry.gradient_precisions or entry.precisions
        return self.load(golden_id, precisions[0], gradients=bool(entry.gradient_precisions))

    def _loaded(self, entry: Entry) -> Golden:
        """Return a golden from its JSON file. Raises InvalidFile if the file differs from the entry."""
        from rnn_goldens.encoding import decode

        file = entry.files["json"]
        content, path = self.content(file), self.folder / file.path
        try:
            golden = decode(content, path, known=self.is_packaged or file.sha256 in _CHECKED)
        except InvalidFile as error:
            raise self._with_remedy(error) from None
        _CHECKED.add(file.sha256)
        features = tuple(feature for feature in entry.features if feature != CORE)
        names = ("id", "title", "purpose", "cell", "precisions")
        pairs = {name: (getattr(golden, name), getattr(entry, name)) for name in names}
        pairs["features"] = (golden.features, features)
        if others := [name for name, (stored, listed) in pairs.items() if stored != listed]:
            problems = (f"{name}: is {pairs[name][0]!r}, {INDEX} lists {pairs[name][1]!r}" for name in others)
            raise InvalidFile(path, list(problems), self._remedy)
        return golden

    def _with_gradients(self, golden: Golden, entry: Entry) -> Golden:
        """Return the golden with gradients. Raises UnknownName if it has none, InvalidFile if their file is invalid."""
        from rnn_goldens.encoding import content_hash, decode

        if entry.gradients is UNSET:
            having = [other.id for other in self.entries if other.gradients is not UNSET]
            raise UnknownName("golden with gradients", entry.id, having, plural="goldens with gradients")
        file = entry.gradients.files["json"]
        content, path = self.content(file), self.folder / file.path
        of = entry.content if self.is_packaged else content_hash(golden)
        try:
            known = self.is_packaged or of + file.sha256 in _CHECKED
            golden = decode(content, path, of=golden, of_content=of, known=known)
        except InvalidFile as error:
            raise self._with_remedy(error) from None
        _CHECKED.add(of + file.sha256)
        for name in ("purpose", "precisions"):
            stored, listed = getattr(golden.gradients, name), getattr(entry.gradients, name)
            if stored != listed:
                problem = f"{name}: is {stored!r}, {INDEX} lists {listed!r}"
                raise InvalidFile(path, [problem], self._remedy)
        return golden

    def _with_remedy(self, error: InvalidFile) -> InvalidFile:
        return InvalidFile(error.path, error.problems, self._remedy)

    def content(self, file: File | GradientsFile) -> bytes:
        """Return the bytes of a file of this corpus. Raises InvalidFile if their hash is not the listed one."""
        path = self.folder / file.path
        try:
            content = read_bytes(path, GOLDEN.size, below=None if self.is_packaged else self.folder)
        except InvalidFile as error:
            raise self._not_as_listed(file, f"is listed in {INDEX} but {error.problems[0]}") from None
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 != file.sha256:
            reason = f"SHA-256 is {sha256[:12]}…, {INDEX} lists {file.sha256[:12]}…: the file was changed or damaged"
            raise self._not_as_listed(file, reason)
        return content

    def _not_as_listed(self, file: File | GradientsFile, reason: str) -> InvalidFile:
        """Return the error for a damaged file, or for a corpus that was replaced since it was opened."""
        path = self.folder / file.path
        if is_listed(self.folder, file):
            return InvalidFile(path, [reason], self._remedy)
        return InvalidFile(path, [f"{INDEX} was replaced since it was read, and lists this file differently"], "Retry.")
