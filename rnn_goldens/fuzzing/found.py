"""What was found: a corpus of the goldens that failed, which ``--rnn-goldens-corpus`` reads as any other."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import INDEX, named, open_folder
from rnn_goldens.errors import InvalidFile, RnnGoldensError, WrongUse
from rnn_goldens.fuzzing.bounds import Bounds
from rnn_goldens.generator.folder import alone, replacing, require_replaceable
from rnn_goldens.generator.index import Whose, encode_index, index_entry, standing_in
from rnn_goldens.programs.command import is_command
from rnn_goldens.visible import visible

FOLDER = Path(".rnn-goldens", "found")
"""Where they are kept, unless another folder is named."""

WHOSE = Whose("found", "1.0.0")

_FOUND_WITH = "found with"
"""What stands in the provenance of a golden before the network that fails it, if that is known."""

_LONGEST = 1000
"""Letters of a line in a file."""

SECONDS = 10.0
"""How long another run that writes there is waited for; to keep a golden takes much less."""


class AsTyped(PathLike[str]):
    """A folder where it was when it was named, whatever the current one is later; called as it was typed."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._typed, self._path = str(folder), Path(folder).absolute()

    def __fspath__(self) -> str:
        return str(self._path)

    def __str__(self) -> str:
        return self._typed

    def __repr__(self) -> str:
        return repr(self._typed)


def require_folder(folder: str | PathLike[str]) -> None:
    """Raise WrongUse unless a folder holds found goldens, or could: it need not be there, and it can be written to.

    Raises:
        WrongUse: the message says why not.
        InvalidFile: its index is damaged.
    """
    _require_found(folder)
    require_replaceable(Path(folder))
    path = nearest = Path(folder).absolute()
    try:
        nearest = next(above for above in path.parents if above.exists())
        TemporaryDirectory(prefix=".rnn-goldens-", dir=nearest).cleanup()  # all is replaced as a whole, beside it
    except NotADirectoryError:
        raise WrongUse(f"{folder}: {nearest} is a file, not a folder; name another for what is found") from None
    except OSError as error:
        raise WrongUse(
            f"{folder}: {nearest} can not be written to: {error.strerror}; name another folder for what is found"
        ) from None


def _require_found(folder: str | PathLike[str]) -> None:
    """Raise WrongUse if a folder holds something else."""
    path = Path(folder)
    try:
        if (path / INDEX).is_file():
            with _mended(folder):
                name = open_folder(path).name
            if name != WHOSE.name:
                raise WrongUse(
                    f"{folder} holds the corpus {name}, and not goldens that were found: name another folder"
                )
        elif path.is_dir() and any(path.iterdir()):
            raise WrongUse(f"{folder} is not empty and holds no {INDEX}: name another folder for what is found")
        elif path.exists() and not path.is_dir():
            raise WrongUse(f"{folder} is a file, and what is found is kept in a folder: name another")
    except OSError as error:
        raise WrongUse(f"{folder}: {error.strerror}; name another folder for what is found") from None


@contextmanager
def _mended(folder: str | PathLike[str]) -> Iterator[None]:
    """Say of a damaged file what to do: nobody has made those by hand, and nobody can make them anew."""
    try:
        yield
    except InvalidFile as error:
        remedy = f"Delete the folder {folder}, or name another for what is found."
        raise InvalidFile(error.path, error.problems, remedy) from None


def keep(golden: Golden, folder: str | PathLike[str], network: str = "") -> None:
    """Add a golden to those that were found.

    Args:
        golden: it.
        folder: where.
        network: what fails it, as ``rnn-goldens check`` takes it; "" if that is not known.

    Raises:
        WrongUse: the folder is something else, or can not be written to.
        InvalidFile: its index is damaged.
    """
    _require_found(folder)
    path = Path(folder).resolve()
    try:
        with alone(path, SECONDS), replacing(path) as files:
            with _mended(folder):
                entries = standing_in(path, WHOSE).entries
                before = open_folder(path).load(golden.id) if golden.id in entries else None
                encoded = encoding.encode(_found_with(network, golden, before))
            entries[golden.id] = index_entry(golden, encoded, core=False)
            for suffix, content in encoded.items():
                files.write(f"{golden.id}{suffix}", content)
            files.write(INDEX, encode_index(WHOSE, list(entries.values())))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise WrongUse(f"{folder}: {golden.id} can not be kept there: {error.strerror}{where}") from None


def _found_with(network: str, golden: Golden, before: Golden | None) -> Golden:
    """The golden that says which network fails it; if several do, or nobody knows which, it is asked of all."""
    said = _line(network)
    if before is not None and before.provenance.get(_FOUND_WITH) != said:
        said = ""
    known = {**golden.provenance, _FOUND_WITH: said}
    return replace(golden, provenance={name: text for name, text in known.items() if text})


def _line(network: str) -> str:
    """As a file can hold it."""
    return " ".join(visible(network).split())[:_LONGEST]


def kept(folder: str | PathLike[str], bounds: Bounds, network: str = "") -> list[Golden]:
    """Those that were found before and could be drawn, in each precision that is asked; none if there is no folder.

    Args:
        folder: where they are kept.
        bounds: what may be drawn.
        network: the one that is asked; those that were found with another are left out. "" if that is not known.

    Raises:
        WrongUse: the folder is something else.
        InvalidFile: a file is damaged.
    """
    _require_found(folder)
    if not (Path(folder) / INDEX).is_file():
        return []
    with _mended(folder):
        corpus = open_folder(Path(folder))
        asked = [(e.id, p) for e in corpus.entries for p in bounds.precisions if p in e.precisions]
        found = [golden for golden in (corpus.load(*one) for one in asked) if bounds.hold(golden)]
    said = _line(network)
    return [golden for golden in found if not said or golden.provenance.get(_FOUND_WITH, said) == said]


def kept_and_said(golden: Golden, folder: str | PathLike[str], checked: str = "") -> tuple[str, str]:
    """Keep a golden, and say where it is and how it is checked alone; or why it could not be kept.

    Args:
        golden: it.
        folder: where it is kept.
        checked: what fails it, as ``rnn-goldens check`` takes it; "" if that is not known.

    Returns:
        The folder, "" if it is not kept there; and what is said.
    """
    try:
        keep(golden, folder, checked)
    except RnnGoldensError as error:
        return "", f"not kept: {error}"
    alone = "to check it alone" if checked else "to check WHAT, package.module:function, with it alone"
    return str(folder), f"kept in {folder}; {alone}:\n  {command(golden, folder, checked or 'WHAT')}"


def command(golden: Golden, folder: str | PathLike[str], checked: str) -> str:
    """What checks a golden that was found, and no other."""
    dtype = [] if golden.dtype == "float32" else [f"--rnn-goldens-dtype={golden.dtype}"]
    cell = [] if golden.own_layout is None else [f"--cell={golden.cell}"]
    options = shlex.join([f"--rnn-goldens-corpus={named(folder)}", *cell, *dtype, "-k", golden.id.rpartition("/")[2]])
    what = [options, checked] if is_command(checked) else [shlex.quote(checked), options]
    return f"rnn-goldens check {' '.join(what)}"
