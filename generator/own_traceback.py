"""What a file of someone's raised, without the lines of those who ran it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import FrameSummary

from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.importing import own_frames, raised


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Raise WrongUse in place of what running a file raises: an error of this package is one line with its place."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except RnnGoldensError as error:
        raise WrongUse(f"{_place(path, own_frames(error))}: {error}") from None
    except BaseException as error:
        raise WrongUse(f"{path} can not be run:\n{raised(error)}") from None


def _place(path: Path, own: list[FrameSummary]) -> str:
    if not own:
        return str(path)
    where = path if Path(own[-1].filename) == path.resolve() else own[-1].filename
    return f"{where}, line {own[-1].lineno}"
