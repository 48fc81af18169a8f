"""How exported goldens are written into a folder: all or none, and nothing that is there is lost unasked."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported import ITSELF, Exported
from rnn_goldens.writing import clean, make, placing

_A_FEW = 5

NEW, UNCHANGED, REPLACED = "new", "unchanged", "replaced"


def write(folder: Path, goldens: Sequence[Exported], *, replace: bool = False) -> list[str]:
    """Write goldens into a folder, which is made if it is not there; whatever goes wrong, everything is as it was.

    A process that is killed while they take their places may leave some in place and some not, each of them whole.

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
    if folder.is_dir():
        clean(folder)
    if not goldens:
        return
    with ExitStack() as undo:
        make(folder, undo)
        with placing() as staged:
            for golden in goldens:
                place = staged.new(folder, golden.place)
                for name, content in golden.files.items():
                    path = place / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        undo.pop_all()
