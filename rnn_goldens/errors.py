"""The errors that this package raises, and exit codes. Each message says what is wrong, where, and what to do."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rnn_goldens.control_characters import visible

_MAX_NAMES = 30
"""A message lists all names if there are at most this many."""

_EXAMPLES = 5
"""The number of names that a message lists as examples if there are more than ``_MAX_NAMES``."""

_MAX_PROBLEMS = 20

FINDING, WRONG_USE = 1, 2
"""The nonzero exit codes of the commands."""


class RnnGoldensError(Exception):
    """Base class of the errors below, except ``Unsupported`` and ``ProgramFailed``, which implementations cause."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        return visible(super().__str__())  # messages quote files and programs, and are printed to terminals


def _unpickled(kind: type[RnnGoldensError], arguments: tuple[object, ...]) -> RnnGoldensError:
    """Recreate an error from another process without building its message again."""
    return kind.__new__(kind, *arguments)


class UnknownName(RnnGoldensError):
    """Raised for a name that does not exist, for example of a golden, cell, precision, deviation or corpus."""

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        plural: str | None = None,
        listed_by: str = "rnn-goldens list",
        shown: Iterable[str] = (),
        meanings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Build a message with the nearest name, if one is similar, and the known names.

        Args:
            kind: the kind of thing that has names, such as ``golden``.
            name: the unknown name.
            known: the names that exist.
            plural: the plural of the kind, if it is not formed with an s.
            listed_by: the command that lists all names, if there are too many for a message.
            shown: the names to list, with ``listed_by`` for the others; all if empty.
            meanings: what the names mean, listed one per line instead of the names alone.
        """
        known, kinds = list(known), plural or f"{kind}s"
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        listed = f"{kinds[0].upper()}{kinds[1:]}: {', '.join(known) or 'none'}"
        if shown := list(shown):
            listed = f"{kinds[0].upper()}{kinds[1:]}: {', '.join(shown)}; {listed_by} shows all {len(known)}"
        elif len(known) > _MAX_NAMES:
            some = "" if nearest else f", such as {', '.join(known[:_EXAMPLES])}"
            listed = f"{listed_by} shows all {len(known)}{some}"
        if meanings:
            listed = "\n".join([f"{kinds[0].upper()}{kinds[1:]}:", *(f"  {n}: {text}" for n, text in meanings.items())])
        super().__init__(f"no {kind} {name!r}.{hint} {listed}")


class InvalidFile(RnnGoldensError):
    """Raised for a file that is damaged, has another format, or is inconsistent.

    Attributes:
        path: the file.
        problems: the problems, one sentence each.
    """

    def __init__(self, path: Path | str, problems: Iterable[str], remedy: str = "") -> None:
        self.path = Path(path)
        self.problems = tuple(problems)
        count, listed = len(self.problems), self.problems[:_MAX_PROBLEMS]
        lines = [f"{path}: {f'{count} problems, the first: ' if count > 1 else ''}{listed[0]}"]
        lines += [f"  - {problem}" for problem in listed[1:]]
        lines += [f"  … and {count - len(listed)} more"] if count > len(listed) else []
        super().__init__("\n".join([*lines, remedy] if remedy else lines))


def not_readable(path: Path | str, error: Exception) -> InvalidFile:
    """Return the error for a file that cannot be read, with the system's message but without its errno."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return InvalidFile(path, [f"cannot be read: {reason}"])


class CutShort(RnnGoldensError):
    """Raised if a run ended before it compared every selected golden."""


class WrongUse(RnnGoldensError):
    """Raised for a request with invalid or contradictory arguments."""


class WorkersFailed(RnnGoldensError):
    """Raised if worker processes or machines have stopped, or cannot do their work."""


class Unsupported(Exception):
    """Raised by an implementation that does not support a golden, which is then refused instead of failed."""

    __module__ = "rnn_goldens"


class ProgramFailed(Exception):
    """Raised if a program did not answer a request: it crashed, hung or printed an invalid answer."""

    __module__ = "rnn_goldens"
