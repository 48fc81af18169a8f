"""How exported goldens are written into a folder: all or none, and nothing that is there is lost unasked."""

import errno
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from rnn_goldens.encoding.exchange import exchanged
from rnn_goldens.encoding.held import hold, is_at
from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported import ITSELF, Exported

_A_FEW = 5
_HIDDEN = ".rnn-goldens-export."

NEW, UNCHANGED, REPLACED = "new", "unchanged", "replaced"


def write(folder: Path, goldens: Sequence[Exported], *, replace: bool = False) -> list[str]:
    """Write goldens into a folder, which is made if it is not there; whatever goes wrong, everything is as it was.

    Each is written under a hidden name and takes its place when all are there. A process that is killed while they
    do may leave some in place and some not, each of them whole, and the hidden folder, which whoever next writes there
    takes away. (Where the system has no way to let two change places, the old one may be in the hidden folder.)

    Args:
        folder: where.
        goldens: what.
        replace: let those that are there hold something else from now on. A folder is replaced as a whole.

    Returns:
        For each golden what became of it: ``new``, ``unchanged`` or ``replaced``.

    Raises:
        WrongUse: two have the same place, or one is there, holds something else, and ``replace`` is not said.
        OSError: they can not be written; its ``filename`` is ``folder``.
    """
    _require_own_places(goldens)
    try:
        became = [_became(folder / golden.place, golden.files) for golden in goldens]
        _require_no_loss(folder, [g for g, what in zip(goldens, became, strict=True) if what == REPLACED], replace)
        _write(folder, [g for g, what in zip(goldens, became, strict=True) if what != UNCHANGED])
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    return became


def _require_own_places(goldens: Sequence[Exported]) -> None:
    holders: dict[str, str] = {}
    for golden in goldens:
        other = holders.setdefault(golden.place, golden.golden_id)
        if other != golden.golden_id:
            raise WrongUse(f"{other} and {golden.golden_id} would both be {golden.place}: write them into two folders")


def _require_no_loss(folder: Path, replaced: Sequence[Exported], replace: bool) -> None:
    if not replaced or replace:
        return
    listed = ", ".join(golden.place for golden in replaced[:_A_FEW])
    more = f" and {len(replaced) - _A_FEW} more" if len(replaced) > _A_FEW else ""
    raise WrongUse(
        f"{folder} holds something else as {listed}{more}: name another folder, or let "
        f"{'it' if len(replaced) == 1 else f'these {len(replaced)}'} be replaced with --replace"
    )


def _became(place: Path, files: Mapping[str, bytes]) -> str:
    if not place.exists():
        return NEW
    return UNCHANGED if _contents(place) == files else REPLACED


def _contents(place: Path) -> dict[str, bytes]:
    if place.is_file():
        return {ITSELF: place.read_bytes()}
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def _write(folder: Path, goldens: Sequence[Exported]) -> None:
    for leftover in folder.glob(f"{_HIDDEN}*"):
        _take_away(leftover)
    if not goldens:
        return
    with ExitStack() as held, ExitStack() as undo:
        _make(folder, undo)
        hidden = _held(folder / f"{_HIDDEN}{os.getpid()}", held)
        undo.callback(shutil.rmtree, hidden, ignore_errors=True)
        for golden in goldens:
            for name, content in golden.files.items():
                path = hidden / "new" / golden.place / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        for golden in goldens:
            _place(folder, golden.place, hidden, undo)
        undo.pop_all()
        shutil.rmtree(hidden, ignore_errors=True)


def _held(hidden: Path, held: ExitStack) -> Path:
    """Make a folder that others can tell from one whose process was killed."""
    while True:
        hidden.mkdir()
        if sys.platform == "win32":
            return hidden
        descriptor = os.open(hidden, os.O_RDONLY)
        held.callback(os.close, descriptor)
        if not hold(descriptor) or is_at(hidden, descriptor):
            return hidden


def _take_away(leftover: Path) -> None:
    """Remove what a process that was killed has left; one that goes on holds its folder."""
    if sys.platform == "win32":
        return
    with suppress(OSError), ExitStack() as held:
        descriptor = os.open(leftover, os.O_RDONLY)
        held.callback(os.close, descriptor)
        if hold(descriptor, at_once=True):
            shutil.rmtree(leftover)


def _place(folder: Path, place: str, hidden: Path, undo: ExitStack) -> None:
    """Move what was written to its place, and what was there out of it."""
    new, target, old = hidden / "new" / place, folder / place, hidden / "old" / place
    _make(target.parent, undo)
    if target.exists() and exchanged(new, target):
        undo.callback(exchanged, new, target)
        return
    if target.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        target.rename(old)
        undo.callback(old.rename, target)
    new.rename(target)
    undo.callback(target.rename, new)


def _make(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it that are not there."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    _make(folder.parent, undo)
    folder.mkdir()
    undo.callback(folder.rmdir)
