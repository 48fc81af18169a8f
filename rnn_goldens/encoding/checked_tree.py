"""The tree of a file that anybody may have written, of a golden or of gradients: read, and checked in every way."""

from collections.abc import Callable
from pathlib import Path

from rnn_goldens.encoding.bounds import GOLDEN, GOLDEN_OF_HDF5, Bounds
from rnn_goldens.encoding.tree import Tree
from rnn_goldens.errors import InvalidFile


def checked_tree(
    content: bytes,
    path: Path,
    kind: str,
    decode: Callable[..., Tree],
    problems: Callable[[Tree], list[str]] | None,
    *,
    by_schema: bool,
) -> Tree:
    """What the bytes of a ``.json`` or ``.h5`` file hold, the latter by way of HDF5.

    Args:
        content: the bytes.
        path: the file's name.
        kind: of the schema.
        decode: reads a document as the types of this kind.
        problems: what a schema cannot say; None if nothing of that is looked at.
        by_schema: whether the schema itself is asked, too; it always is where something is wrong, for its words.

    Raises:
        InvalidFile: it is not valid.
    """
    document, bounds = content, GOLDEN
    if path.suffix == ".h5":
        from rnn_goldens.encoding.hdf5_process import as_json

        document, bounds = as_json(content, path), GOLDEN_OF_HDF5
    if too_much := bounds.problem_if_large(document):
        raise InvalidFile(path, [too_much])
    try:
        tree = decode(document)
    except ValueError as error:
        raise InvalidFile(path, _schema_problems(document, path, kind, bounds) or [str(error)]) from None
    found = problems(tree) if problems else []
    if found or by_schema:
        found = _schema_problems(document, path, kind, bounds) or found
    if found:
        raise InvalidFile(path, found)
    return tree


def _schema_problems(content: bytes, path: Path, kind: str, bounds: Bounds) -> list[str]:
    from rnn_goldens import schema
    from rnn_goldens.encoding import json_file

    return schema.problems(json_file.decode(content, path, bounds), kind)
