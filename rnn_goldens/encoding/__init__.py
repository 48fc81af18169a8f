"""Golden ↔ file. Both files hold the same tree, equal to the last bit."""

from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.bounds import GOLDEN
from rnn_goldens.encoding.tree import content_hash, from_tree, to_document, to_tree
from rnn_goldens.errors import InvalidFile

__all__ = ["SUFFIXES", "content_hash", "decode", "encode", "read", "to_tree"]

SUFFIXES = (".h5", ".json")


def encode(golden: Golden) -> dict[str, bytes]:
    """The bytes of both files of a golden, by suffix. What is returned can be read again, and has passed the schema.

    Raises:
        InvalidFile: the golden is not consistent in itself, or too large for a file.
    """
    from rnn_goldens.encoding import hdf5_file, json_file

    tree = to_tree(golden)
    content = json_file.encode(to_document(tree))
    decode(content, Path(golden.id), by_schema=True)
    return {".h5": hdf5_file.encode(tree, golden.layout.gates), ".json": content}


def read(path: Path, *, by_schema: bool = False, below: Path | None = None) -> Golden:
    """Read a golden from ``.h5`` or ``.json`` and check all of it.

    Args:
        path: the file.
        by_schema: whether the schema itself is asked, too, which allows the same and takes longer.
        below: a folder that it is said to lie in; a link that leads out of it is not followed.

    Raises:
        InvalidFile: not readable, not of a known format, not valid, or not consistent in itself.
    """
    if path.suffix not in SUFFIXES:
        raise InvalidFile(path, [f"a golden file ends in {' or '.join(SUFFIXES)}"])
    from rnn_goldens.encoding.file_bytes import read_bytes

    return decode(read_bytes(path, GOLDEN.size, below=below), path, by_schema=by_schema)


def decode(content: bytes, path: Path, *, by_schema: bool = False, known: bool = False) -> Golden:
    """The golden that the bytes of a file hold.

    Args:
        content: the bytes.
        path: the file's name, which says what they are and is named in what is said of them.
        by_schema: as for ``read``.
        known: whether they are known to be consistent, as those that the package carries: they were checked when they
            were made, and have its hash.

    Raises:
        InvalidFile: they are no valid golden.
    """
    from rnn_goldens.encoding import golden_document, semantics
    from rnn_goldens.encoding.checked_tree import checked_tree

    problems = None if known else semantics.problems
    return from_tree(checked_tree(content, path, "golden", golden_document.decode, problems, by_schema=by_schema))
