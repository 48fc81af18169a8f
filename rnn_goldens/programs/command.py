"""The command that starts a program: parsing it from one setting, and finding the executable."""

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from rnn_goldens.errors import WrongUse

MARK = "--"
"""Prefix of an implementation's name that makes it a command: ``-- ./my_rnn --flags``."""

_LONGEST = 60


@dataclass(frozen=True)
class Command:
    """A command that can be started.

    Attributes:
        arguments: the program, as typed, and its arguments.
        executable: the program's file.
        folder: the working directory.
    """

    arguments: tuple[str, ...]
    executable: Path
    folder: Path

    def __str__(self) -> str:
        text = shlex.join(self.arguments)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def is_command(name: str) -> bool:
    """Return whether the name of an implementation is a command."""
    return name.split(maxsplit=1)[:1] == [MARK]


def find_command(name: str, folder: Path) -> Command:
    """Split a command, ``-- ./my_rnn --flags``, as a shell does, and find its program.

    ``folder`` is the working directory and the base of relative paths. Raises WrongUse if the command is empty, or its
    program does not exist or is not executable.
    """
    try:
        arguments = tuple(shlex.split(name.strip().removeprefix(MARK)))
    except ValueError as error:
        raise WrongUse(f"the command {name!r} cannot be split into arguments: {error}") from None
    if not arguments or not arguments[0]:
        raise WrongUse(f"{MARK} is followed by the command to check: {MARK} ./my_rnn --flags")
    first = arguments[0]
    is_path = bool({"/", os.sep} & set(first))
    path = folder.absolute() / first
    found = shutil.which(str(path) if is_path else first)
    if found is None:
        raise WrongUse(f"the program {first!r} cannot be started: {_why_not(first, path, is_path=is_path)}")
    return Command(arguments, Path(found).absolute(), folder)


def _why_not(first: str, path: Path, *, is_path: bool) -> str:
    if not is_path:
        hint = f"; for the one in {path.parent} write ./{first}" if path.is_file() else ""
        return f"it is not on the PATH{hint}"
    if path.is_dir():
        return f"{path} is a folder"
    if path.exists():
        return f"{path} is not executable; make it executable, or name its interpreter: {MARK} python {first}"
    return f"there is no file {path}"
