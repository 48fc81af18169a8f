"""Saves a single golden to a file and reads it, without a corpus. Gradients are in a second file beside it."""

from os import PathLike
from pathlib import Path

from rnn_goldens import encoding
from rnn_goldens.atomic_write import write_together
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import WrongUse


def save(golden: Golden, path: str | PathLike[str]) -> None:
    """Write a golden to a ``.json`` or ``.h5`` file, atomically.

    The file serves every precision that the golden can be checked in, whichever precision it was loaded in. Gradients
    are written to a second file: ``gru.gradients.json`` beside ``gru.json``. If the golden has no gradients, an
    existing gradients file is removed, because it belongs to another golden.

    Args:
        golden: a golden returned by ``load``, ``certify`` or ``read``.
        path: the file; an existing one is replaced.

    Raises:
        WrongUse: ``golden`` is not a golden, or the path has another suffix.
        InvalidFile: the golden is inconsistent.
        OSError: the file cannot be written; existing files are unchanged.
    """
    if not isinstance(golden, Golden):
        raise WrongUse(f"save takes a golden, as load, certify or read return it, not {type(golden).__name__}")
    if golden.embedding is not None:
        raise WrongUse(f"{golden.id} is embedded in {golden.embedding}: save the golden itself")
    file = Path(path)
    if file.suffix not in encoding.OUTPUTS.suffixes:
        raise WrongUse(f"{file}: a golden file ends in {' or '.join(encoding.OUTPUTS.suffixes)}")
    files = encoding.encode(golden)
    write_together({encoding.gradients_beside(file): files.get(f".gradients{file.suffix}"), file: files[file.suffix]})


def read(path: str | PathLike[str], *, dtype: object = None, gradients: bool = False) -> Golden:
    """Read and validate a golden from a ``.json`` or ``.h5`` file.

    Args:
        path: the file.
        dtype: the precision, as for ``load``. None for the widest precision of the golden, or of its gradients.
        gradients: whether to read the gradients too, from the gradients file beside ``path``.

    Raises:
        InvalidFile: a file cannot be read, has an unknown format or is inconsistent, or the gradients are of another
            golden.
        UnknownName: the golden or its gradients cannot be checked in the precision.
    """
    file = Path(path)
    golden = encoding.read(file)
    if not gradients:
        return golden.in_precision(golden.precisions[0] if dtype is None else dtype)
    golden = encoding.read(encoding.gradients_beside(file), of=golden)
    assert golden.gradients is not None
    converted = golden.in_precision(golden.gradients.precisions[0] if dtype is None else dtype)
    converted.checkable_gradients()  # raises if they cannot be checked in this precision
    return converted
