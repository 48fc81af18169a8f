"""Writes goldens to files and reads them: two files for a golden, and two beside them for its gradients.

Each pair is an ``.h5`` and a ``.json`` file that hold the same tree, equal to the last bit; a golden at the size of a
kernel has the first one only. The same functions write and read both kinds; ``tree``, ``golden_types`` and
``consistency`` define their content.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding.tree import (
    Tree,
    content_hash,
    from_tree,
    gradients_from_tree,
    to_document,
    to_gradients_tree,
    to_tree,
)
from rnn_goldens.encoding.untrusted_files import GOLDEN, GOLDEN_OF_HDF5, MEBIBYTE, OTHER, Bounds, read_bytes
from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.features import KERNEL_SIZE


@dataclass(frozen=True)
class Kind:
    """A kind of file: golden or gradients."""

    name: str  # the name in files, schemas and messages
    suffixes: tuple[str, str]  # the suffixes of its two files, HDF5 first
    tree: Callable[[Golden], Tree]  # converts a golden to the content of the files


OUTPUTS = Kind("golden", (".h5", ".json"), to_tree)
GRADIENTS = Kind("gradients", (".gradients.h5", ".gradients.json"), to_gradients_tree)


def is_of_gradients(path: Path) -> bool:
    """Return whether a path names a gradients file."""
    return path.name.endswith(GRADIENTS.suffixes)


def gradients_beside(path: Path) -> Path:
    """Return the path of the gradients file beside a golden file, in the same format. The file may not exist."""
    return path.with_name(f"{path.stem}.gradients{path.suffix}")


def golden_beside(path: Path) -> Path:
    """Return the path of the golden file beside a gradients file, in the other format if only that file exists."""
    stem = path.name.removesuffix("".join(path.suffixes[-2:]))
    same_format = path.with_name(f"{stem}{path.suffix}")
    other_format = path.with_name(f"{stem}{'.json' if path.suffix == '.h5' else '.h5'}")
    return other_format if other_format.exists() and not same_format.exists() else same_format


def encode(golden: Golden) -> dict[str, bytes]:
    """Return the bytes of the files of a golden, and of its gradients if it has some, by suffix.

    A file is read back and validated by the schema before the function returns. A golden at the size of a kernel has no
    JSON: it would have several times the bytes of HDF5. Raises InvalidFile for one that is inconsistent or too large.
    """
    from rnn_goldens.encoding import hdf5_file, json_file

    files: dict[str, bytes] = {}
    is_large = KERNEL_SIZE in golden.features
    for kind in (OUTPUTS, GRADIENTS) if golden.gradients is not None else (OUTPUTS,):
        tree = kind.tree(golden)
        of_hdf5, of_json = kind.suffixes
        found = {of_hdf5: hdf5_file.encode(tree, compressed=is_large)}
        if not is_large:
            found[of_json] = json_file.encode(to_document(tree))
        suffix, content = list(found.items())[-1]
        name = Path(f"{golden.id}{suffix.removesuffix('.json')}")
        decode(content, name, of=None if kind is OUTPUTS else golden, by_schema=True)
        files |= found
    return files


def read(path: Path, *, of: Golden | None = None, by_schema: bool = False, below: Path | None = None) -> Golden:
    """Read and validate a golden, or the gradients of the golden ``of``, from an ``.h5`` or ``.json`` file.

    Args:
        path: the file.
        of: the golden of the gradients, which is returned with them; None to read a golden.
        by_schema: whether to validate with the JSON Schema too. It accepts the same files and takes longer.
        below: a folder that must contain the file; a link that leads out of it is not followed.

    Raises InvalidFile if it cannot be read, has an unknown format, is invalid, inconsistent, or of another golden.
    """
    kind = OUTPUTS if of is None else GRADIENTS
    if not path.name.endswith(kind.suffixes):
        raise InvalidFile(path, [f"a {kind.name} file ends in {' or '.join(kind.suffixes)}"])
    _require_in_wheel(path)
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
    """Parse and validate the bytes of a file, as ``read`` does. The suffix of the path is the format.

    ``of_content`` is the content hash of ``of``, if known. An invalid file is always validated by the schema, for its
    messages. ``known`` content is consistent: the package was checked when it was generated, and the hash matches.
    """
    from rnn_goldens.encoding import golden_types, json_file

    kind = OUTPUTS if of is None else GRADIENTS
    document, bounds = content, GOLDEN
    if path.suffix == ".h5":
        document, bounds = _hdf5_as_json(content, path), GOLDEN_OF_HDF5
    # counting would slow down reading small files
    if len(document) > MEBIBYTE and (problem := bounds.problem(document)):
        raise InvalidFile(path, [problem])
    try:
        tree = golden_types.decode(document, kind.name, lazily=known)
        if document is content and not (known or by_schema):  # _schema_problems checks this too
            json_file.require_each_key_once(content)
    except ValueError as error:
        raise InvalidFile(path, _schema_problems(document, path, kind, bounds) or [str(error)]) from None
    problems = [] if known else _problems(tree, of, of_content)
    if problems or by_schema:
        problems = _schema_problems(document, path, kind, bounds) or problems
    if problems:
        raise InvalidFile(path, problems)
    return from_tree(tree) if of is None else replace(of, gradients=gradients_from_tree(tree, of))


def _hdf5_as_json(content: bytes, path: Path) -> bytes:
    from rnn_goldens.encoding.hdf5_file import read_tree

    try:
        return msgspec.json.encode(to_document(read_tree(content)))
    except ValueError as error:
        raise InvalidFile(path, [f"not a readable HDF5 file: {error}"]) from None


def _problems(tree: Tree, of: Golden | None, of_content: str | None) -> list[str]:
    from rnn_goldens.encoding import consistency

    if of is None:
        return consistency.problems(tree)
    return consistency.gradients_problems(tree, of, of_content or content_hash(of))


def _schema_problems(content: bytes, path: Path, kind: Kind, bounds: Bounds) -> list[str]:
    from rnn_goldens import schema
    from rnn_goldens.encoding import json_file

    document = json_file.decode(content, path, bounds)
    name = document.get("kind") if kind is OUTPUTS and isinstance(document, dict) else None
    return schema.problems(document, name if name in ("recurrence", "integer") else kind.name)


LIST = "not-in-wheel.txt"
"""The file that the build of the wheel, ``hatch_build.py``, writes beside an index: of a path, or ``FOLDER/*.h5``."""


def not_in_wheel(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    """Return those paths, relative to a corpus's folder, that are missing because the wheel does not carry them."""
    try:
        lines = read_bytes(folder / LIST, OTHER.size).decode(errors="replace").splitlines()
    except InvalidFile:
        return frozenset()
    listed = {*lines}
    of_folders = ((path, {path, f"{path.rpartition('/')[0]}/*.h5"}) for path in paths if path.endswith(".h5"))
    return frozenset(path for path, either in of_folders if either & listed and not (folder / path).exists())


def _require_in_wheel(path: Path) -> None:
    """Raise InvalidFile, with the places that have the file, if the wheel does not carry it."""
    if path.suffix != ".h5" or path.exists():
        return
    folder = next((above for above in path.absolute().parents if (above / LIST).exists()), None)
    name = "" if folder is None else path.absolute().relative_to(folder).as_posix()
    if folder is not None and not_in_wheel(folder, [name]):
        golden_id = name.removesuffix(".h5").removesuffix(".gradients")
        if folder.name == "kernels":
            raise InvalidFile(path, ["is not in the wheel"], "It is in another: pip install 'rnn-goldens[kernels]'")
        raise InvalidFile(
            path,
            ["is not in the wheel, which has HDF5 of the documented goldens only"],
            "It is in the repository, the sdist and, for its goldens, the release archive. Or write it:\n"
            f"  rnn-goldens export {golden_id} --to hdf5 FOLDER",
        )
