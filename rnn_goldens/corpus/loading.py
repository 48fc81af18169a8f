"""Finding and opening corpora, and loading goldens in one call."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import INDEX, index_of
from rnn_goldens.corpus.selection import between_commas
from rnn_goldens.corpus.several import Corpora
from rnn_goldens.corpus.while_written import of_one_corpus
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.precision import precision_name


def packaged() -> dict[str, Path]:
    """The corpus versions this package carries, oldest first, and their folders."""
    import rnn_goldens.fixtures as fixtures  # noqa: PLR0402 - of which mypy knows that it is a module

    folders = (index.parent for index in Path(fixtures.__path__[0]).glob(f"v*/{INDEX}"))
    return {folder.name: folder for folder in sorted(folders, key=lambda f: int(f.name[1:]))}


def find(where: str | Path | None = None, base: Path | None = None) -> Path:
    """Folder of a corpus: a version such as ``v1``, a folder that holds an index, or by default the newest version.

    Args:
        where: one of these.
        base: where a folder's path begins; in the working directory if it is not given.

    Raises:
        UnknownName: no such version or folder.
        WrongUse: a folder without an index.
    """
    versions = packaged()
    if where is None:
        return list(versions.values())[-1]
    if str(where) in versions:
        return versions[str(where)]
    folder = (base or Path()) / where
    if (folder / INDEX).is_file():
        return folder
    if folder.is_dir():
        raise WrongUse(f"{where} is no corpus: it holds no {INDEX}")
    raise UnknownName("corpus", str(where), versions, plural="corpora (or give a folder that holds an index.json)")


def open_corpus(where: str | Path | None = None) -> Corpus:
    """Open the index of a corpus, found as by ``find``; raises InvalidFile if the index is not valid."""
    return open_folder(find(where))


def open_corpora(where: str | None = None, base: Path | None = None) -> Corpora:
    """Open one corpus or several, which commas part, each found as by ``find``.

    Args:
        where: such as ``v1,goldens/``.
        base: where folders begin; the working directory if it is not given.

    Raises:
        UnknownName: no such version or folder.
        WrongUse: a folder without an index, or an id that stands in two of them.
        InvalidFile: an index is not valid.
    """
    is_one = where is None or ((base or Path()) / where).is_dir()
    parts = (where,) if is_one else between_commas("corpus", str(where), "corpora")
    return Corpora(tuple(open_folder(find(part, base)) for part in parts))


def open_folder(folder: Path) -> Corpus:
    """Open the index of the corpus in a folder; raises InvalidFile if it is not valid."""
    where, is_packaged = _where(folder), folder in packaged().values()
    index = index_of(folder, where, below=None if is_packaged else folder)
    return Corpus(folder, index.corpus, index.version, index.goldens, where, is_packaged)


def _where(folder: Path) -> str:
    """What ``--corpus`` takes for a folder, in the working directory; "" for the newest version of the package."""
    *older, newest = packaged().items()
    if folder == newest[1]:
        return ""
    cwd, absolute = Path.cwd(), folder.absolute()
    relative = absolute.relative_to(cwd) if absolute.is_relative_to(cwd) else folder
    return next((version for version, packed in older if packed == folder), named(relative))


def named(folder: str | PathLike[str]) -> str:
    """What ``--corpus`` takes for a folder of one's own, which may be called as a version of the package is."""
    return f"./{folder}" if str(folder) in packaged() else str(folder)


def load(
    golden_id: str, *, dtype: object = "float32", corpus: str | Path | None = None, gradients: bool = False
) -> Golden:
    """Load a golden.

    Args:
        golden_id: such as ``documented/single-sequence``.
        dtype: ``float64``, ``float32``, ``bfloat16`` or ``float16``, or as a library names it: ``np.float32``.
        corpus: a version or a folder; by default the newest version.
        gradients: whether to load its gradients, too, for ``check_gradients``; they stand in a file of their own.

    Raises:
        UnknownName: the id, precision or corpus does not exist, or the golden has no gradients there.
        InvalidFile: a file is missing or damaged.
    """
    folder = find(corpus)
    return of_one_corpus(folder, lambda: open_folder(folder).load(golden_id, dtype, gradients=gradients))


def select(
    *,
    ids: str | Iterable[str] = (),
    cell: str | Iterable[str] = (),
    features: str | Iterable[str] = (),
    without: str | Iterable[str] = (),
    dtype: object = "float32",
    corpus: str | Path | None = None,
    gradients: bool = False,
) -> list[Golden]:
    """Load every golden that matches and can be checked in the precision, from simple to hard, all of one corpus.

    Arguments are as for ``Corpus.select`` and ``load``; with ``gradients`` those whose gradients can be checked.
    """
    folder, wanted = find(corpus), precision_name(dtype)

    def read() -> list[Golden]:
        opened = open_folder(folder)
        entries = opened.select(ids, cell, features, without, gradients=gradients)
        held = [e for e in entries if wanted in (e.gradient_precisions if gradients else e.precisions)]
        return [opened.load(entry.id, wanted, gradients=gradients) for entry in held]

    return of_one_corpus(folder, read)
