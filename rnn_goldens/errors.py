"""Every error this package raises on purpose. Each message says what is wrong, where, and what to do."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rnn_goldens.visible import visible

_MOST_NAMES = 30
"""Of so many all are listed, of more a few."""

_A_FEW = 5
_MOST_PROBLEMS = 20


class RnnGoldensError(Exception):
    """Base of the errors below, except those an implementation under test is judged by."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _as_it_was, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        return visible(super().__str__())  # it quotes files and programs, and most are read on a terminal


def _as_it_was(kind: type[RnnGoldensError], arguments: tuple[object, ...]) -> RnnGoldensError:
    """An error that comes from another process: its message is made, and not to be made again."""
    return kind.__new__(kind, *arguments)


class UnknownName(RnnGoldensError):
    """A golden, cell, feature, precision, convention, implementation or corpus that does not exist."""

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        plural: str | None = None,
        seen: str = "rnn-goldens list",
    ) -> None:
        """Say which name is the nearest, if one is near, and which there are.

        Args:
            kind: what it would be the name of.
            name: the name.
            known: those that exist.
            plural: of the kind, where that is more than an s.
            seen: where all are to be seen, for a kind that has more than fit a message.
        """
        known, kinds = list(known), plural or f"{kind}s"
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        listed = f"{kinds[0].upper()}{kinds[1:]}: {', '.join(known) or 'none'}"
        if len(known) > _MOST_NAMES:
            some = "" if nearest else f", such as {', '.join(known[:_A_FEW])}"
            listed = f"{seen} shows all {len(known)}{some}"
        super().__init__(f"no {kind} {name!r}.{hint} {listed}")


class InvalidFile(RnnGoldensError):
    """A file that is not what it should be: damaged, of another format, or inconsistent in itself.

    Attributes:
        path: the file.
        problems: what is wrong with it, one sentence each.
    """

    def __init__(self, path: Path | str, problems: Iterable[str], remedy: str = "") -> None:
        self.path = Path(path)
        self.problems = tuple(problems)
        count, listed = len(self.problems), self.problems[:_MOST_PROBLEMS]
        lines = [f"{path}: {f'{count} problems, the first: ' if count > 1 else ''}{listed[0]}"]
        lines += [f"  - {problem}" for problem in listed[1:]]
        lines += [f"  … and {count - len(listed)} more"] if count > len(listed) else []
        super().__init__("\n".join([*lines, remedy] if remedy else lines))


def not_readable(path: Path | str, error: Exception) -> InvalidFile:
    """The error for a file that the operating system does not hand over, in its words and without its number."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return InvalidFile(path, [f"can not be read: {reason}"])


class CutShort(RnnGoldensError):
    """A run that did not judge every golden it was asked."""


class WrongUse(RnnGoldensError):
    """A request that can not be carried out as it stands."""


class WorkersFailed(RnnGoldensError):
    """Processes or machines that were to do a part of the work, and are gone or can not."""


class Unsupported(Exception):
    """Raised by an implementation that can not do what a golden asks: refused, which is not the same as wrong."""

    __module__ = "rnn_goldens"


class ProgramFailed(Exception):
    """A program that was asked for a golden and gave no answer: it crashed, hung, printed rubbish, ..."""

    __module__ = "rnn_goldens"
