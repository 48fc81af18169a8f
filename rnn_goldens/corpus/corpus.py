"""A corpus: a folder of goldens with an index; and several as one. Loads goldens by id."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from msgspec import UNSET

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.index import INDEX, OURS, Entry, File, GradientsEntry, Kind, fastest, is_listed, remedy
from rnn_goldens.corpus.selection import Selection
from rnn_goldens.encoding import content_hash, decode, gradients_hash
from rnn_goldens.encoding.files import not_in_wheel
from rnn_goldens.encoding.untrusted_files import GOLDEN, read_bytes
from rnn_goldens.errors import InvalidFile, UnknownName, WrongUse
from rnn_goldens.golden.features import CORE, KERNEL_SIZE

_CHECKED: set[str] = set()
"""SHA-256 of the files that this process has validated; for gradients, preceded by the golden's content hash."""

_FIELDS = ("id", "title", "purpose", "cell", "precisions", "features")
"""Fields that an entry repeats from its file; an entry of gradients has two of them."""


@dataclass(frozen=True)
class Corpus(Selection):
    """A folder of goldens with an index."""

    folder: Path
    name: str  # the name of the corpus, ``rnn-goldens`` for the built-in one
    version: str  # MAJOR.MINOR.PATCH
    entries: tuple[Entry, ...]  # the entries of the index, from simple to hard
    where: str = ""  # the value of ``--corpus`` for this corpus; "" for the default
    # whether the corpus is built in. Then links are followed, because an installer may have created them, and files
    # with the listed hash are not validated again
    is_packaged: bool = False
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # for goldens that the wheel lacks, how to get them

    @property
    def label(self) -> str:
        """The version, preceded by the name of the corpus unless the corpus is built in."""
        return self.version if self.name == OURS else f"{self.name} {self.version}"

    @cached_property
    def not_in_wheel(self) -> frozenset[str]:
        """The paths of the HDF5 files that are missing because the wheel does not carry them."""
        return not_in_wheel(self.folder, (file.path for entry in self.entries for file in entry.all_files))

    @property
    def _remedy(self) -> str:
        return remedy(self.name, self.where)

    def load(self, golden_id: str, dtype: object = "float64", *, gradients: bool = False) -> Golden:
        """Load a golden in a precision.

        Raises:
            UnknownName: the golden does not exist, cannot be checked in the precision, or has no gradients.
            InvalidFile: a file is missing, damaged, or not as the index describes it.
        """
        entry = self.entry(golden_id)
        golden = self.read(entry)
        if gradients:
            golden = self.read_gradients(golden, entry)
        loaded = replace(golden, dtype=golden.precision_name(dtype), features=entry.features, corpus=self.where)
        if gradients:
            loaded.checkable_gradients()  # raises if they cannot be checked in this precision
        return loaded

    def load_all(self, golden_id: str) -> Golden:
        """Load a golden, with its gradients if it has some, in the widest precision."""
        entry = self.entry(golden_id)
        precisions = entry.gradient_precisions or entry.precisions
        return self.load(golden_id, precisions[0], gradients=bool(entry.gradient_precisions))

    def read_gradients(
        self, golden: Golden, entry: Entry, kind: Kind | None = None, *, thorough: bool = False
    ) -> Golden:
        """Return the golden with gradients, read as by ``read``. Raises UnknownName if it has none."""
        if entry.gradients is UNSET:
            having = [other.id for other in self.entries if other.gradients is not UNSET]
            raise UnknownName("golden with gradients", entry.id, having, plural="goldens with gradients")
        of_content = entry.content if self.is_packaged else content_hash(golden)
        return self.read(entry.gradients, kind, golden, of_content, thorough=thorough)

    def read(
        self,
        listed: Entry | GradientsEntry,
        kind: Kind | None = None,
        of: Golden | None = None,
        of_content: str = "",
        *,
        thorough: bool = False,
    ) -> Golden:
        """Return a golden, or the golden ``of`` with its gradients, from one of the files that an entry lists.

        If ``kind`` is None, from the one that is read fastest. ``thorough``: validate by the schema and compare the
        content hash, too. Raises InvalidFile if the file is invalid or differs from the entry.
        """
        file = listed.files[kind or fastest(listed.files)]
        if "json" not in listed.files and KERNEL_SIZE not in getattr(listed, "features", (KERNEL_SIZE,)):
            raise InvalidFile(self.folder / file.path, [f"has no JSON, as only a golden of {KERNEL_SIZE} may"])
        content, path, key = self.content(file), self.folder / file.path, of_content + file.sha256
        known = (self.is_packaged or key in _CHECKED) and not thorough
        try:
            golden = decode(content, path, of=of, of_content=of_content, by_schema=thorough, known=known)
        except InvalidFile as error:
            raise InvalidFile(error.path, error.problems, self._remedy) from None
        _CHECKED.add(key)
        stored: object = golden if of is None else golden.gradients
        pairs = {name: (getattr(stored, name), getattr(listed, name)) for name in _FIELDS if hasattr(listed, name)}
        if "features" in pairs:
            pairs["features"] = golden.features, tuple(name for name in pairs["features"][1] if name != CORE)
        if thorough:
            pairs["content hash"] = (content_hash if of is None else gradients_hash)(golden), listed.content
        if problems := [f"{n}: is {has!r}, {INDEX} lists {want!r}" for n, (has, want) in pairs.items() if has != want]:
            raise InvalidFile(path, problems, self._remedy)
        return golden

    def content(self, file: File) -> bytes:
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

    def _not_as_listed(self, file: File, reason: str) -> InvalidFile:
        """Return the error for a damaged file, or for a corpus that was replaced since it was opened."""
        path = self.folder / file.path
        if is_listed(self.folder, file):
            return InvalidFile(path, [reason], self._remedy)
        return InvalidFile(path, [f"{INDEX} was replaced since it was read, and lists this file differently"], "Retry.")


class Corpora(Selection):
    """One or more corpora, with the goldens of one after the other."""

    def __init__(self, parts: Sequence[Corpus]) -> None:
        """Raise WrongUse if two corpora have the same id."""
        self.parts, self._corpus_of = parts, dict[str, Corpus]()
        for part in parts:
            for golden_id in part.ids:
                other = self._corpus_of.setdefault(golden_id, part)
                if other is not part:
                    raise WrongUse(
                        f"{golden_id} is in {other.folder} and in {part.folder}: rename one of them, "
                        "or check them in two runs"
                    )
        self.entries = tuple(entry for part in parts for entry in part.entries)
        self.elsewhere = {golden_id: how for part in parts for golden_id, how in part.elsewhere.items()}

    @property
    def label(self) -> str:
        """The names and versions of the corpora."""
        return ", ".join(part.label for part in self.parts)

    def of(self, golden_id: str) -> Corpus:
        """Return the corpus that contains a golden. Raises UnknownName with the nearest id."""
        return self._corpus_of[self.entry(golden_id).id]

    def load(self, golden_id: str, dtype: object = "float64", *, gradients: bool = False) -> Golden:
        """Load a golden, as ``Corpus.load`` does."""
        return self.of(golden_id).load(golden_id, dtype, gradients=gradients)
