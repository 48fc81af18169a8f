"""Stores failing goldens in a corpus, which ``--rnn-goldens-corpus`` can read."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from rnn_goldens import encoding
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.control_characters import visible
from rnn_goldens.corpus import INDEX, corpus_option, open_folder
from rnn_goldens.encoding.field_types import LONGEST_LINE
from rnn_goldens.errors import InvalidFile, RnnGoldensError, WrongUse
from rnn_goldens.fuzz.bounds import Bounds
from rnn_goldens.generator.corpus_replacement import folder_lock, replacing, require_replaceable
from rnn_goldens.generator.index import CorpusIdentity, encode_index, existing_corpus, index_entry
from rnn_goldens.programs.command import is_command

FOLDER = Path(".rnn-goldens", "found")

IDENTITY = CorpusIdentity("found", "1.0.0")

_FOUND_WITH = "found with"
"""The provenance key for the implementation that fails a golden, if known."""

_ANOTHER = "name another folder for failing goldens"

SECONDS = 10.0
"""The time to wait for another run that writes to the folder; storing a golden takes much less."""


class AsTyped(PathLike[str]):
    """A folder path that is resolved when created, and printed as the user typed it."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._typed, self._path = str(folder), Path(folder).absolute()

    def __fspath__(self) -> str:
        return str(self._path)

    def __str__(self) -> str:
        return self._typed

    def __repr__(self) -> str:
        return repr(self._typed)


def require_folder(folder: str | PathLike[str]) -> None:
    """Raise WrongUse or InvalidFile if failing goldens cannot be stored in a folder, which need not exist."""
    _require_found(folder)
    require_replaceable(Path(folder))
    path = nearest = Path(folder).absolute()
    try:
        nearest = next(above for above in path.parents if above.exists())
        TemporaryDirectory(prefix=".rnn-goldens-", dir=nearest).cleanup()  # written beside the corpus
    except NotADirectoryError:
        raise WrongUse(f"{folder}: {nearest} is a file, not a folder; {_ANOTHER}") from None
    except OSError as error:
        raise WrongUse(f"{folder}: {nearest} cannot be written to: {error.strerror}; {_ANOTHER}") from None


def _require_found(folder: str | PathLike[str]) -> None:
    """Raise WrongUse if a folder exists and contains anything but failing goldens."""
    path = Path(folder)
    try:
        if (path / INDEX).is_file():
            with _with_remedy(folder):
                name = open_folder(path).name
            if name != IDENTITY.name:
                raise WrongUse(f"{folder} has the corpus {name}: {_ANOTHER}")
        elif path.is_dir() and any(path.iterdir()):
            raise WrongUse(f"{folder} is not empty and has no {INDEX}: {_ANOTHER}")
        elif path.exists() and not path.is_dir():
            raise WrongUse(f"{folder} is a file: {_ANOTHER}")
    except OSError as error:
        raise WrongUse(f"{folder}: {error.strerror}; {_ANOTHER}") from None


@contextmanager
def _with_remedy(folder: str | PathLike[str]) -> Iterator[None]:
    """Add a remedy to errors about damaged files: goldens that were drawn cannot be regenerated."""
    try:
        yield
    except InvalidFile as error:
        remedy = f"Delete the folder {folder}, or {_ANOTHER}."
        raise InvalidFile(error.path, error.problems, remedy) from None


def keep(golden: Golden, folder: str | PathLike[str], network: str = "") -> None:
    """Add a golden that ``network`` fails, "" if unknown, to a folder. Raises as ``require_folder``."""
    _require_found(folder)
    path = Path(folder).resolve()
    try:
        with folder_lock(path, SECONDS), replacing(path) as files:
            with _with_remedy(folder):
                _, entries = existing_corpus(path, IDENTITY)
                before = open_folder(path).load(golden.id) if golden.id in entries else None
                encoded = encoding.encode(_found_with(network, golden, before))
            entries[golden.id] = index_entry(golden, encoded, core=False)
            for suffix, content in encoded.items():
                files.write(f"{golden.id}{suffix}", content)
            files.write(INDEX, encode_index(IDENTITY, list(entries.values())))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise WrongUse(f"{folder}: {golden.id} cannot be stored there: {error.strerror}{where}") from None


def _found_with(network: str, golden: Golden, before: Golden | None) -> Golden:
    """Record in a golden the implementation that fails it; if several do, record none, so that all of them run it."""
    line = _line(network)
    if before is not None and before.provenance.get(_FOUND_WITH) != line:
        line = ""
    known = {**golden.provenance, _FOUND_WITH: line}
    return replace(golden, provenance={name: text for name, text in known.items() if text})


def _line(network: str) -> str:
    """Return a text as one printable line, as long as a line in a file may be."""
    return " ".join(visible(network).split())[:LONGEST_LINE]


def kept(folder: str | PathLike[str], bounds: Bounds, network: str = "") -> list[Golden]:
    """Return the stored goldens that are within bounds, in each precision of the bounds; [] if nothing is stored.

    Goldens that were found with another implementation than ``network`` are left out; "" if it is unknown.
    """
    _require_found(folder)
    if not (Path(folder) / INDEX).is_file():
        return []
    with _with_remedy(folder):
        corpus = open_folder(Path(folder))
        stored = [(e.id, p) for e in corpus.entries for p in bounds.precisions if p in e.precisions]
        allowed = [golden for golden in (corpus.load(*one) for one in stored) if bounds.allow(golden)]
    line = _line(network)
    return [golden for golden in allowed if not line or golden.provenance.get(_FOUND_WITH, line) == line]


def try_to_keep(golden: Golden, folder: str | PathLike[str], checked: str = "") -> tuple[str, str]:
    """Store a golden as ``keep`` does; returns the folder and how to check the golden, or "" and why it is not kept."""
    try:
        keep(golden, folder, checked)
    except RnnGoldensError as error:
        return "", f"not kept: {error}"
    task = "to check only this golden"
    return str(folder), f"kept in {folder}; {task}:\n  {command(golden, folder, checked or 'package.module:function')}"


def command(golden: Golden, folder: str | PathLike[str], checked: str) -> str:
    """Return the command that checks only this golden."""
    dtype = [] if golden.dtype == "float32" else [f"--rnn-goldens-dtype={golden.dtype}"]
    cell = [] if golden.custom_layout is None else [f"--cell={golden.cell}"]
    outputs = [f"--outputs={','.join(golden.outputs)}"] if golden.outputs else []
    options = shlex.join(
        [f"--rnn-goldens-corpus={corpus_option(folder)}", *cell, *dtype, *outputs, "-k", golden.id.rpartition("/")[2]]
    )
    arguments = [options, checked] if is_command(checked) else [shlex.quote(checked), options]
    return f"rnn-goldens check {' '.join(arguments)}"
