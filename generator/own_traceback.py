"""What a file of someone's raised, without the lines of those who ran it."""

import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException, extract_tb

import rnn_goldens
from rnn_goldens import generator
from rnn_goldens.errors import RnnGoldensError, WrongUse

_INSTALLED = ("site-packages", "dist-packages")


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Raise WrongUse in place of what running a file raises: an error of this package is one line with its place."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except RnnGoldensError as error:
        own = [frame for frame in extract_tb(error.__traceback__) if _is_own(frame)]
        raise WrongUse(f"{_place(path, own)}: {error}") from None
    except BaseException as error:
        shown = _only_own(TracebackException.from_exception(error))
        raise WrongUse(f"{path} can not be run:\n{''.join(shown.format()).rstrip()}") from None


def _place(path: Path, own: list[FrameSummary]) -> str:
    if not own:
        return str(path)
    where = path if Path(own[-1].filename) == path.resolve() else own[-1].filename
    return f"{where}, line {own[-1].lineno}"


def _only_own(raised: TracebackException) -> TracebackException:
    """The same, and what it came of, without the frames of others."""
    raised.stack = StackSummary.from_list([frame for frame in raised.stack if _is_own(frame)])
    for before in (raised.__cause__, raised.__context__):
        if before is not None:
            _only_own(before)
    return raised


def _is_own(frame: FrameSummary) -> bool:
    file = Path(frame.filename)
    ours = (*rnn_goldens.__path__, *generator.__path__, sysconfig.get_path("stdlib"))
    return file.is_file() and not set(_INSTALLED) & set(file.parts) and not any(map(file.is_relative_to, ours))
