"""A corpus: a folder of goldens, which its index lists, and loading those that are selected."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import UNSET

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.index import INDEX, OURS, Entry, File, GradientsFile, is_listed, remedy
from rnn_goldens.corpus.selection import Selection
from rnn_goldens.encoding.bounds import GOLDEN
from rnn_goldens.encoding.file_bytes import read_bytes
from rnn_goldens.errors import InvalidFile, UnknownName
from rnn_goldens.golden.features import CORE

_CHECKED: set[str] = set()
"""SHA-256 of files that this process has found to be consistent; of gradients, after the content of their golden."""


@dataclass(frozen=True)
class Corpus(Selection):
    """A folder of goldens with an index; entries go from simple to hard.

    Attributes:
        folder: where it is.
        name: whose it is: ``rnn-goldens`` for what the package carries.
        version: MAJOR.MINOR.PATCH.
        entries: what the index says of each golden.
        where: what ``--corpus`` takes for it; "" for the one that commands take without.
        is_packaged: whether the package carries it: its installer may have made links, which are followed; what has the
            hash of a file that was checked when it was made is not checked again.
    """

    folder: Path
    name: str
    version: str
    entries: tuple[Entry, ...]
    where: str = ""
    is_packaged: bool = False

    @property
    def label(self) -> str:
        """Its version, with its name if it is not what the package carries."""
        return self.version if self.name == OURS else f"{self.name} {self.version}"

    @property
    def _remedy(self) -> str:
        return remedy(self.name, self.where)

    def load(self, golden_id: str, dtype: object = "float64", *, gradients: bool = False) -> Golden:
        """Load a golden in a precision, named as for ``Golden.in_precision``.

        Args:
            golden_id: its id.
            dtype: the precision.
            gradients: whether its gradients are loaded, too.

        Raises:
            UnknownName: no such golden, or it does not support the precision, or has no gradients there.
            InvalidFile: its file is missing, or is not the one the index describes.
        """
        entry = self.entry(golden_id)
        golden = self._loaded(entry)
        if gradients:
            golden = self._with_gradients(golden, entry)
        asked = replace(golden, dtype=golden.held(dtype), features=entry.features, corpus=self.where)
        if gradients:
            asked.checkable_gradients()  # which has some in this precision, or it is an error
        return asked

    def _loaded(self, entry: Entry) -> Golden:
        """A golden from its JSON file; raises InvalidFile if the index says other of it."""
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
        if others := [name for name, (found, listed) in pairs.items() if found != listed]:
            said = (f"{name}: is {pairs[name][0]!r}, {INDEX} says {pairs[name][1]!r}" for name in others)
            raise InvalidFile(path, list(said), self._remedy)
        return golden

    def _with_gradients(self, golden: Golden, entry: Entry) -> Golden:
        """The same with its gradients; raises UnknownName if the index lists none, InvalidFile if it says other."""
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
            said, listed = getattr(golden.gradients, name), getattr(entry.gradients, name)
            if said != listed:
                problem = f"{name}: is {said!r}, {INDEX} says {listed!r}"
                raise InvalidFile(path, [problem], self._remedy)
        return golden

    def _with_remedy(self, error: InvalidFile) -> InvalidFile:
        return InvalidFile(error.path, error.problems, self._remedy)

    def content(self, file: File | GradientsFile) -> bytes:
        """The bytes of a file of this corpus; raises InvalidFile if they are not what the index says."""
        path = self.folder / file.path
        try:
            content = read_bytes(path, GOLDEN.size, below=None if self.is_packaged else self.folder)
        except InvalidFile as error:
            raise self._not_as_listed(file, f"is listed in {INDEX} but {error.problems[0]}") from None
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            reason = f"SHA-256 is {found[:12]}…, {INDEX} says {file.sha256[:12]}…: the file was changed or damaged"
            raise self._not_as_listed(file, reason)
        return content

    def _not_as_listed(self, file: File | GradientsFile, reason: str) -> InvalidFile:
        """What is said of a file that is damaged, or of a corpus that somebody has written since it was opened."""
        path = self.folder / file.path
        if is_listed(self.folder, file):
            return InvalidFile(path, [reason], self._remedy)
        return InvalidFile(
            path, [f"{INDEX} was written anew since it was read, and lists it otherwise"], "Run it again."
        )
