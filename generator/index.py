"""The index of a corpus, as the generator writes it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import json

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import INDEX, open_corpus
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile, WrongUse
from rnn_goldens.golden.features import CORE
from rnn_goldens.schema import FORMATS, problems

Entry = dict[str, Any]


@dataclass(frozen=True)
class Whose:
    """Whose corpus it is, and which version.

    Attributes:
        name: ``rnn-goldens`` for the one of this package, another for every other.
        version: MAJOR.MINOR.PATCH.
    """

    name: str
    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version's, to be compared."""
        return tuple(map(int, self.version.split(".")))

    def begins_a_major_after(self, before: str) -> bool:
        """Whether values that stand under an earlier version may be others under this one."""
        return self.numbers[0] > Whose(self.name, before).numbers[0]


def index_entry(golden: Golden, files: Mapping[str, bytes], *, core: bool) -> Entry:
    """What the index says of a golden; ``core`` is a feature it has in this corpus, not in itself.

    ``files`` are the bytes of its files by suffix, those of its gradients among them.
    """
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
    """Path and SHA-256 of each file that an entry lists, those of gradients among them."""
    return [*entry["files"].values(), *entry.get("gradients", {"files": {}})["files"].values()]


def contents_of(entry: Entry) -> str:
    """What an entry says of the content of a golden, and of its gradients."""
    return " ".join([entry["content"], *([entry["gradients"]["content"]] if "gradients" in entry else [])])


def described(golden: Golden, *, core: bool) -> Entry:
    """The part of an entry that selects: all but the files and what they hold."""
    return {
        "id": golden.id,
        "title": golden.title,
        "purpose": golden.purpose,
        "cell": golden.cell,
        "features": [*golden.features, *([CORE] if core else [])],
        "precisions": list(golden.precisions),
    }


def encode_index(whose: Whose, entries: Sequence[Entry]) -> bytes:
    """The bytes of an index file; raises InvalidFile if they are not valid."""
    head = {"kind": "index", "format": FORMATS["index"], "corpus": whose.name, "version": whose.version}
    document = {**head, "goldens": list(entries)}
    if found := problems(document, "index"):
        raise InvalidFile(INDEX, found)
    return json_file.encode(document)


@dataclass(frozen=True)
class Standing:
    """A corpus as it stands: its version, and the entries of its index by id."""

    version: str
    entries: dict[str, Entry]


def standing_in(folder: Path, whose: Whose) -> Standing:
    """What stands in a folder; this version without entries if there is no corpus yet.

    Raises:
        InvalidFile: the index is damaged.
        WrongUse: it is of another corpus, or of a later version.
    """
    if not (folder / INDEX).exists():
        return Standing(whose.version, {})
    there = open_corpus(folder)  # refuses an index that is not valid: what it lists could not be kept
    if there.name != whose.name:
        raise WrongUse(
            f"{folder} holds the corpus {there.name}, and these scenarios make {whose.name}: name another folder; "
            f"or, if it is the same corpus and the file has another name now, write CORPUS = {there.name!r} into it"
        )
    if Whose(there.name, there.version).numbers > whose.numbers:
        raise WrongUse(
            f"{folder} holds version {there.version}, and these scenarios say {whose.version}: raise their VERSION"
        )
    entries = {entry.id: json.decode(json.encode(entry)) for entry in there.entries}
    return Standing(there.version, entries)
