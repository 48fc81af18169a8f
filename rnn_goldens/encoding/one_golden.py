"""One golden as a file, without a corpus."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import WrongUse


def save(golden: Golden, path: str | os.PathLike[str]) -> None:
    """Write a golden into a ``.json`` or ``.h5`` file: the whole file, or nothing.

    All of it is written, in whichever precision it is given: a file is of every precision that it can be checked in.

    Args:
        golden: what ``load``, ``certify`` or ``read`` returned.
        path: the file; one that is there is replaced.

    Raises:
        WrongUse: the path ends in something else.
        InvalidFile: the golden is not consistent in itself.
        OSError: the file can not be written; then what was there stays.
    """
    file = Path(path)
    if file.suffix not in encoding.SUFFIXES:
        raise WrongUse(f"{file}: a golden file ends in {' or '.join(encoding.SUFFIXES)}")
    content = encoding.encode(golden)[file.suffix]
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as beside:
        try:
            beside.write(content)
            beside.close()
            Path(beside.name).chmod(0o666 & ~_umask())
            Path(beside.name).replace(file)
        except BaseException:
            Path(beside.name).unlink(missing_ok=True)
            raise


def read(path: str | os.PathLike[str], *, dtype: object = "float64") -> Golden:
    """Read a golden from a ``.json`` or ``.h5`` file, and check all of it.

    Args:
        path: the file.
        dtype: the precision, named as for ``load``.

    Raises:
        InvalidFile: not readable, of no known format, or not consistent in itself.
        UnknownName: the golden does not support the precision.
    """
    return encoding.read(Path(path)).in_precision(dtype)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
