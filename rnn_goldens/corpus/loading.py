"""Finds and opens corpora, and loads goldens in one call.

A corpus is replaced as a whole: another folder takes its name. A reader of the old index may then find files missing
or changed, so it reads again until all files belong to one version.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TypeVar

from msgspec import UNSET, structs

from rnn_goldens.atomic_write import is_at
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.corpus import Corpora, Corpus
from rnn_goldens.corpus.index import INDEX, KERNELS, Entry, index_of
from rnn_goldens.corpus.selection import some_names, split_at_commas
from rnn_goldens.encoding.files import not_in_wheel
from rnn_goldens.errors import InvalidFile, UnknownName, WrongUse
from rnn_goldens.golden.precision import precision_name

T = TypeVar("T")

KERNELS_PACKAGE = "rnn_goldens_kernels"
"""The package with all of them; without it, there is one for each recurrence."""


@cache
def packaged() -> dict[str, Path]:
    """Return the corpora that are installed, and their folders: kernels, then versions of the built-in one."""
    import rnn_goldens.fixtures as fixtures  # noqa: PLR0402 - mypy needs this form to see a module

    home = Path(fixtures.__path__[0])
    data = find_spec(KERNELS_PACKAGE)
    installed = None if data is None or data.origin is None else Path(data.origin).parent
    kernels = installed if installed is not None and (installed / INDEX).is_file() else home / KERNELS
    folders = sorted((index.parent for index in home.glob(f"v*/{INDEX}")), key=lambda folder: int(folder.name[1:]))
    return {KERNELS: kernels, **{folder.name: folder for folder in folders}}


def find(where: str | Path | None = None, base: Path | None = None) -> Path:
    """Return the folder of a corpus; relative paths start from ``base``, or from the working directory if None.

    ``where`` is a version such as ``v2``, ``kernels``, or a folder that contains an index; the newest version if None.
    Raises UnknownName if it does not exist, and WrongUse if it has no index, or was never released.
    """
    versions = packaged()
    if where is None:
        return list(versions.values())[-1]
    if str(where) in versions:
        return versions[str(where)]
    folder = (base or Path()) / where
    if (folder / INDEX).is_file():
        return folder
    if str(where) == "v1":  # only checkouts had it
        raise WrongUse(f"corpus {where} was never released: {list(versions)[-1]} has the same ids")
    if folder.is_dir():
        raise WrongUse(f"{where} is not a corpus: it has no {INDEX}")
    raise UnknownName("corpus", str(where), versions, plural="corpora (or a folder with an index.json)")


def open_corpus(where: str | Path | None = None) -> Corpus:
    """Open a corpus by version or folder, as for ``find``. Raises InvalidFile if its index is not valid."""
    return open_folder(find(where))


def open_corpora(where: str | None = None, base: Path | None = None) -> Corpora:
    """Open corpora, as ``find`` finds them: versions or folders, separated by commas, as in ``v2,goldens/``.

    Raises:
        UnknownName: no such version or folder.
        WrongUse: a folder has no index, or two corpora contain the same id.
        InvalidFile: an index is not valid.
    """
    is_one = where is None or ((base or Path()) / where).is_dir()
    parts = (where,) if is_one else split_at_commas("corpus", str(where), "corpora")
    return Corpora(tuple(open_folder(find(part, base)) for part in parts))


def open_folder(folder: Path) -> Corpus:
    """Open the corpus in a folder. Raises InvalidFile if its index is not valid."""
    where, is_packaged = _where(folder), folder in packaged().values()
    index = index_of(folder, where, below=None if is_packaged else folder)
    entries, elsewhere = index.goldens, dict[str, str]()
    paths = (file.path for entry in entries for file in entry.all_files)
    if is_packaged and index.corpus == KERNELS and (left_out := not_in_wheel(folder, paths)):
        elsewhere = {e.id: "pip install 'rnn-goldens[kernels]'" for e in entries if e.files["h5"].path in left_out}
        entries = tuple(_without(entry, left_out) for entry in entries if entry.id not in elsewhere)
    return Corpus(folder, index.corpus, index.version, entries, where, is_packaged, elsewhere)


def _without(entry: Entry, left_out: frozenset[str]) -> Entry:
    """Return an entry without gradients if their file is left out."""
    if entry.gradients is UNSET or entry.gradients.files["h5"].path not in left_out:
        return entry
    return structs.replace(entry, gradients=UNSET)


def _where(folder: Path) -> str:
    """Return the value of ``--corpus`` for a folder, relative to the working directory; "" for the newest version."""
    *older, newest = packaged().items()
    if folder == newest[1]:
        return ""
    cwd, absolute = Path.cwd(), folder.absolute()
    relative = absolute.relative_to(cwd) if absolute.is_relative_to(cwd) else folder
    return next((version for version, packed in older if packed == folder), corpus_option(relative))


def corpus_option(folder: str | PathLike[str]) -> str:
    """Return the value of ``--corpus`` for a user's folder, even if it has the name of a built-in version."""
    return f"./{folder}" if str(folder) in packaged() else str(folder)


