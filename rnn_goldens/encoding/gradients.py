"""Gradients of a golden ↔ the files that stand beside its own."""

from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.bounds import GOLDEN
from rnn_goldens.encoding.tree import Tree, content_hash, to_document
from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.gradients import Gradients

SUFFIXES = (".gradients.h5", ".gradients.json")


def is_of_gradients(path: Path) -> bool:
    """Whether a file holds gradients, by its name."""
    return path.name.endswith(SUFFIXES)


def gradients_beside(path: Path) -> Path:
    """The file of gradients that stands beside the file of a golden, or would, of the same kind."""
    return path.with_name(f"{path.stem}.gradients{path.suffix}")


def golden_beside(path: Path) -> Path:
    """The file of the golden that a file of gradients stands beside: of the same kind if there is one."""
    stem = path.name.removesuffix("".join(path.suffixes[-2:]))
    own = path.with_name(f"{stem}{path.suffix}")
    other = path.with_name(f"{stem}{'.json' if path.suffix == '.h5' else '.h5'}")
    return other if other.exists() and not own.exists() else own


def encode_gradients(golden: Golden) -> dict[str, bytes]:
    """The bytes of both files, by suffix; none if the golden has no gradients.

    Raises:
        InvalidFile: they are not consistent in themselves, or too large for a file.
    """
    if golden.gradients is None:
        return {}
    from rnn_goldens.encoding import hdf5_file, json_file
    from rnn_goldens.encoding.gradients_tree import to_gradients_tree

    tree = to_gradients_tree(golden)
    content = json_file.encode(to_document(tree))
    decode_gradients(content, Path(f"{golden.id}.gradients"), golden, by_schema=True)
    return dict(zip(SUFFIXES, (hdf5_file.encode(tree, golden.layout.gates), content), strict=True))


def read_gradients(path: Path, golden: Golden, *, by_schema: bool = False, below: Path | None = None) -> Gradients:
    """Read the gradients of a golden, and check all of them; arguments and errors are as of ``encoding.read``."""
    if not is_of_gradients(path):
        raise InvalidFile(path, [f"a file of gradients ends in {' or '.join(SUFFIXES)}"])
    from rnn_goldens.encoding.file_bytes import read_bytes

    return decode_gradients(read_bytes(path, GOLDEN.size, below=below), path, golden, by_schema=by_schema)


def decode_gradients(
    content: bytes,
    path: Path,
    golden: Golden,
    golden_content: str | None = None,
    *,
    by_schema: bool = False,
    known: bool = False,
) -> Gradients:
    """The gradients that the bytes of a file hold.

    Args:
        content: the bytes.
        path: the file's name, which says what they are and is named in what is said of them.
        golden: whose they are.
        golden_content: the hash of its content, if that is known.
        by_schema: as for ``encoding.read``.
        known: as for ``encoding.decode``.

    Raises:
        InvalidFile: they are no valid gradients of this golden.
    """
    from rnn_goldens.encoding import gradients_document, gradients_semantics
    from rnn_goldens.encoding.checked_tree import checked_tree
    from rnn_goldens.encoding.gradients_tree import gradients_from_tree

    def problems(tree: Tree) -> list[str]:
        return gradients_semantics.problems(tree, golden, golden_content or content_hash(golden))

    checks = None if known else problems
    tree = checked_tree(content, path, "gradients", gradients_document.decode, checks, by_schema=by_schema)
    return gradients_from_tree(tree, golden)
