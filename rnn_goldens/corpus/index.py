"""The index of a corpus: one entry per golden, enough to select goldens without opening their files."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from rnn_goldens import schema
from rnn_goldens.encoding import field_types, json_file
from rnn_goldens.encoding.field_types import (
    SCHEMA,
    AnyCellName,
    AnyPrecisions,
    FeatureOrCore,
    Hash,
    Id,
    Precisions,
    Sentence,
    require_once,
)
from rnn_goldens.encoding.untrusted_files import INDEX as BOUNDS
from rnn_goldens.encoding.untrusted_files import OTHER, read_bytes
from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.features import FEATURES, LONGEST_ID
from rnn_goldens.golden.precision import INPUT_TYPES, PRECISIONS

INDEX = "index.json"
OURS = "rnn-goldens"
"""The name of the built-in corpus."""

KERNELS = "kernels"
"""The name of the corpus of goldens at the sizes of kernels, and the first part of their ids."""


def remedy(corpus: str, folder: str) -> str:
    """Return the advice for a damaged file of a corpus, given the name and the folder of the corpus."""
    if corpus == KERNELS:
        return "Restore the original: install rnn-goldens-kernels again, or run 'rnn-goldens generate' in a checkout."
    if corpus == OURS:
        return "Restore the original, or run 'rnn-goldens generate' in a checkout of rnn-goldens."
    command = f"rnn-goldens generate --scenarios FILE --into {shlex.quote(folder)}"
    return f"Restore the original, or regenerate it from its scenarios: {command}"


Kind = Literal["h5", "json"]
"""The two files of a golden; one at the size of a kernel has the first only."""


KINDS: tuple[Kind, ...] = ("h5", "json")

_PATH = r"^[a-z0-9-]+(/[a-z0-9-]+)*"


class File(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A file of a golden: path relative to the index, and the SHA-256 of its bytes."""

    path: Annotated[str, Meta(pattern=rf"{_PATH}\.(h5|json)\Z", max_length=LONGEST_ID + len(".json"))]
    sha256: Hash


class GradientsFile(File, frozen=True, forbid_unknown_fields=True, gc=False):
    """A gradients file."""

    path: Annotated[
        str, Meta(pattern=rf"{_PATH}\.gradients\.(h5|json)\Z", max_length=LONGEST_ID + len(".gradients.json"))
    ]


