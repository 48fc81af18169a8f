"""Builds the index of a corpus, and reads an existing index."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType, json, structs

from rnn_goldens import encoding
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import INDEX, Entry, File, open_corpus
from rnn_goldens.corpus.index import KINDS, GradientsEntry, GradientsFile, Kind
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.files import Kind as KindOfFile
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.golden.features import CORE
from rnn_goldens.schema import FORMATS, problems

T = TypeVar("T", bound=File)


@dataclass(frozen=True)
class CorpusIdentity:
    """The name and version of a corpus."""

    name: str  # the name; ``rnn-goldens`` for the built-in corpus
    version: str  # MAJOR.MINOR.PATCH

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the version, for comparison."""
        return tuple(map(int, self.version.split(".")))


def index_entry(golden: Golden, files: Mapping[str, bytes], *, core: bool) -> Entry:
    """Return the entry of a golden, given its files by suffix, with gradients, and whether it is in the core set."""
    gradients: GradientsEntry | UnsetType = UNSET
    if (of := golden.gradients) is not None:
        of_gradients = _files(golden.id, encoding.GRADIENTS, files, GradientsFile)
        gradients = GradientsEntry(of.purpose, of.precisions, of_gradients, encoding.gradients_hash(golden))
    described = _described(golden, core=core)
    return Entry(
        **described,
        files=_files(golden.id, encoding.OUTPUTS, files, File),
        content=encoding.content_hash(golden),
        gradients=gradients,
    )


def updated(entry: Entry, golden: Golden, *, core: bool) -> Entry:
    """Return an entry with the texts of a golden, and with everything else that goldens are selected by."""
    return structs.replace(entry, **_described(golden, core=core))


def _files(golden_id: str, of: KindOfFile, contents: Mapping[str, bytes], listed: type[T]) -> dict[Kind, T]:
    return {
        kind: listed(f"{golden_id}{suffix}", hashlib.sha256(contents[suffix]).hexdigest())
        for kind, suffix in zip(KINDS, of.suffixes, strict=True)
        if suffix in contents
    }


def _described(golden: Golden, *, core: bool) -> dict[str, Any]:
    features = (*golden.features, *([CORE] if core else []))
    return {name: getattr(golden, name) for name in ("id", "title", "purpose", "cell", "precisions")} | {
        "features": features
    }


def encode_index(identity: CorpusIdentity, entries: Sequence[Entry]) -> bytes:
    """Return the bytes of an index file. Raises InvalidFile if it is not valid."""
    head = {"kind": "index", "format": FORMATS["index"], "corpus": identity.name, "version": identity.version}
    document = {**head, "goldens": json.decode(json.encode(entries))}
    if found := problems(document, "index"):
        raise InvalidFile(INDEX, found)
    return json_file.encode(document)


def existing_corpus(folder: Path, identity: CorpusIdentity) -> tuple[str, dict[str, Entry]]:
    """Return the version of the corpus in a folder and its entries by id; that of ``identity`` and none without one.

    Raises InvalidFile if the index is damaged, and WrongUse for another corpus or a later version.
    """
    if not (folder / INDEX).exists():
        return identity.version, {}
    existing = open_corpus(folder)  # raises for an invalid index, because its goldens would be lost
    if existing.name != identity.name:
        raise WrongUse(
            f"{folder} has the corpus {existing.name}, but these scenarios are of {identity.name}: "
            f"name another folder; if it is the same corpus and the file was renamed, set CORPUS = {existing.name!r} "
            "in it"
        )
    if CorpusIdentity(existing.name, existing.version).numbers > identity.numbers:
        raise WrongUse(
            f"{folder} has version {existing.version}, these scenarios are {identity.version}: increase their VERSION"
        )
    return existing.version, {entry.id: entry for entry in existing.entries}
