"""Golden ↔ file. Both files hold the same tree, equal to the last bit."""

from pathlib import Path

from rnn_goldens import schema
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding import hdf5_file, json_file, semantics
from rnn_goldens.encoding.tree import FORMAT, Tree, content_hash, from_document, from_tree, to_document, to_tree
from rnn_goldens.errors import InvalidFile

__all__ = ["SUFFIXES", "content_hash", "encode", "read", "read_known", "to_tree"]

SUFFIXES = (".h5", ".json")


def encode(golden: Golden) -> dict[str, bytes]:
    """The bytes of both files of a golden, by suffix. What is returned has passed the schema and the semantic check.

    Raises:
        InvalidFile: the golden is not consistent in itself.
    """
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
        document = to_document(hdf5_file.read_tree(path))
    elif path.suffix == ".json":
        document = json_file.read_document(path)
    else:
        raise InvalidFile(path, [f"a golden file ends in {' or '.join(SUFFIXES)}"])
    return from_tree(_check(document, path))


def read_known(path: Path, known: Tree) -> Golden:
    """Read a golden from an ``.h5`` file whose hash is known, and check it in full only if it is of no use.

    Args:
        path: the file.
        known: what the index says of the golden, and need not be read; of these ``id`` is compared with the file's.

    Raises:
        InvalidFile: not readable, another golden, or not a valid one.
    """
    tree = hdf5_file.read_tree(path, leave_out=known.keys() - {"id"})
    try:
        if (tree["kind"], tree["format"]) != ("golden", FORMAT):
            raise ValueError(f"is {tree['kind']} format {tree['format']}, not golden format {FORMAT}")
        if tree["id"] != known["id"]:
            raise ValueError(f"holds {tree['id']}, not {known['id']}")
        return from_tree(tree | known)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        read(path)  # which says in full what is wrong, unless only the index and the file do not agree
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
