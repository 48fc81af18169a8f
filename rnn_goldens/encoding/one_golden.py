"""One golden as a file, without a corpus."""

from os import PathLike
from pathlib import Path

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.whole_file import write_whole
from rnn_goldens.errors import WrongUse


def save(golden: Golden, path: str | PathLike[str]) -> None:
    """Write a golden into a ``.json`` or ``.h5`` file: the whole file, or nothing.

    All of it is written, in whichever precision it is given: a file is of every precision that it can be checked in.

    Args:
        golden: what ``load``, ``certify`` or ``read`` returned.
        path: the file; one that is there is replaced.

    Raises:
        WrongUse: it is no golden, or the path ends in something else.
        InvalidFile: the golden is not consistent in itself.
        OSError: the file can not be written; then what was there stays.
    """
    if not isinstance(golden, Golden):
        raise WrongUse(f"save takes a golden, such as load, certify or read return, not {type(golden).__name__}")
    file = Path(path)
    if file.suffix not in encoding.SUFFIXES:
        raise WrongUse(f"{file}: a golden file ends in {' or '.join(encoding.SUFFIXES)}")
    write_whole(file, encoding.encode(golden)[file.suffix])


def read(path: str | PathLike[str], *, dtype: object = None) -> Golden:
    """Read a golden from a ``.json`` or ``.h5`` file, and check all of it.

    Args:
        path: the file.
        dtype: the precision, named as for ``load``; the widest of the golden's if None.

    Raises:
        InvalidFile: not readable, of no known format, or not consistent in itself.
        UnknownName: the golden does not support the precision.
    """
    golden = encoding.read(Path(path))
    return golden.in_precision(golden.precisions[0] if dtype is None else dtype)
