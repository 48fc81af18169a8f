"""Validates files: goldens, gradients, results, kill matrices, and an index with all files it lists."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import UNSET

from rnn_goldens import encoding, schema
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.consistent_read import read_consistently
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import INDEX, Entry, GradientsEntry, read_index
from rnn_goldens.corpus.loading import open_folder
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.features import CORE


def files_in(path: Path) -> list[Path]:
    """Return the file itself, or all ``.h5`` and ``.json`` files below a folder that are not hidden."""
    if not path.is_dir():
        return [path]
    found = (file for suffix in encoding.OUTPUTS.suffixes for file in path.rglob(f"*{suffix}"))
    return sorted(file for file in found if not any(p.startswith(".") for p in file.relative_to(path).parts))


def findings(path: Path, below: Path | None = None) -> list[str]:
    """Return the problems of a file, empty if it is valid. An index is validated with all files it lists.

    Args:
        path: the file.
        below: the folder that was searched for files, if any; a link that leads out of it is not followed.
    """
    try:
        if path.name == INDEX:
            return read_consistently(path.parent, lambda: list(_index_findings(path)), may_be_wrong=bool)
        if path.suffix == ".json":
            document = json_file.read_document(path, below=below)
            if isinstance(document, dict) and document.get("kind") in ("results", "kill-matrix"):
                return _as_findings(path, schema.problems(document, document["kind"]))
        golden = _golden_beside(path, below) if encoding.is_of_gradients(path) else None
        encoding.read(path, of=golden, by_schema=True, below=below)
    except InvalidFile as error:
        return [str(error)]
    return []


def _golden_beside(path: Path, below: Path | None) -> Golden:
    """Read the golden beside a gradients file."""
    golden = encoding.golden_beside(path)
    try:
        return encoding.read(golden, below=below)
    except InvalidFile as error:
        problem = f"requires the golden of these gradients beside it: {error.problems[0]}"
        raise InvalidFile(path, [f"{problem} ({golden.name})"]) from None


def listed_by(index: Path) -> set[Path]:
    """Return the files that an index lists; empty if the index is not valid."""
    try:
        return _listed_in(open_folder(index.parent))
    except InvalidFile:
        return set()


def _listed_in(corpus: Corpus) -> set[Path]:
    return {corpus.folder / file.path for entry in corpus.entries for file in entry.all_files}


def _as_findings(path: Path, problems: list[str]) -> list[str]:
    return [str(InvalidFile(path, problems))] if problems else []


def _index_findings(path: Path) -> Iterator[str]:
    corpus = open_folder(path.parent)
    read_index(path, corpus.where, None if corpus.is_packaged else corpus.folder, thorough=True)
    for entry in corpus.entries:
        try:
            yield from (f"{path}: {entry.id}: {finding}" for finding in _entry_findings(corpus, entry))
        except InvalidFile as error:
            yield str(error)
    listed = _listed_in(corpus)
    for file in files_in(path.parent):
        if file != path and file not in listed and _looks_like_golden(file, path.parent):
            yield f"{file}: is not listed in {path}"


def _entry_findings(corpus: Corpus, entry: Entry) -> Iterator[str]:
    for kind, file in entry.files.items():
        if file.path in corpus.not_in_wheel:
            continue
        content, path = corpus.content(file), corpus.folder / file.path
        golden = encoding.decode(content, path, by_schema=True)
        for name in ("id", "title", "purpose", "cell", "precisions"):
            if getattr(golden, name) != getattr(entry, name):
                yield f"{name} is {getattr(entry, name)!r} here and {getattr(golden, name)!r} in {file.path}"
        if (features := tuple(feature for feature in entry.features if feature != CORE)) != golden.features:
            yield f"features are {list(features)} here and {list(golden.features)} in {file.path}"
        if (stored := encoding.content_hash(golden)) != entry.content:
            yield f"content hash is {entry.content[:12]}… here and {stored[:12]}… in {file.path}"
        if kind == "json" and entry.gradients is not UNSET:
            yield from _gradients_findings(corpus, entry.gradients, golden)


def _gradients_findings(corpus: Corpus, listed: GradientsEntry, golden: Golden) -> Iterator[str]:
    for file in listed.files.values():
        if file.path in corpus.not_in_wheel:
            continue
        content, path = corpus.content(file), corpus.folder / file.path
        decoded = encoding.decode(content, path, of=golden, by_schema=True)
        for name in ("purpose", "precisions"):
            if (stored := getattr(decoded.gradients, name)) != getattr(listed, name):
                yield f"gradients: {name} is {getattr(listed, name)!r} here and {stored!r} in {file.path}"
        if (stored := encoding.gradients_hash(decoded)) != listed.content:
            yield f"gradients: content hash is {listed.content[:12]}… here and {stored[:12]}… in {file.path}"


def _looks_like_golden(path: Path, below: Path) -> bool:
    if encoding.is_of_gradients(path):
        return True
    try:
        return isinstance(encoding.read(path, below=below), Golden)
    except InvalidFile:
        return path.suffix == ".h5"
