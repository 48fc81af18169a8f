"""One golden as a file, without a corpus; its gradients as another beside it, if it has some."""

from os import PathLike
from pathlib import Path

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import WrongUse
from rnn_goldens.writing import write_together


def save(golden: Golden, path: str | PathLike[str]) -> None:
    """Write a golden into a ``.json`` or ``.h5`` file: all of it, or nothing.

    All of it is written, in whichever precision it is given: a file is of every precision that it can be checked in.
    Gradients, where the golden has them, go into a file beside it, as in a corpus: ``gru.gradients.json`` beside
    ``gru.json``. Where it has none, such a file, which is another golden's, is removed.

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
    if file.suffix not in encoding.OUTPUTS.suffixes:
        raise WrongUse(f"{file}: a golden file ends in {' or '.join(encoding.OUTPUTS.suffixes)}")
    files = encoding.encode(golden)
    write_together({encoding.gradients_beside(file): files.get(f".gradients{file.suffix}"), file: files[file.suffix]})


def read(path: str | PathLike[str], *, dtype: object = None, gradients: bool = False) -> Golden:
    """Read a golden from a ``.json`` or ``.h5`` file, and check all of it.

    Args:
        path: the file.
        dtype: the precision, named as for ``load``; the widest of the golden's, or of its gradients', if None.
        gradients: whether its gradients are read, too, from the file beside it.

    Raises:
        InvalidFile: not readable, of no known format, or not consistent in itself; or gradients of another golden.
        UnknownName: the golden, or its gradients, can not be checked in the precision.
    """
    file = Path(path)
    golden = encoding.read(file)
    if not gradients:
        return golden.in_precision(golden.precisions[0] if dtype is None else dtype)
    golden = encoding.read(encoding.gradients_beside(file), of=golden)
    assert golden.gradients is not None
    asked = golden.in_precision(golden.gradients.precisions[0] if dtype is None else dtype)
    asked.checkable_gradients()  # which can be checked in this precision, or it is an error
    return asked