def load(
    golden_id: str, *, dtype: object = "float32", corpus: str | Path | None = None, gradients: bool = False
) -> Golden:
    """Load a golden.

    Args:
        golden_id: the id, such as ``documented/single-sequence``.
        dtype: ``float64``, ``float32``, ``bfloat16`` or ``float16``, or the dtype of a library, such as ``np.float32``.
        corpus: a version or a folder; the newest version if None.
        gradients: whether to load its gradients too, for ``check_gradients``; they are in a separate file.

    Raises:
        UnknownName: the id, precision or corpus does not exist, or the golden has no gradients in this precision.
        InvalidFile: a file is missing or damaged.
    """
    folder = find(corpus)
    return read_consistently(folder, lambda: open_folder(folder).load(golden_id, dtype, gradients=gradients))


def select(
    *,
    ids: str | Iterable[str] | None = None,
    cell: str | Iterable[str] | None = None,
    features: str | Iterable[str] = (),
    without: str | Iterable[str] = (),
    dtype: object = "float32",
    corpus: str | Path | None = None,
    gradients: bool = False,
) -> list[Golden]:
    """Load all goldens that match and can be checked in the precision, from simple to hard.

    The arguments are those of ``Corpus.select`` and ``load``; None selects by the other arguments. An empty list of
    ids or cells raises WrongUse; one of features excludes nothing. With ``gradients``, the result has only goldens
    whose gradients can be checked in the precision.
    """
    folder, dtype = find(corpus), precision_name(dtype)
    arguments = {"ids": ids, "cell": cell}
    chosen = {name: some_names(name, value) for name, value in arguments.items() if value is not None}

    def read() -> list[Golden]:
        opened = open_folder(folder)
        entries = opened.select(**chosen, features=features, without=without, gradients=gradients)
        matching = [entry for entry in entries if entry.checked_in([dtype], gradients=gradients)]
        return [opened.load(entry.id, dtype, gradients=gradients) for entry in matching]

    return read_consistently(folder, read)


def read_consistently(folder: Path, read: Callable[[], T], may_be_wrong: Callable[[T], bool] = lambda _: False) -> T:
    """Return the result of a function that reads a corpus; retry if replacing the folder may have affected it.

    The function reads the index first, and raises InvalidFile if a file differs from its entry. This error is raised if
    the folder was not replaced or every retry failed, too. A result for which ``may_be_wrong`` is retried as well.
    """
    for _ in range(1000):
        with _watching(folder) as is_replaced:
            try:
                result = read()
            except InvalidFile:
                if not is_replaced():
                    raise
            else:
                if not (may_be_wrong(result) and is_replaced()):
                    return result
    return read()


@contextmanager
def _watching(folder: Path) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a folder was replaced; it stays open, so that its inode is not reused."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders, nor replace one while a file in it is open
        yield lambda: False
        return
    try:
        yield lambda: not is_at(folder, descriptor)
    finally:
        os.close(descriptor)
