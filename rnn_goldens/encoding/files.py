"""Golden ↔ its files: those of the golden itself, and those of its gradients, which stand beside them.

Each is an ``.h5`` and a ``.json``, which hold the same tree, equal to the last bit. One writer and one reader are for
both kinds: what a file of a kind holds is declared in ``tree``, ``documents`` and ``semantics``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.bounds import GOLDEN, GOLDEN_OF_HDF5, Bounds
from rnn_goldens.encoding.tree import (
    Tree,
    content_hash,
    from_tree,
    gradients_from_tree,
    to_document,
    to_gradients_tree,
    to_tree,
)
from rnn_goldens.errors import InvalidFile


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: as the files, and the schema, name it.
        called: in a sentence.
        suffixes: of its two files, HDF5 first.
        tree: what they hold of a golden.
    """

    name: str
    called: str
    suffixes: tuple[str, str]
    tree: Callable[[Golden], Tree]


OUTPUTS = Kind("golden", "a golden file", (".h5", ".json"), to_tree)
GRADIENTS = Kind("gradients", "a file of gradients", (".gradients.h5", ".gradients.json"), to_gradients_tree)


def is_of_gradients(path: Path) -> bool:
    """Whether a file holds gradients, by its name."""
    return path.name.endswith(GRADIENTS.suffixes)


def gradients_beside(path: Path) -> Path:
    """The file of gradients that stands beside the file of a golden, or would, of the same format."""
    return path.with_name(f"{path.stem}.gradients{path.suffix}")


def golden_beside(path: Path) -> Path:
    """The file of the golden that a file of gradients stands beside: of the same format if there is one."""
    stem = path.name.removesuffix("".join(path.suffixes[-2:]))
    own = path.with_name(f"{stem}{path.suffix}")
    other = path.with_name(f"{stem}{'.json' if path.suffix == '.h5' else '.h5'}")
    return other if other.exists() and not own.exists() else own


def encode(golden: Golden) -> dict[str, bytes]:
    """The bytes of its files, by suffix; those of gradients, too, if it has some.

    What is returned can be read again, and has passed the schema.

    Raises:
        InvalidFile: the golden is not consistent in itself, or too large for a file.
    """
    from rnn_goldens.encoding import hdf5_file, json_file

    files: dict[str, bytes] = {}
    for kind in (OUTPUTS, GRADIENTS) if golden.gradients is not None else (OUTPUTS,):
        tree = kind.tree(golden)
        content = json_file.encode(to_document(tree))
        name = Path(golden.id if kind is OUTPUTS else f"{golden.id}.gradients")
        decode(content, name, of=None if kind is OUTPUTS else golden, by_schema=True)
        files |= dict(zip(kind.suffixes, (hdf5_file.encode(tree, golden.layout.gates), content), strict=True))
    return files


def read(path: Path, *, of: Golden | None = None, by_schema: bool = False, below: Path | None = None) -> Golden:
    """Read a golden, or the gradients of one, from ``.h5`` or ``.json``, and check all of it.

    Args:
        path: the file.
        of: the golden whose gradients are read; None if a golden is.
        by_schema: whether the schema itself is asked, too, which allows the same and takes longer.
        below: a folder that it is said to lie in; a link that leads out of it is not followed.

    Returns:
        The golden that the file holds, or the one whose gradients it holds, with them.

    Raises:
        InvalidFile: not readable, not of a known format, not valid, or not consistent in itself or with the golden.
    """
    from rnn_goldens.encoding.file_bytes import read_bytes

    kind = _kind(of)
    if not path.name.endswith(kind.suffixes):
        raise InvalidFile(path, [f"{kind.called} ends in {' or '.join(kind.suffixes)}"])
    return decode(read_bytes(path, GOLDEN.size, below=below), path, of=of, by_schema=by_schema)


def decode(
    content: bytes,
    path: Path,
    *,
    of: Golden | None = None,
    of_content: str | None = None,
    by_schema: bool = False,
    known: bool = False,
) -> Golden:
    """The golden that the bytes of a file hold, or the one whose gradients they hold, with them.

    Args:
        content: the bytes.
        path: the file's name, which says what they are and is named in what is said of them.
        of: as for ``read``.
        of_content: the hash of its content, if that is known.
        by_schema: as for ``read``; the schema always is asked where something is wrong, for its words.
        known: whether they are known to be consistent, as those that the package carries: they were checked when they
            were made, and have its hash.

    Raises:
        InvalidFile: as for ``read``.
    """
    from rnn_goldens.encoding import documents, json_file

    kind = _kind(of)
    document, bounds = content, GOLDEN
    if path.suffix == ".h5":
        document, bounds = _hdf5_as_json(content, path), GOLDEN_OF_HDF5
    if too_much := bounds.problem_if_large(document):
        raise InvalidFile(path, [too_much])
    try:
        tree = documents.decode(document, kind.name)
        if document is content and not (known or by_schema):  # the schema's reader looks for itself
            json_file.require_each_key_once(content)
    except ValueError as error:
        raise InvalidFile(path, _schema_problems(document, path, kind, bounds) or [str(error)]) from None
    found = [] if known else _problems(tree, of, of_content)
    if found or by_schema:
        found = _schema_problems(document, path, kind, bounds) or found
    if found:
        raise InvalidFile(path, found)
    return from_tree(tree) if of is None else replace(of, gradients=gradients_from_tree(tree, of))


def _hdf5_as_json(content: bytes, path: Path) -> bytes:
    from rnn_goldens.encoding.hdf5_file import read_tree

    try:
        return msgspec.json.encode(to_document(read_tree(content)))
    except ValueError as error:
        raise InvalidFile(path, [f"not a readable HDF5 file: {error}"]) from None


def _kind(of: Golden | None) -> Kind:
    return OUTPUTS if of is None else GRADIENTS


def _problems(tree: Tree, of: Golden | None, of_content: str | None) -> list[str]:
    from rnn_goldens.encoding import semantics

    if of is None:
        return semantics.problems(tree)
    return semantics.gradients_problems(tree, of, of_content or content_hash(of))


def _schema_problems(content: bytes, path: Path, kind: Kind, bounds: Bounds) -> list[str]:
    from rnn_goldens import schema
    from rnn_goldens.encoding import json_file

    return schema.problems(json_file.decode(content, path, bounds), kind.name)
