"""Builds the index of a corpus, and reads an existing index."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import json

from rnn_goldens import encoding
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import INDEX, open_corpus
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.golden.features import CORE
from rnn_goldens.schema import FORMATS, problems

Entry = dict[str, Any]


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
    entry = {
        **described(golden, core=core),
        "files": _files(golden.id, {suffix: files[suffix] for suffix in encoding.OUTPUTS.suffixes if suffix in files}),
        "content": encoding.content_hash(golden),
    }
    if golden.gradients is not None:
        of_gradients = {suffix: files[suffix] for suffix in encoding.GRADIENTS.suffixes if suffix in files}
        entry["gradients"] = {
            "purpose": golden.gradients.purpose,
            "precisions": list(golden.gradients.precisions),
            "files": _files(golden.id, of_gradients),
            "content": encoding.gradients_hash(golden),
        }
    return entry


def _files(golden_id: str, contents: Mapping[str, bytes]) -> Entry:
    return {
        suffix.rpartition(".")[2]: {"path": f"{golden_id}{suffix}", "sha256": hashlib.sha256(content).hexdigest()}
        for suffix, content in contents.items()
    }


def files_of(entry: Entry) -> list[dict[str, str]]:
    """Return path and SHA-256 of each file in an entry, gradients included."""
    return [*entry["files"].values(), *entry.get("gradients", {"files": {}})["files"].values()]


def contents_of(entry: Entry) -> str:
    """Return the content hashes of a golden and its gradients in an entry."""
    return " ".join([entry["content"], *([entry["gradients"]["content"]] if "gradients" in entry else [])])


def described(golden: Golden, *, core: bool) -> Entry:
    """Return the part of an entry that goldens are selected by: everything except files and hashes."""
    return {
        "id": golden.id,
        "title": golden.title,
        "purpose": golden.purpose,
        "cell": golden.cell,
        "features": [*golden.features, *([CORE] if core else [])],
        "precisions": list(golden.precisions),
    }


def encode_index(identity: CorpusIdentity, entries: Sequence[Entry]) -> bytes:
    """Return the bytes of an index file. Raises InvalidFile if it is not valid."""
    head = {"kind": "index", "format": FORMATS["index"], "corpus": identity.name, "version": identity.version}
    document = {**head, "goldens": list(entries)}
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
    return existing.version, {entry.id: json.decode(json.encode(entry)) for entry in existing.entries}
