"""Whether files are what they should be: golden files, result files, and an index with everything it lists."""

from collections.abc import Iterator
from pathlib import Path

from rnn_goldens import encoding, schema
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import INDEX, Entry
from rnn_goldens.corpus.loading import open_folder
from rnn_goldens.corpus.while_written import of_one_corpus
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.features import CORE


def files_in(path: Path) -> list[Path]:
    """The file itself, or every ``.h5`` and ``.json`` file below a folder; hidden ones are no goldens."""
    if path.is_file():
        return [path]
    found = (file for suffix in encoding.SUFFIXES for file in path.rglob(f"*{suffix}"))
    return sorted(file for file in found if not any(p.startswith(".") for p in file.relative_to(path).parts))


def findings(path: Path) -> list[str]:
    """What is wrong with a file; an empty list if nothing is. An index is checked with all that it lists."""
    try:
        if path.name == INDEX:
            return of_one_corpus(path.parent, lambda: list(_index_findings(path)), doubtful=bool)
        if path.suffix == ".json" and (kind := _kind(path)) in ("results", "kill-matrix"):
            _against_schema(path, str(kind))
            return []
        encoding.read(path)
    except InvalidFile as error:
        return [str(error)]
    return []


def _kind(path: Path) -> object:
    document = json_file.read_document(path)
    return document.get("kind") if isinstance(document, dict) else None


def _against_schema(path: Path, kind: str) -> None:
    if found := schema.problems(json_file.read_document(path), kind):
        raise InvalidFile(path, found)


def _index_findings(path: Path) -> Iterator[str]:
    _against_schema(path, "index")
    corpus = open_folder(path.parent)
    for golden_id in sorted({i for i in corpus.ids if corpus.ids.count(i) > 1}):
        yield f"{path}: lists {golden_id} twice"
    for entry in corpus.entries:
        try:
            yield from (f"{path}: {entry.id}: {finding}" for finding in _entry_findings(corpus, entry))
        except InvalidFile as error:
            yield str(error)
    listed = {corpus.folder / file.path for entry in corpus.entries for file in entry.files.values()}
    for file in files_in(path.parent):
        if file != path and file not in listed and _looks_like_golden(file):
            yield f"{file}: is not listed in {path}"


def _entry_findings(corpus: Corpus, entry: Entry) -> Iterator[str]:
    for file in entry.files.values():
        golden = encoding.read(corpus.verified(file))
        for name in ("id", "title", "purpose", "cell", "precisions"):
            if getattr(golden, name) != getattr(entry, name):
                yield f"{name} is {getattr(entry, name)!r} here and {getattr(golden, name)!r} in {file.path}"
        if (features := tuple(feature for feature in entry.features if feature != CORE)) != golden.features:
            yield f"features are {list(features)} here and {list(golden.features)} in {file.path}"
        if (content := encoding.content_hash(golden)) != entry.content:
            yield f"content hash is {entry.content[:12]}… here, {file.path} holds {content[:12]}…"


def _looks_like_golden(path: Path) -> bool:
    try:
        return isinstance(encoding.read(path), Golden)
    except InvalidFile:
        return path.suffix == ".h5"
