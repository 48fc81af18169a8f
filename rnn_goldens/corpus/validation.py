"""Validates files: goldens, gradients, results, kill matrices, and an index with all files it lists."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import UNSET

from rnn_goldens import encoding, schema
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import INDEX, Entry, index_of, read_index
from rnn_goldens.corpus.loading import open_folder, read_consistently
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.files import not_in_wheel
from rnn_goldens.errors import InvalidFile


def files_in(path: Path) -> list[Path]:
    """Return the file itself, or all ``.h5`` and ``.json`` files below a folder that are not hidden."""
    if not path.is_dir():
        return [path]
    found = (file for suffix in encoding.OUTPUTS.suffixes for file in path.rglob(f"*{suffix}"))
    return sorted(file for file in found if not any(p.startswith(".") for p in file.relative_to(path).parts))


def findings(path: Path, below: Path | None = None) -> list[str]:
    """Return the problems of a file, or of an index with its files; a link out of ``below`` is not followed."""
    try:
        if path.name == INDEX:
            return read_consistently(path.parent, lambda: list(_index_findings(path)), may_be_wrong=bool)
        if path.suffix == ".json":
            document = json_file.read_document(path, below=below)
            if isinstance(document, dict) and document.get("kind") in ("results", "kill-matrix"):
                problems = schema.problems(document, document["kind"])
                return [str(InvalidFile(path, problems))] if problems else []
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


def left_out_by(index: Path) -> frozenset[str]:
    """Return the files that an index lists and the wheel does not carry; empty if the index is not valid."""
    folder = index.parent
    try:
        entries = index_of(folder, str(folder), below=None).goldens
    except InvalidFile:
        return frozenset()
    return not_in_wheel(folder, (file.path for entry in entries for file in entry.all_files))


def _listed_in(corpus: Corpus) -> set[Path]:
    return {corpus.folder / file.path for entry in corpus.entries for file in entry.all_files}


def _index_findings(path: Path) -> Iterator[str]:
    corpus = open_folder(path.parent)
    read_index(path, corpus.where, None if corpus.is_packaged else corpus.folder, thorough=True)
    for entry in corpus.entries:
        yield from _entry_findings(corpus, entry)
    listed = _listed_in(corpus)
    for file in files_in(path.parent):
        if file != path and file not in listed and _looks_like_golden(file, path.parent):
            yield f"{file}: is not listed in {path}"


def _entry_findings(corpus: Corpus, entry: Entry) -> Iterator[str]:
    for kind, file in entry.files.items():
        if file.path in corpus.not_in_wheel:
            continue
        try:
            golden = corpus.read(entry, kind, thorough=True)
            if entry.gradients is not UNSET and entry.gradients.files[kind].path not in corpus.not_in_wheel:
                corpus.read_gradients(golden, entry, kind, thorough=True)
        except InvalidFile as error:
            yield str(error)


def _looks_like_golden(path: Path, below: Path) -> bool:
    if encoding.is_of_gradients(path):
        return True
    try:
        return isinstance(encoding.read(path, below=below), Golden)
    except InvalidFile:
        return path.suffix == ".h5"