class GradientsEntry(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The entry of a golden's gradients."""

    purpose: Sentence
    precisions: Precisions
    files: Annotated[dict[Kind, GradientsFile], Meta(min_length=1)]
    content: Hash

    def __post_init__(self) -> None:
        require_once(self.precisions)
        _require_kinds(self.files)


class Entry(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The entry of a golden."""

    id: Id
    title: Sentence
    purpose: Sentence
    cell: AnyCellName
    features: Annotated[tuple[FeatureOrCore, ...], Meta(max_length=len(FEATURES))]
    precisions: AnyPrecisions
    files: Annotated[dict[Kind, File], Meta(min_length=1)]
    content: Hash
    gradients: GradientsEntry | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_once(self.features)
        require_once(self.precisions)
        _require_kinds(self.files)

    @property
    def gradient_precisions(self) -> tuple[str, ...]:
        """The precisions that gradients can be checked in; empty if there are no gradients."""
        return () if self.gradients is UNSET else self.gradients.precisions

    def checked_in(self, precisions: Iterable[str], *, gradients: bool = False) -> tuple[str, ...]:
        """Return those of some precisions that it can be checked in; its type, for any float, if it is of integers."""
        own = self.gradient_precisions if gradients else self.precisions
        if own and own[0] in INPUT_TYPES:
            return own if any(name in PRECISIONS or name in own for name in precisions) else ()
        return tuple(name for name in precisions if name in own)

    @property
    def contents(self) -> str:
        """The content hashes of the golden and of its gradients."""
        return " ".join([self.content, *([] if self.gradients is UNSET else [self.gradients.content])])

    @property
    def all_files(self) -> list[File]:
        """The files of the golden and of its gradients."""
        of_gradients = () if self.gradients is UNSET else self.gradients.files.values()
        return [*self.files.values(), *of_gradients]


def fastest(files: Mapping[Kind, File]) -> Kind:
    """Return the file that is read fastest: JSON, if the golden has it."""
    return "json" if "json" in files else "h5"


def _require_kinds(files: Mapping[Kind, File]) -> None:
    if "json" in files and "h5" not in files:
        raise ValueError("files: h5 is missing")
    for kind, file in files.items():
        if not file.path.endswith(f".{kind}"):
            raise ValueError(f"{file.path} is not a .{kind} file")


class Index(Struct, frozen=True, forbid_unknown_fields=True):
    """An index file, format 1, as in ``schema/index-1.schema.json``."""

    kind: Literal["index"]
    format: Literal[1]
    corpus: Annotated[str, Meta(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*\Z", max_length=LONGEST_ID)]
    version: Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}\Z", max_length=30)]
    goldens: tuple[Entry, ...]
    schema: Literal["urn:rnn-goldens:schema:index:1"] | UnsetType = field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        ids = [entry.id for entry in self.goldens]
        if len(set(ids)) < len(ids):
            raise ValueError(f"lists {Counter(ids).most_common(1)[0][0]} twice")


_DECODER = msgspec.json.Decoder(Index)

_MAX_FOR_SCHEMA = 2**20
"""Largest index, in bytes, whose problems are reported by the schema."""


def read_index(path: Path, where: str, below: Path | None = None, *, thorough: bool = False) -> Index:
    """Read and validate an index file, but not the files that it lists. Raises InvalidFile.

    ``where`` is the value of ``--corpus`` for its folder. A link out of the folder ``below`` is not followed; None is
    for the built-in corpus. ``thorough``: even the index of the built-in corpus, or a very large one, is searched for
    duplicate keys, which takes a third longer and needs as much memory as the size of the index.
    """
    content = read_bytes(path, BOUNDS.size, below=below)
    if problem := BOUNDS.problem(content):
        raise InvalidFile(path, [problem])
    try:
        index = field_types.as_typed(_DECODER, content)
        if thorough or (below is not None and not OTHER.problem(content)):
            json_file.require_each_key_once(content)
    except ValueError as error:
        raise _invalid(content, path, where, str(error)) from None
    return index


def index_of(folder: Path, where: str, below: Path | None = None) -> Index:
    """Return the index of a folder, cached until the file changes. Arguments and errors are those of ``read_index``."""
    path = folder / INDEX
    try:
        state = [(found.st_ino, found.st_mtime_ns, found.st_size) for found in (path.lstat(), path.stat())]
    except OSError:
        return read_index(path, where, below)  # raises with the reason
    return _read_once(path.absolute(), where, below, tuple(state))


@lru_cache(maxsize=8)
def _read_once(path: Path, where: str, below: Path | None, _state: tuple[tuple[int, ...], ...]) -> Index:
    return read_index(path, where, below)


def is_listed(folder: Path, file: File) -> bool:
    """Return whether the current index of a folder lists this file with this hash; True if the index is invalid."""
    try:
        return any(file == other for entry in index_of(folder, "").goldens for other in entry.all_files)
    except InvalidFile:
        return True


def _invalid(content: bytes, path: Path, where: str, problem: str) -> InvalidFile:
    """Return the error for an invalid index, with the messages of the schema, which are slower but more detailed."""
    if len(content) > _MAX_FOR_SCHEMA:  # parsing it again takes long
        return InvalidFile(path, [problem], remedy(OURS, where))
    document = json_file.decode(content, path, BOUNDS)
    corpus = document.get("corpus") if isinstance(document, dict) else None
    name = corpus if isinstance(corpus, str) and field_types.is_line(corpus) else OURS
    return InvalidFile(path, schema.problems(document, "index") or [problem], remedy(name, where))
