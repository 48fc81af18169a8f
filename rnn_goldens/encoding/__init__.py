"""Golden ↔ file. Both files hold the same tree, equal to the last bit."""

from pathlib import Path

from rnn_goldens import schema
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding import json_file, semantics
from rnn_goldens.encoding.tree import FORMAT, Tree, content_hash, from_document, from_tree, to_document, to_tree
from rnn_goldens.errors import InvalidFile

__all__ = ["SUFFIXES", "content_hash", "decode_known", "encode", "read", "to_tree"]

SUFFIXES = (".h5", ".json")


def encode(golden: Golden) -> dict[str, bytes]:
    """The bytes of both files of a golden, by suffix. What is returned has passed the schema and the semantic check.

    Raises:
        InvalidFile: the golden is not consistent in itself.
    """
    from rnn_goldens.encoding import hdf5_file

    tree = to_tree(golden)
    document = to_document(tree)
    _check(document, Path(golden.id))
    return {".h5": hdf5_file.encode(tree), ".json": json_file.encode(document)}


def read(path: Path) -> Golden:
    """Read a golden from ``.h5`` or ``.json`` and check all of it.

    Raises:
        InvalidFile: not readable, not of a known format, not valid, or not consistent in itself.
    """
    if path.suffix == ".h5":
        from rnn_goldens.encoding import hdf5_file

        document = to_document(hdf5_file.read_tree(path))
    elif path.suffix == ".json":
        document = json_file.read_document(path)
    else:
        raise InvalidFile(path, [f"a golden file ends in {' or '.join(SUFFIXES)}"])
    return from_tree(_check(document, path))


def decode_known(content: bytes, path: Path) -> Golden:
    """The golden that a ``.json`` file holds whose hash is known: checked in full only if it is of no use.

    Args:
        content: the file's bytes.
        path: its name, for what is said of it.

    Raises:
        InvalidFile: not a valid golden.
    """
    document = json_file.decode(content, path)
    try:
        if (document["kind"], document["format"]) != ("golden", FORMAT):
            raise ValueError(f"is {document['kind']} format {document['format']}, not golden format {FORMAT}")
        return from_tree(from_document(document))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _check(document, path)  # which says in full what is wrong
        raise InvalidFile(path, [str(error)]) from None


def _check(document: object, path: Path) -> Tree:
    """Schema, then array sizes, then meaning; each needs the one before."""
    found = schema.problems(document, "golden")
    if found or not isinstance(document, dict):
        raise InvalidFile(path, found)
    try:
        tree = from_document(document)
    except ValueError as error:
        raise InvalidFile(path, [str(error)]) from None
    if found := semantics.problems(tree):
        raise InvalidFile(path, found)
    return tree
